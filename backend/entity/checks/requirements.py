"""Which columns a new row needs a value for: not those that the database fills, all that model validators read."""

from sqlalchemy import Column
from sqlmodel import SQLModel

from backend.entity.entity import Entity
from backend.entity.validators import model_validators
from backend.errors import DefinitionError


def has_value_without_schema(entity: Entity[SQLModel], column: Column[object]) -> bool:
    """Return whether the database or a default of the column supplies its value."""
    sources = (column.server_default, column.default, column.identity, column.computed)
    return any(source is not None for source in sources) or column is entity.table.autoincrement_column


def is_required(entity: Entity[SQLModel], key: str) -> bool:
    """Return whether the caller must supply a value for this column of a new row."""
    column = entity.columns[key]
    return not column.nullable and not has_value_without_schema(entity, column)


def check_model_validators(entity: Entity[SQLModel]) -> None:
    """Raise `DefinitionError` if model validators, which run on create, need a value that only the database knows."""
    if not model_validators(entity.model, entity.create):
        return
    for key, field in entity.model.model_fields.items():
        if field.is_required() and key not in entity.create.model_fields and not entity.is_owner(key):
            raise DefinitionError(
                f"{entity.name} has a model validator, which runs on create, and {entity.name}.{key} is required "
                "and not given then: give it default=None"
            )
