"""Checks of a repository class when it is defined. They send nothing and configure no mapper.

Each failed check raises a `DefinitionError` whose message says what to change.

    resolving      the table, columns, schemas and types that the class names
    id_types       the primary key and the type of its ids
    model          the model's own columns: primary key, owner, version
    versions       the version increases with every change
    schemas        the create and the update schema as a whole
    fields         each field of a schema against its column and the model's field
    requirements   which columns a new row needs a value for
    owners         the owner's column distinguishes all owners
    unique_keys    unique keys that all owners share
    references     foreign keys to owned models
    defaults       column defaults that read owned tables
    views          which column each field of a view shows, and whether the field takes its values
    changes        unique and foreign keys that a `Change` may set
    registry       what classes of one table, and of models that refer to one another, must agree on
"""

from dataclasses import dataclass

from sqlmodel import SQLModel

from backend.entity.checks.changes import check_change
from backend.entity.checks.id_types import identity
from backend.entity.checks.model import check_model
from backend.entity.checks.owners import check_owner_type
from backend.entity.checks.registry import announce, owner_columns, register
from backend.entity.checks.resolving import (
    mapped_columns,
    ownership,
    schema_class,
    shared_attributes,
    table_mapper,
    version,
)
from backend.entity.checks.schemas import check_schemas
from backend.entity.checks.unique_keys import check_keys
from backend.entity.entity import Entity
from backend.entity.type_arguments import Argument

__all__ = ["ClassOptions", "announce", "check_change", "define", "mapped_columns", "owner_columns"]


@dataclass(frozen=True, slots=True)
class ClassOptions:
    """The keywords of a repository class: `owner=`, `version=` and `shared_keys=`."""

    owner: object = None
    version: object = None
    shared_keys: object = ()


def define(name: str, arguments: tuple[Argument, ...], options: ClassOptions) -> Entity[SQLModel]:
    """Return the entity of the repository class `name`. Raises `DefinitionError` if a check fails."""
    model, create, update, id_type, owner_type = arguments
    mapper = table_mapper(name, model)
    columns = mapped_columns(mapper)
    entity = Entity(
        model=mapper.class_,
        mapper=mapper,
        create=schema_class(name, "create", create),
        update=schema_class(name, "update", update),
        columns=columns,
        identity=identity(name, mapper, columns, id_type),
        owner=ownership(name, options.owner, mapper, columns, owner_type),
        version=version(name, options.version, mapper, columns),
        shared_keys=shared_attributes(name, options.shared_keys, mapper, columns),
    )
    check_model(entity)
    check_owner_type(entity)
    check_schemas(name, entity)
    check_keys(name, entity)
    register(name, entity)
    return entity
