"""Verifies that every SELECT of a bound statement restricts each owned table to the owner. No I/O.

The ORM adds parts that no replacement reaches: the target, the secondary table and the condition of a join over a
relationship, and the criterion of `any()` and `has()`. What is left without an owner there is refused.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ClauseElement
from sqlalchemy.sql.selectable import TableClause
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate

from backend.entity.parameters import OWNER_PARAMETER
from backend.statements.scope.allowlist import require_scopable
from backend.statements.scope.from_clauses import (
    AnyFrom,
    AnySelect,
    TableSource,
    conjuncts,
    is_same_table,
    is_select,
    sources,
)
from backend.statements.scope.outer_joins import is_owner_of, owner_of, refuse_unfiltered


def require_filtered(element: ClauseElement, own: Table, owners: Mapping[str, Column[object]]) -> None:
    """Raise `UsageError` unless each SELECT in the element binds the owner for every owned table that it reads."""
    for select, froms in _selects(element, {}):
        owned = [read for read in sources(froms) if read.table in owners]
        filtered = [read for read in owned if _is_filtered(select, read, owners)]
        refuse_unfiltered([read for read in owned if read not in filtered], [read.source for read in filtered], owners)
        for source in froms:
            if not isinstance(source, TableClause):
                require_scopable(list(iterate(source)), own)


def all_parts(element: ClauseElement) -> Iterator[ExternallyTraversible]:
    """Yield each part of an element, and of what the ORM adds to the FROM of its SELECTs."""
    yield from iterate(element)
    for _, froms in _selects(element, {}):
        for source in froms:
            yield from iterate(source)


def _selects(
    element: ExternallyTraversible, seen: dict[int, AnySelect]
) -> Iterator[tuple[AnySelect, Sequence[AnyFrom]]]:
    """Yield each SELECT once, with the elements of its FROM, which SQLAlchemy computes at each question."""
    for part in iterate(element):
        if is_select(part) and id(part) not in seen:
            seen[id(part)] = part  # kept, so that no later part gets its id
            froms = part.get_final_froms()
            yield part, froms
            for source in froms:
                yield from _selects(source, seen)


def _is_filtered(select: AnySelect, read: TableSource, owners: Mapping[str, Column[object]]) -> bool:
    return any(
        isinstance(one, BinaryExpression)
        and one.operator is operators.eq
        and getattr(one.right, "key", None) == OWNER_PARAMETER
        and _is_owner(one.left, read, owners)
        for one in conjuncts(select.whereclause)
    )


def _is_owner(column: ColumnElement[object], read: TableSource, owners: Mapping[str, Column[object]]) -> bool:
    if is_owner_of(read.source, column, owners):
        return True
    is_own = is_same_table(getattr(column, "table", None), read.source)  # the ORM wraps the table in copies
    return is_own and column.compare(owner_of(read.source, owners))
