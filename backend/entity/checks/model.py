"""Checks of the model's own columns: primary key, owner and version, and whether each column can be read."""

from sqlalchemy import DateTime, Integer
from sqlmodel import SQLModel

from backend.entity.checks.requirements import check_model_validators
from backend.entity.checks.versions import check_version_moves
from backend.entity.column_types import unreadable
from backend.entity.columns import database_type, python_type
from backend.entity.entity import Entity
from backend.errors import DefinitionError


def check_model(name: str, entity: Entity[SQLModel]) -> None:
    """Raise `DefinitionError` for an unusable column, key, owner or version, or for unusable model validators."""
    for key, column in entity.columns.items():
        if (reason := unreadable(column.type)) is not None:
            raise DefinitionError(f"{entity.name}.{key} cannot be read: {reason}")
    if "metadata" in entity.columns:
        raise DefinitionError(
            f"{entity.name}.metadata hides SQLModel's own metadata, which has the tables: "
            'name the field otherwise, with sa_column_kwargs={"name": "metadata"}'
        )
    _check_python_type(name, entity, "id", entity.primary_key, entity.id_type)
    if entity.owner is not None:
        _check_python_type(name, entity, "owner", entity.owner, entity.owner_type)
        if entity.columns[entity.owner].nullable:
            raise DefinitionError(f"{entity.name}.{entity.owner} is the owner and may be NULL: make it required")
        if entity.owner == entity.primary_key:
            raise DefinitionError(f"{entity.name}.{entity.owner} is both key and owner: use two columns")
    _check_never_changes(entity, entity.primary_key, "primary key")
    if entity.owner is not None:
        _check_never_changes(entity, entity.owner, "owner")
    _check_version(entity)
    check_model_validators(entity)


def _check_never_changes(entity: Entity[SQLModel], key: str, what: str) -> None:
    column = entity.columns[key]
    if column.onupdate is not None or column.server_onupdate is not None:
        raise DefinitionError(f"{entity.name}.{key} is the {what}, which never changes: remove its onupdate")


def _check_version(entity: Entity[SQLModel]) -> None:
    if entity.version is None or (version := entity.version_column) is None:
        return
    if entity.version in (entity.primary_key, entity.owner):
        raise DefinitionError(f"{entity.name}.{entity.version} never changes and is no version: use another column")
    stored = database_type(version)
    if not (isinstance(stored, DateTime) and stored.timezone) and not isinstance(stored, Integer):
        raise DefinitionError(
            f"{entity.name}.{entity.version} is {version.type!r}, a version is timestamptz or an integer: "
            "give it sa_type=DateTime(timezone=True) or Integer"
        )
    check_version_moves(entity)


def _check_python_type(name: str, entity: Entity[SQLModel], what: str, key: str, declared: type) -> None:
    stored = python_type(entity.columns[key])
    if stored is not None and not issubclass(declared, stored):
        position = "fourth" if what == "id" else "fifth"
        raise DefinitionError(
            f"{entity.name}.{key} holds {stored.__name__}, {name} has {declared.__name__} as its {what} type: "
            f"name {stored.__name__} as the {position} type argument"
        )
