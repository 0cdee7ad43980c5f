"""Outer joins: which conditions keep other owners' rows out of the nullable side. No I/O."""

from collections.abc import Collection, Mapping

from sqlalchemy import Column, ColumnElement
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression

from backend.errors import UsageError
from backend.statements.scope.from_clauses import AnyFrom, TableSource, table_name


def refuse_unfiltered(
    missing: Collection[TableSource], filtered: Collection[AnyFrom], owners: Mapping[str, Column[object]]
) -> None:
    """Raise `UsageError` unless each outer join's condition equates its table's owner with a filtered table's."""
    known = list(filtered)
    while missing:
        equated = [read for read in missing if any(_equates_owner(read, source, owners) for source in known)]
        if not equated:
            raise UsageError(
                f"an outer join to {next(iter(missing)).table} lets other owners' rows in: add to its condition that "
                "its owner is the owner of what it is joined to, or join a subquery of its model"
            )
        known += [read.source for read in equated]
        missing = [read for read in missing if read not in equated]


def _equates_owner(read: TableSource, known: AnyFrom, owners: Mapping[str, Column[object]]) -> bool:
    """Return whether a join condition equates this table's owner with that of an already filtered table."""
    for condition in read.join_conditions:
        if isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
            for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
                if _isowner_of(read.source, one, owners) and _isowner_of(known, other, owners):
                    return True
    return False


def _isowner_of(source: AnyFrom, element: ColumnElement[object], owners: Mapping[str, Column[object]]) -> bool:
    """Return whether the element is this source's owner: `compare` alone treats columns of two aliases as equal."""
    return element.compare(owner_of(source, owners)) and source.c.contains_column(element)


def owner_of(source: AnyFrom, owners: Mapping[str, Column[object]]) -> ColumnElement[object]:
    owner: ColumnElement[object] = source.c[owners[table_name(source)].key]
    return owner
