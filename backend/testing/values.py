"""Rows and data as plain values, and what an error of a request has to say."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from pydantic import MISSING, BaseModel
from sqlmodel import SQLModel

from backend.entity.entity import CreateT, Entity, ModelT
from backend.errors import RepositoryError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_NESTED: Final = (BaseModel, Mapping, list, tuple, set)
"""Values that a row may show in another form."""

Values: TypeAlias = dict[str, object]
"""The values of a row by attribute."""


def values_of(entity: Entity[ModelT], row: SQLModel) -> Values:
    """Return the values of an entity."""
    return {name: getattr(row, name) for name in entity.columns}


def set_values(data: BaseModel, *, set_only: bool = False) -> Values:
    """Return the fields that have a value which a row shows as it is: neither a document nor a list."""
    names = data.model_fields_set if set_only else type(data).model_fields
    values = {name: getattr(data, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not MISSING and not isinstance(value, _NESTED)}


def differing(before: Values, after: Values) -> set[str]:
    """Return the attributes whose values differ."""
    return {name for name in before if before[name] != after[name]}


def moves_by_itself(entity: Entity[ModelT]) -> set[str]:
    """Return the attributes that every change moves: the version, and what the table sets at an update."""
    moving = {name for name, column in entity.columns.items() if column.onupdate is not None or column.server_onupdate}
    return moving if entity.version is None else moving | {entity.version.attribute}


def without_a_required_field(data: CreateT) -> CreateT | None:
    """Return the data without a field that it must have, made past validation; `None` if every field is optional."""
    missing = next((name for name, field in type(data).model_fields.items() if field.is_required()), None)
    if missing is None:
        return None
    kept = {name: getattr(data, name) for name in data.model_fields_set - {missing}}
    return type(data).model_construct(set(kept), **kept)


def version_number(version: datetime | int) -> int:
    """Return the version as a whole number."""
    return version if isinstance(version, int) else (version - _EPOCH) // timedelta(microseconds=1)


def require_error(entity: Entity[ModelT], error: RepositoryError, operation: str) -> None:
    """Fail unless the error names model and call, and says that nothing happened and trying again is of no use."""
    assert (error.model, error.operation) == (entity.name, operation)
    assert (error.outcome, error.retryable) == ("not_applied", False)


def without_ids(error: RepositoryError, parts: Sequence[object]) -> str:
    """Return the text of an error without the parts of an id that it may show."""
    text = str(error)
    for part in parts:
        text = re.sub(rf"\b{part}\b", "…", text) if isinstance(part, int | UUID) else text
    return text
