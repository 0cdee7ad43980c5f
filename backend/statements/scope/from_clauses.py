"""The tables and aliases that a SELECT reads, with the join conditions of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from sqlalchemy import ColumnElement, FromClause, FunctionElement, Join, Select, Table
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromGrouping, SelectBase, TableClause

from backend.errors import UsageError
from backend.statements.scope.precedence import require_closed

AnySelect: TypeAlias = Select[*tuple[Any, ...]]
AnyFrom: TypeAlias = FromClause[Any]


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table or alias that a SELECT reads."""

    source: AnyFrom
    is_nullable_side: bool = False
    """Whether it is on the nullable side of an outer join: a WHERE condition on it would drop unmatched rows."""
    join_conditions: tuple[ColumnElement[bool], ...] = ()
    """The join conditions that each of its rows meets."""

    @property
    def table(self) -> str:
        """Return the full name of the table, `""` for a subquery or a function."""
        return table_name(self.source)


def reads(statement: AnySelect) -> Iterator[TableSource]:
    """Yield each table, subquery and function in the FROM of a SELECT; not those within its subqueries."""
    yield from sources(statement.get_final_froms())


def sources(froms: Iterable[AnyFrom]) -> Iterator[TableSource]:
    """Yield the same of the elements of a FROM."""
    for source in froms:
        yield from _joined_sources(TableSource(source))


def _joined_sources(read: TableSource) -> Iterator[TableSource]:
    join = read.source
    while isinstance(join, FromGrouping):  # a join on the right of another
        join = join.element
    if not isinstance(join, Join):
        yield read
        return
    require_closed(join.onclause)
    on = () if join.full else tuple(conjuncts(join.onclause))
    outer = join.isouter or join.full
    yield from _joined_sources(
        TableSource(
            join.left, read.is_nullable_side or join.full, read.join_conditions if outer else read.join_conditions + on
        )
    )
    yield from _joined_sources(TableSource(join.right, read.is_nullable_side or outer, read.join_conditions + on))


def conjuncts(condition: ColumnElement[bool] | None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that AND joins in this one."""
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for part in condition.clauses:
            yield from conjuncts(part)
    elif condition is not None:
        yield condition


def table_name(source: AnyFrom) -> str:
    """Return the full name of the table that an element of FROM reads, `""` for a subquery or a function.

    Raises `UsageError` for an element of another kind.
    """
    element: object = source
    while isinstance(element, AliasedReturnsRows):
        element = element.element
    if isinstance(element, TableClause):
        return element.fullname
    if isinstance(element, SelectBase | FunctionElement):
        return ""
    raise UsageError(
        f"a FROM of {type(element).__name__} cannot be restricted to one owner: join models and subqueries"
    )


def is_same_table(one: object, other: object) -> bool:
    """Return whether both are the same table of a metadata: the ORM wraps it in copies."""
    if not isinstance(one, Table) or not isinstance(other, Table):
        return False
    return one.metadata is other.metadata and one.key == other.key


def is_select(element: object) -> TypeGuard[AnySelect]:
    """Return whether the element is a SELECT."""
    return isinstance(element, Select)
