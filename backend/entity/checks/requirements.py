"""What a new row needs: which columns the database fills, and which the model's own validators ask for."""

from sqlalchemy import Column
from sqlmodel import SQLModel

from backend.entity.entity import Entity
from backend.entity.validators import model_validators
from backend.errors import DefinitionError


def has_value_without_schema(entity: Entity[SQLModel], column: Column[object]) -> bool:
    """Whether the database, or a default of the column, gives it a value that no schema gives."""
    given = (column.server_default, column.default, column.identity, column.computed)
    return any(one is not None for one in given) or column is entity.table.autoincrement_column


def is_required(entity: Entity[SQLModel], key: str) -> bool:
    """Whether a new row must give this column a value."""
    column = entity.columns[key]
    return not column.nullable and not has_value_without_schema(entity, column)


def check_model_validators(entity: Entity[SQLModel]) -> None:
    """Raises `DefinitionError` if the model's validators, which run on create, need what only the database knows."""
    if not model_validators(entity.model, entity.create):
        return
    for key, field in entity.model.model_fields.items():
        if field.is_required() and key not in entity.create.model_fields and key != entity.owner:
            raise DefinitionError(
                f"{entity.name} has a model validator, which runs on create, and {entity.name}.{key} is required "
                "and not given then: give it default=None"
            )
