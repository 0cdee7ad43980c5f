"""The expressions that a caller may filter by: SQL expressions of the table, not Python values."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias, TypeGuard, TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression, Table
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import SelectBase

from backend.errors import UsageError, described
from backend.statements.comparisons import check_comparison, check_comparisons

T = TypeVar("T")

Where: TypeAlias = SQLColumnExpression[bool]
"""`col(Task.completed).is_(False)`, `col(Task.title) == "x"`, `and_(…)`, …"""


def checked_conditions(table: Table, where: Sequence[Where]) -> Sequence[ColumnElement[bool]]:
    """Return the conditions, unchanged.

    Raises `UsageError` for a Python value (`Task.id is None` is one) and for a column of another table.
    """
    for condition in where:
        if isinstance(condition, list | tuple | set | frozenset | Iterator):
            raise UsageError(
                f"a condition is {described(condition)}, expected one expression per argument: write *conditions"
            )
    return [
        expression_of_table(
            condition, table, "a condition", "col(Model.field) == value or .is_(None), joined by & and |"
        )
        for condition in where
    ]


def checked_expression(table: Table, value: SQLColumnExpression[T]) -> ColumnElement[T]:
    """Return the expression, unchanged. Raises `UsageError` as `checked_conditions`."""
    return expression_of_table(
        value, table, "a value", "an expression of col(Model.field), or select(…).scalar_subquery()"
    )


def is_expression(value: object) -> TypeGuard[SQLColumnExpression[object]]:
    """Return whether the value is an SQL expression, which `checked_expression` must check."""
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def outside_subqueries(element: ClauseElement) -> Iterator[ClauseElement]:
    """Yield an element and its parts; a subquery is one part."""
    yield element
    if not isinstance(element, SelectBase):
        for child in element.get_children():
            yield from outside_subqueries(child)


def expression_of_table(value: SQLColumnExpression[T], table: Table, what: str, remedy: str) -> ColumnElement[T]:
    """Return the expression, unchanged. Raises `UsageError`, which names `what` it is and the `remedy`."""
    element = value.expression if isinstance(value, QueryableAttribute) else value
    if not isinstance(element, ColumnElement):
        raise UsageError(f"{what} is a Python {type(value).__name__}, expected an SQL expression: write {remedy}")
    for part in outside_subqueries(element):
        check_comparison(part)
        if isinstance(part, SelectBase):
            check_comparisons(part)
        if isinstance(part, ColumnClause) and part.table is not None and part.table is not table:
            raise UsageError(
                f"{what} on {table.name} names a column of {part.table.description}, which is not read here: "
                "write a subquery, col(Model.field).in_(select(…))"
            )
    return element
