"""Tables in which no owner is bound: which conditions of outer joins keep other owners' rows out. No I/O."""

from collections.abc import Collection, Mapping

from sqlalchemy import Column, ColumnElement
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression

from backend.errors import UsageError
from backend.statements.scope.from_clauses import AnyFrom, TableSource, table_name


def refuse_unfiltered(
    missing: Collection[TableSource], filtered: Collection[AnyFrom], owners: Mapping[str, Column[object]]
) -> None:
    """Raise `UsageError` unless a join condition equates each missing table's owner with a filtered table's."""
    known = list(filtered)
    while missing:
        equated = [read for read in missing if any(_equates_owner(read, source, owners) for source in known)]
        if not equated:
            raise _refusal(next(iter(missing)))
        known += [read.source for read in equated]
        missing = [read for read in missing if read not in equated]


def _refusal(read: TableSource) -> UsageError:
    if read.is_nullable_side:
        return UsageError(
            f"an outer join to {read.table} lets other owners' rows in: add to its condition that its owner is the "
            "owner of what it is joined to, or join a subquery of its model"
        )
    return UsageError(
        f"a relationship reads {read.table}, which has owners, where no owner can be bound: join its model itself, or "
        "write exists(select(Model.id).where(…))"
    )


def _equates_owner(read: TableSource, known: AnyFrom, owners: Mapping[str, Column[object]]) -> bool:
    """Return whether a join condition equates this table's owner with that of an already filtered table."""
    for condition in read.join_conditions:
        if isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
            for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
                if is_owner_of(read.source, one, owners) and is_owner_of(known, other, owners):
                    return True
    return False


def is_owner_of(source: AnyFrom, element: ColumnElement[object], owners: Mapping[str, Column[object]]) -> bool:
    """Return whether the element is this source's owner: `compare` alone treats columns of two aliases as equal."""
    return element.compare(owner_of(source, owners)) and source.c.contains_column(element)


def owner_of(source: AnyFrom, owners: Mapping[str, Column[object]]) -> ColumnElement[object]:
    """Return the owner column of a table or alias."""
    owner: ColumnElement[object] = source.c[owners[table_name(source)].key]
    return owner
