"""Checks of the model's own columns: primary key, owner and version, and whether each column can be read."""

from sqlalchemy import DateTime
from sqlmodel import SQLModel

from backend.entity.checks.requirements import check_model_validators
from backend.entity.checks.versions import check_version_moves
from backend.entity.column_types import database_type, unreadable
from backend.entity.entity import Entity
from backend.entity.identity import KeyColumn
from backend.entity.ownership import Ownership
from backend.errors import DefinitionError


def check_model(entity: Entity[SQLModel]) -> None:
    """Raise `DefinitionError` for an unusable column, key, owner or version, or for unusable model validators."""
    for key, column in entity.columns.items():
        if (reason := unreadable(column.type)) is not None:
            raise DefinitionError(f"{entity.name}.{key} cannot be read: {reason}")
    if "metadata" in entity.columns:
        raise DefinitionError(
            f"{entity.name}.metadata hides SQLModel's own metadata, which has the tables: "
            'name the field otherwise, with sa_column_kwargs={"name": "metadata"}'
        )
    identity, owner = entity.identity, entity.owner
    if owner is not None:
        if owner.column.nullable:
            raise DefinitionError(f"{entity.name}.{owner.attribute} is the owner and may be NULL: make it required")
        if identity.attributes == (owner.attribute,):
            raise DefinitionError(f"{entity.name}.{owner.attribute} is both key and owner: use two columns")
    for part in identity.key:
        if getattr(part.python_type, "__hash__", None) is None:
            held = part.python_type.__name__
            raise DefinitionError(
                f"{entity.name}.{part.attribute} is the primary key and {held}, by which get_many() could return no "
                "dict: use a column whose values have a hash"
            )
        _check_never_changes(entity, part, "primary key")
    if owner is not None:
        _check_never_changes(entity, owner, "owner")
    _check_version(entity)
    check_model_validators(entity)


def _check_never_changes(entity: Entity[SQLModel], role: KeyColumn | Ownership, what: str) -> None:
    if role.column.computed is not None:
        raise DefinitionError(
            f"{entity.name}.{role.attribute} is the {what}, which never changes, and computed: make it a plain column"
        )
    if role.column.onupdate is not None or role.column.server_onupdate is not None:
        raise DefinitionError(f"{entity.name}.{role.attribute} is the {what}, which never changes: remove its onupdate")


def _check_version(entity: Entity[SQLModel]) -> None:
    version = entity.version
    if version is None:
        return
    if version.attribute in entity.identity.attributes or entity.is_owner(version.attribute):
        raise DefinitionError(f"{entity.name}.{version.attribute} never changes and is no version: use another column")
    stored = database_type(version.column)
    if not version.is_integer and not (isinstance(stored, DateTime) and stored.timezone):
        raise DefinitionError(
            f"{entity.name}.{version.attribute} is {version.column.type!r}, a version is timestamptz or an integer: "
            "give it sa_type=DateTime(timezone=True) or Integer"
        )
    check_version_moves(entity, version)
