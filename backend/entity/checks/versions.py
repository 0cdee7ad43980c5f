"""Check that a version increases with every change, as far as its column shows."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.visitors import iterate
from sqlmodel import SQLModel

from backend.entity.entity import Entity
from backend.entity.version import Version
from backend.errors import DefinitionError

_SUGGESTED_FIELDS: Final = {int: "number_version", datetime: "time_version"}
"""Versions that are always greater: also twice in one transaction, and if the row is ahead of the clock."""


def check_version_moves(entity: Entity[SQLModel], version: Version) -> None:
    """Raise `DefinitionError` for a version that would not strictly increase with every change of its row."""
    column = version.column
    shown = f"{entity.name}.{version.attribute}"
    if column.nullable:
        raise DefinitionError(f"{shown} is the version and may be NULL, which equals no version: make it required")
    if column.server_onupdate is not None:
        return  # set by a trigger, which cannot be checked here
    value_type = int if version.is_integer else datetime
    field = f"{_SUGGESTED_FIELDS[value_type]}({column.name!r})"
    fix = f"{field}, or with server_onupdate=FetchedValue() if a trigger sets it"
    if column.onupdate is None:
        raise DefinitionError(f"{shown} is the version and never changes: write it as {fix}")
    if not _reads_itself(column):
        raise DefinitionError(f"{shown} is the version, and its next value is not computed from it: write it as {fix}")


def _reads_itself(column: Column[object]) -> bool:
    """Return whether the next value is computed from the current one: nothing else is greater in every case."""
    next_value = getattr(column.onupdate, "arg", None)
    if not isinstance(next_value, ClauseElement):
        return False
    return any(isinstance(part, ColumnClause) and part.name == column.name for part in iterate(next_value))
