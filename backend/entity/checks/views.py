"""Which column each field of a view shows, and the checks of a view when it is first used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo
from sqlalchemy import SQLColumnExpression

from backend.entity.checks.resolving import did_you_mean
from backend.entity.entity import Entity
from backend.errors import DefinitionError


@dataclass(frozen=True, slots=True, eq=False)
class Shows:
    """The column or expression that a field of a view is declared to show, in the field's metadata."""

    column: object

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the same mark: pydantic copies the fields of a class that is inherited."""
        return self


def view_columns(entity: Entity[Any], view: type[BaseModel]) -> Mapping[str, SQLColumnExpression[object]]:
    """Return what each field of a view shows. Raises `DefinitionError` for a class that cannot be one."""
    return {name: _column(entity, view, name, field) for name, field in view.model_fields.items()}


def _column(entity: Entity[Any], view: type[BaseModel], name: str, field: FieldInfo) -> SQLColumnExpression[object]:
    for mark in field.metadata:
        if isinstance(mark, Shows):
            return cast("SQLColumnExpression[object]", mark.column)  # the statements check it
    for key in (name, *_aliases(field)):
        if key in entity.columns:
            return entity.columns[key]
    hint = did_you_mean(name, entity.columns)
    raise DefinitionError(f"{view.__name__}.{name} is no column of {entity.name}: {hint}")


def _aliases(field: FieldInfo) -> Iterator[str]:
    validation = field.validation_alias
    choices = validation.choices if isinstance(validation, AliasChoices) else (validation,)
    yield from (alias for alias in (field.alias, *choices) if isinstance(alias, str))
