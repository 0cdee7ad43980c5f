"""Plain expressions: the columns of one table, values, known operators and functions. No I/O.

Most conditions and orders are plain. Such an expression reads no table, renders no text, and keeps its parentheses, so
that nothing in it has to be bound and nothing has to be verified again. One walk decides it by the exact class of each
element; whatever it does not know is left to `conditions` and `scope`, which say what is refused and why.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar, cast

from sqlalchemy import BindParameter, Column, ColumnElement, Function, SQLColumnExpression, Table, UnaryExpression
from sqlalchemy.sql import functions, operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BooleanClauseList,
    ClauseList,
    ExpressionClauseList,
    False_,
    Grouping,
    Null,
    True_,
)

from backend.entity.parameters import OWNER_PARAMETER
from backend.statements.comparisons import check_comparison
from backend.statements.conditions import HasElement, element_of
from backend.statements.ordering import IMMUTABLE_FUNCTIONS
from backend.statements.scope.raw_sql import KNOWN_OPERATORS, are_modifiers, is_name, is_type

T = TypeVar("T")

_FUNCTIONS: Final = IMMUTABLE_FUNCTIONS | {"now"}

_OPERATORS: Final = frozenset(map(id, (None, *(KNOWN_OPERATORS - {operators.or_, operators.comma_op}))))
"""Those beside which an AND needs no parentheses. By identity: another object may be equal to an operator."""

_JOINING: Final = frozenset(map(id, (operators.and_, operators.or_)))


def plain_expressions(
    values: Sequence[SQLColumnExpression[T] | HasElement[T]], table: Table
) -> Sequence[ColumnElement[T]] | None:
    """Return the SQL expressions if each is plain, else `None`.

    Raises `UsageError` if a plain one compares a column with a value of another type.
    """
    elements: list[ColumnElement[T]] = []
    for value in values:
        element = element_of(value)
        if element is None or not _is_plain(element, table):
            return None
        elements.append(element)
    return elements


def _is_plain(element: object, table: Table) -> bool:
    if type(element) is BooleanClauseList and element.group and element.clauses:  # it gets parentheses beside an AND
        return id(element.operator) in _JOINING and all(_is_closed(one, table) for one in element.clauses)
    return _is_closed(element, table)


def _is_closed(element: object, table: Table) -> bool:
    """Return whether an element is plain without parentheses around it."""
    check: _Check = _CHECK_BY_CLASS.get(type(element), _is_own_column)
    return check(element, table)


def _is_operand(element: object, table: Table) -> bool:
    """Return the same for a constant too: as a condition, FALSE would take the owner's condition away."""
    check: _Check = _CHECK_OF_OPERAND.get(type(element), _is_own_column)
    return check(element, table)


def _is_own_column(element: object, table: Table) -> bool:
    if not isinstance(element, Column):  # or the ORM's copy of one, whose class is another
        return False
    column = cast("Column[object]", element)  # of any type
    return column.table is table and not column.is_literal and is_name(column.name) and is_type(column.type)


def _is_value(element: BindParameter[object], _table: Table) -> bool:
    is_bound = not element.literal_execute and element.key != OWNER_PARAMETER
    return is_bound and is_name(element.key) and is_type(element.type)


def _is_binary(element: BinaryExpression[object], table: Table) -> bool:
    if id(element.operator) not in _OPERATORS or not is_type(element.type):
        return False
    if element.modifiers and not are_modifiers(element.modifiers):
        return False
    check_comparison(element)
    return _is_operand(element.left, table) and _is_operand(element.right, table)


def _is_unary(element: UnaryExpression[object], table: Table) -> bool:
    is_known = id(element.operator) in _OPERATORS and id(element.modifier) in _OPERATORS
    return is_known and is_type(element.type) and _is_closed(element.element, table)


def _is_list(element: ExpressionClauseList[object], table: Table) -> bool:
    is_known = id(element.operator) in _OPERATORS and is_type(element.type)
    return is_known and all(_is_operand(one, table) for one in element.clauses)


def _is_grouping(element: Grouping[object], table: Table) -> bool:
    return is_type(element.type) and _is_plain(element.element, table)


def _is_function(element: Function[object], table: Table) -> bool:
    if element.name not in _FUNCTIONS or element.packagenames or not is_type(element.type):
        return False
    arguments = element.clauses
    is_known = type(arguments) is ClauseList and arguments.operator is operators.comma_op
    return is_known and all(_is_operand(one, table) for one in arguments.clauses)


_Check: TypeAlias = Callable[[Any, Table], bool]  # of an element of its class

_CHECK_BY_CLASS: Final[Mapping[type, _Check]] = {
    BinaryExpression: _is_binary,
    BindParameter: _is_value,
    BooleanClauseList: _is_list,
    ExpressionClauseList: _is_list,
    Function: _is_function,
    Grouping: _is_grouping,
    UnaryExpression: _is_unary,
    functions.coalesce: _is_function,
    functions.now: _is_function,
}
"""A subclass is not its class: it may render something else."""

_CHECK_OF_OPERAND: Final[Mapping[type, _Check]] = {
    **_CHECK_BY_CLASS,
    **dict.fromkeys((Null, True_, False_), lambda _element, _table: True),
}
