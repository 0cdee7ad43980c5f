"""One owner's rows alone: what a scope adds to every SELECT within a statement, and what it refuses. No I/O.

The owner stands in a statement as the bound parameter `OWNER`, never as a value. A subquery is held to the owner in
its own WHERE, for each owned table that it reads; what cannot be held so is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar, cast

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Delete,
    Executable,
    FromClause,
    Insert,
    Table,
    TextClause,
    Update,
    bindparam,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import CTE, SelectBase, TableClause, TextualSelect
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from backend.errors import OwnerRequiredError, UsageError
from backend.statements.conditions import outside_subqueries
from backend.statements.definition import owner_columns
from backend.statements.reads import AnySelect, conjuncts, is_select, reads, table_name

OWNER: Final = "owner_is"
"""Name of the bound parameter that holds the owner."""

T = TypeVar("T")
SelectT = TypeVar("SelectT", bound=AnySelect)


class Scope:
    """The rows of one owner in a table."""

    def __init__(self, table: Table, owner: Column[object]) -> None:
        self._table = table
        self._owner = owner
        self.condition: ColumnElement[bool] = owner == bindparam(OWNER)
        """What every statement on the table is held to."""
        self.stamp: dict[str, ColumnElement[object]] = {owner.key: bindparam(OWNER)}
        """What every new row gets."""

    def expression(self, element: ColumnElement[T]) -> ColumnElement[T]:
        """The expression, each subquery in it held to the owner. Raises `UsageError` for one that cannot be."""
        parts = list(iterate(element))
        _refuse_unreadable(parts)
        if not any(isinstance(part, SelectBase) for part in parts):
            return element
        return replacement_traverse(element, {}, _held_subquery)

    def statement(self, statement: SelectT) -> SelectT:
        """A subclass's statement, each other owned table in it held to the owner too.

        Raises `OwnerRequiredError` if it was not made by `_select`, `UsageError` if it cannot be held to the owner.
        """
        self.require(statement)
        parts = [part for part in iterate(statement) if part is not statement]
        _refuse_unreadable(parts)
        if all(self._is_plain(part) for part in parts):
            return statement
        return _held(statement, self._table)

    def require(self, statement: Executable) -> None:
        """Raises `OwnerRequiredError` for a statement that does not bind the owner, whoever wrote it."""
        if not self._is_bound(statement):
            raise OwnerRequiredError(
                f"a statement on {self._table.name} does not bind {self._owner.name}: "
                "make it with _select(…), which is in scope already"
            )

    def _is_bound(self, statement: object) -> bool:
        if isinstance(statement, Insert):
            return any(isinstance(part, BindParameter) and part.key == OWNER for part in iterate(statement))
        if is_select(statement) and statement.whereclause is None:  # SELECT EXISTS (SELECT …)
            read = list(_read_directly(statement))
            return bool(read) and all(self._is_bound(part) for part in read)
        if is_select(statement) or isinstance(statement, Update | Delete):
            return any(part is self.condition for part in conjuncts(statement.whereclause))
        return False

    def _is_plain(self, part: object) -> bool:
        """Whether the part of a statement reads nothing but this table."""
        if isinstance(part, Column):
            return part.table is self._table
        return part is self._table or isinstance(part, ColumnElement) or not isinstance(part, FromClause | SelectBase)


def _held_subquery(element: object, **_: object) -> AnySelect | None:
    """What stands in the place of an element: a subquery is held to the owner, everything else stays."""
    if not is_select(element):
        return None
    held = _held(element, None)
    if not _is_of_models(element) and any(read.table in owner_columns() for read in reads(element)):
        raise UsageError("a subquery reads a table that has owners: select from its model, select(Model.id)")
    return held


def _held(statement: SelectT, own: Table | None) -> SelectT:
    """The SELECT and those within it, with the owner bound for every owned table; `own` is bound already."""

    def within(element: object, **_: object) -> AnySelect | None:
        return None if element is statement else _held_subquery(element)

    held = cast("SelectT", replacement_traverse(statement, {}, within))  # a copy of what it is given
    owners = owner_columns()
    for read in reads(held):
        if read.table not in owners or read.source is own:
            continue
        owner = read.source.c.get(owners[read.table].key)
        if owner is None:
            raise UsageError(f"a statement reads {read.table} without its owner: select from its model")
        if not read.may_be_missing:
            held = held.where(owner == bindparam(OWNER))
        elif not any(_equates(condition, owner, owners) for condition in read.met):
            raise UsageError(
                f"an outer join to {read.table} lets other owners' rows in: add to its condition that "
                f"{owner.key} is the owner of what it is joined to"
            )
    return held


def _equates(
    condition: ColumnElement[bool], owner: ColumnElement[object], owners: Mapping[str, Column[object]]
) -> bool:
    """Whether the condition says that the owner is the bound one, or that of another owned table."""
    if not isinstance(condition, BinaryExpression) or condition.operator is not operators.eq:
        return False
    pairs = ((condition.left, condition.right), (condition.right, condition.left))
    return any(one.compare(owner) and _is_owner(other, owners) for one, other in pairs)


def _is_owner(element: ColumnElement[object], owners: Mapping[str, Column[object]]) -> bool:
    if isinstance(element, BindParameter):
        return element.key == OWNER
    if not isinstance(element, Column):
        return False
    owner = owners.get(table_name(element.table))
    return owner is not None and owner.key == element.key


def _is_of_models(statement: AnySelect) -> bool:
    """Whether the SELECT is of mapped classes: the descriptions of its columns then name their entity."""
    try:
        return any("entity" in described for described in statement.column_descriptions)
    except AttributeError:  # EXISTS over a model's columns has no description yet
        return True


def _read_directly(statement: AnySelect) -> Iterator[ClauseElement]:
    for child in statement.get_children():
        yield from (part for part in outside_subqueries(child) if isinstance(part, SelectBase | Column | TableClause))


def _refuse_unreadable(parts: Sequence[object]) -> None:
    """Raises `UsageError` for what cannot be held to an owner: SQL in strings, writes, recursion."""
    for part in parts:
        match part:
            case TextClause() | TextualSelect():
                what = "SQL in a string"
            case ColumnClause() if part.is_literal and part.name != "*" and not part.name.isdigit():
                what = "SQL in a string"
            case Insert() | Update() | Delete():
                what = "a statement that writes"
            case CTE() if part.recursive:
                what = "a recursive subquery"
            case _:
                continue
        raise UsageError(f"{what} cannot be held to one owner: use expressions of the models' columns")
