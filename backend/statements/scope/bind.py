"""Binds the owner in every SELECT of a statement. No I/O.

The owner is in a statement as the bound parameter `OWNER_PARAMETER`, never as a value. A subquery is restricted to
the owner in its own WHERE, for each owned table that it reads. A statement for which this is impossible is refused,
here or in `allowlist`.
"""

from collections.abc import Iterator
from typing import TypeVar, cast

from sqlalchemy import (
    CTE,
    ColumnElement,
    Delete,
    Executable,
    FromClause,
    Insert,
    Table,
    Update,
)
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import CompoundSelect, SelectBase, SelectStatementGrouping, TableClause
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import TypeEngine

from backend.entity.checks import owner_columns
from backend.entity.ownership import Ownership
from backend.errors import OwnerRequiredError, UsageError
from backend.statements.conditions import outside_subqueries
from backend.statements.scope.allowlist import require_scopable
from backend.statements.scope.from_clauses import (
    AnyFrom,
    AnySelect,
    TableSource,
    conjuncts,
    is_same_table,
    is_select,
    reads,
)
from backend.statements.scope.orm_columns import is_of_models
from backend.statements.scope.outer_joins import owner_of, refuse_unfiltered
from backend.statements.scope.owner_types import bind_alike
from backend.statements.scope.precedence import require_closed
from backend.statements.scope.verify import require_filtered

T = TypeVar("T")
SelectT = TypeVar("SelectT", bound=AnySelect)


class Scope:
    """The rows of one owner in a table."""

    def __init__(self, table: Table, owner: Ownership) -> None:
        self._table = table
        self._owner = owner

    def expression(self, element: ColumnElement[T]) -> ColumnElement[T]:
        """Return the expression with each subquery restricted to the owner. Raises `UsageError` if it cannot be."""
        parts = list(iterate(element))
        require_scopable(parts, self._table)
        require_closed(element)
        if not any(isinstance(part, SelectBase) for part in parts):
            return element
        bound = replacement_traverse(element, {}, self._bind_owner_in_subquery)
        require_filtered(bound, self._table, owner_columns())
        return bound

    def statement(self, statement: SelectT) -> SelectT:
        """Return a subclass's statement with each other owned table in it restricted to the owner too.

        Raises `OwnerRequiredError` if it was not made by `_select`, `UsageError` if it cannot be restricted.
        """
        self.require(statement)
        own = self._table
        parts = list(iterate(statement))
        require_scopable(parts, own)
        others = (part for part in parts if part is not statement and part is not own)
        reads_more = any(isinstance(part, FromClause | SelectBase) for part in others)
        if not reads_more and all(is_same_table(read.source, own) for read in reads(statement)):
            return statement
        bound = self._bind_owner(statement, own)
        require_filtered(bound, own, owner_columns())
        return bound

    def related(self, statement: SelectT) -> SelectT:
        """Return a SELECT of other tables with every owned table in it restricted to the owner.

        Raises `UsageError` if it cannot be restricted.
        """
        require_scopable(list(iterate(statement)), self._table)
        bound = self._bind_owner(statement, None)
        require_filtered(bound, self._table, owner_columns())
        return bound

    def require(self, statement: Executable) -> None:
        """Raise `OwnerRequiredError` for a statement that does not bind the owner."""
        if not self._is_bound(statement):
            raise OwnerRequiredError(
                f"a statement on {self._table.name} does not bind {self._owner.column.name}: "
                "make it with _select(…), which is in scope already"
            )

    def require_each(self, statement: ClauseElement) -> None:
        """Raise `OwnerRequiredError` unless each part that reads or writes a table binds the owner.

        Not the subqueries of conditions: `expression` has restricted them.
        """
        parts = [*iterate(statement)]
        selects = [statement, *(part.element for part in parts if isinstance(part, CTE))]
        for part in parts:
            if isinstance(part, Insert | Update | Delete):
                self.require(part)
        for select in selects:
            if is_select(select) and _reads_table(select):
                self.require(select)

    def _is_bound(self, statement: object) -> bool:
        if isinstance(statement, Insert):
            return any(part is self._owner.parameter for part in iterate(statement))
        if is_select(statement) or isinstance(statement, Update | Delete):
            condition = statement.whereclause
            if condition is not None or not is_select(statement):
                return any(part is self._owner.condition for part in conjuncts(condition))
            read = list(_read_directly(statement))  # SELECT EXISTS (SELECT …)
            return bool(read) and all(self._is_bound(part) for part in read)
        if isinstance(statement, CompoundSelect):
            return all(map(self._is_bound, statement.selects))
        if isinstance(statement, SelectStatementGrouping):  # a SELECT with an ORDER BY or a LIMIT in a UNION
            return all(map(self._is_bound, statement.get_children()))
        return False

    def _bind_owner_in_subquery(self, element: object, **_: object) -> AnySelect | None:
        """Return a SELECT with the owner bound, which replaces the element; `None` keeps an element of another kind."""
        if not is_select(element):
            return None
        bound = self._bind_owner(element, None)
        if not is_of_models(element) and any(read.table in owner_columns() for read in reads(element)):
            raise UsageError("a subquery reads a table that has owners: select from its model, select(Model.id)")
        return bound

    def _bind_owner(self, statement: SelectT, own: Table | None) -> SelectT:
        """Return the SELECT, with the owner bound for every owned table in it and its subqueries, except `own`."""

        def within(element: object, **_: object) -> AnySelect | None:
            return None if element is statement else self._bind_owner_in_subquery(element)

        bound = cast("SelectT", replacement_traverse(statement, {}, within))  # it returns a copy, of the same type
        owners = owner_columns()
        filtered: list[AnyFrom] = [] if own is None else [own]
        missing: list[TableSource] = []
        for read in reads(bound):
            if read.table not in owners or is_same_table(read.source, own):
                continue
            theirs = owner_of(read.source, owners)
            self._require_alike(read.table, theirs.type)
            if read.is_nullable_side:
                missing.append(read)
            else:
                filtered.append(read.source)
                bound = bound.where(theirs == self._owner.parameter)
        refuse_unfiltered(missing, filtered, owners)
        return bound

    def _require_alike(self, table: str, owner: TypeEngine[object]) -> None:
        """Raise `UsageError` if the scope's owner cannot be bound for this type: one parameter binds both."""
        if not bind_alike(self._owner.column.type, owner):
            raise UsageError(
                f"the owners of {table} are of another type than those of {self._table.name}: "
                "give both owner columns one type, or read each by its own repository"
            )


def _reads_table(statement: AnySelect) -> bool:
    return any(isinstance(read.source, Table) for read in reads(statement))


def _read_directly(statement: AnySelect) -> Iterator[ClauseElement]:
    for child in statement.get_children():
        yield from (part for part in outside_subqueries(child) if isinstance(part, SelectBase | TableClause))
