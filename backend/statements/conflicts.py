"""ON CONFLICT DO UPDATE of an INSERT: what is in its way, and what it sets there. No I/O."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Insert, and_
from sqlalchemy.dialects import postgresql

from backend.entity.entity import Entity
from backend.statements.column_defaults import onupdate_value
from backend.statements.conflict_targets import ConflictTarget
from backend.statements.row_arrays import AnyExpression

Values: TypeAlias = Mapping[str, AnyExpression]
"""Expressions by the key of the column."""


def on_conflict(
    statement: postgresql.Insert, target: ConflictTarget, values: Values, conditions: Sequence[ColumnElement[bool]]
) -> Insert:
    """Return the INSERT that sets these values of the row in its way if it meets the conditions."""
    return statement.on_conflict_do_update(
        index_elements=[*target.columns],
        index_where=target.where,
        set_={**values},
        where=and_(*conditions) if conditions else None,
    )


def onupdates(entity: Entity[Any], target: ConflictTarget, changed: Collection[str]) -> dict[str, AnyExpression]:
    """Return what an UPDATE would set beside these columns, the version included: ON CONFLICT does not."""
    fixed = {*changed, *(column.key for column in (*target.columns, *entity.identity.columns))}
    values = {column.key: onupdate_value(column) for column in entity.table.columns if column.key not in fixed}
    return {name: value for name, value in values.items() if value is not None}
