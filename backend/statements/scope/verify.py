"""Verifies that every SELECT of a bound statement restricts each owned table to the owner. No I/O.

The ORM adds parts that no replacement reaches: the target, the secondary table and the condition of a join over a
relationship, and the criterion of `any()` and `has()`. What is left without an owner there is refused.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ClauseElement
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate

from backend.entity.parameters import OWNER_PARAMETER
from backend.statements.scope.allowlist import require_scopable
from backend.statements.scope.from_clauses import (
    AnySelect,
    TableSource,
    conjuncts,
    is_same_table,
    is_select,
    reads,
)
from backend.statements.scope.outer_joins import owner_of, refuse_unfiltered


def require_filtered(element: ClauseElement, own: Table, owners: Mapping[str, Column[object]]) -> None:
    """Raise `UsageError` unless each SELECT in the element binds the owner for every owned table that it reads."""
    for part in all_parts(element):
        if not is_select(part):
            continue
        owned = [read for read in reads(part) if read.table in owners]
        filtered = [read for read in owned if _is_filtered(part, read, owners)]
        refuse_unfiltered([read for read in owned if read not in filtered], [read.source for read in filtered], owners)
        for source in part.get_final_froms():
            require_scopable(list(iterate(source)), own)


def all_parts(element: ExternallyTraversible) -> Iterator[ExternallyTraversible]:
    """Yield each part of an element, and of what the ORM adds to the FROM of its SELECTs."""
    for part in iterate(element):
        yield part
        if is_select(part):
            for source in part.get_final_froms():
                yield from all_parts(source)


def _is_filtered(select: AnySelect, read: TableSource, owners: Mapping[str, Column[object]]) -> bool:
    return any(
        isinstance(one, BinaryExpression)
        and one.operator is operators.eq
        and getattr(one.right, "key", None) == OWNER_PARAMETER
        and _is_owner(one.left, read, owners)
        for one in conjuncts(select.whereclause)
    )


def _is_owner(column: ColumnElement[object], read: TableSource, owners: Mapping[str, Column[object]]) -> bool:
    if not column.compare(owner_of(read.source, owners)):
        return False
    return bool(read.source.c.contains_column(column)) or is_same_table(getattr(column, "table", None), read.source)
