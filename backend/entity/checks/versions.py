"""Whether a version moves, as far as its column says."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Integer
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.visitors import iterate
from sqlmodel import SQLModel

from backend.entity.columns import database_type
from backend.entity.entity import Entity
from backend.errors import DefinitionError

_SUGGESTED_ONUPDATE: Final = {
    int: "column({name!r}, Integer()) + 1",
    datetime: "func.greatest(func.clock_timestamp(), column({name!r}, …) + timedelta(microseconds=1))",
}
"""Next values that are greater in every case: twice in one transaction, and where the row is ahead of the clock."""


def check_version_moves(entity: Entity[SQLModel]) -> None:
    """Raises `DefinitionError` for a version that would not strictly increase with every change of its row."""
    column = entity.version_column
    if column is None:
        return
    shown = f"{entity.name}.{entity.version}"
    if column.nullable:
        raise DefinitionError(f"{shown} is the version and may be NULL, which equals no version: make it required")
    if column.server_onupdate is not None:
        return  # a trigger's, which only the database knows
    kind = int if isinstance(database_type(column), Integer) else datetime
    onupdate = _SUGGESTED_ONUPDATE[kind].format(name=column.name)
    fix = f"onupdate={onupdate}, or server_onupdate=FetchedValue() for a trigger's"
    if column.onupdate is None:
        raise DefinitionError(f"{shown} is the version and never moves: add {fix}")
    if not _reads_itself(column):
        raise DefinitionError(f"{shown} is the version and may not move: derive it from itself, {fix}")


def _reads_itself(column: Column[object]) -> bool:
    """Whether the next value is an expression of the last, as it must be to be greater in each case."""
    next_value = getattr(column.onupdate, "arg", None)
    if not isinstance(next_value, ClauseElement):
        return False
    return any(isinstance(part, ColumnClause) and part.name == column.name for part in iterate(next_value))
