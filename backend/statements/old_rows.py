"""The row before a change, as RETURNING gives it on PostgreSQL 18 and later. No I/O."""

from typing import Any, Final

from sqlalchemy import ColumnElement

from backend.entity.entity import Entity
from backend.errors import UsageError

OLD: Final = "old"
"""The name of the row before in RETURNING."""


def old_columns(entity: Entity[Any]) -> tuple[ColumnElement[Any], ...]:  # of any types
    """Return the columns of the row before, for RETURNING; they are NULL for a row that is inserted.

    Raises `UsageError` for a table that is called `old`, because RETURNING then takes the name for the table.
    """
    if entity.table.name == OLD:
        raise UsageError(
            f"the row before a change of {entity.name} cannot be read: its table is called old, as PostgreSQL calls "
            "the row before, so give the table another name"
        )
    old = entity.table.alias(OLD)
    return tuple(old.columns[column.key] for column in entity.columns.values())
