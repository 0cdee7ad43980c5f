"""What a caller may filter and order by: SQL expressions, never Python values that look like them."""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlalchemy.orm import QueryableAttribute

from backend.errors import UsageError

T = TypeVar("T")

Condition: TypeAlias = SQLColumnExpression[bool]
"""`col(Task.completed).is_(False)`, `Task.title == "x"` wrapped by `col`, `and_(…)`, …"""

Order: TypeAlias = SQLColumnExpression[object] | Sequence[SQLColumnExpression[object]]
"""One expression to sort by, or several: `col(Task.title)`, `[col(Task.title).desc(), …]`."""


def checked_conditions(where: Sequence[Condition]) -> Sequence[ColumnElement[bool]]:
    """The conditions as given. Raises `UsageError` for a Python value: `Task.id is None` is one, and says nothing."""
    return [_expression(condition, "a condition", "col(Model.field) == value") for condition in where]


def checked_order(order_by: Order) -> Sequence[ColumnElement[object]]:
    """The expressions to sort by, one or several. Raises `UsageError` for anything else."""
    several = order_by if isinstance(order_by, Sequence) else [order_by]
    return [_expression(one, "an order", "col(Model.field) or col(Model.field).desc()") for one in several]


def _expression(value: SQLColumnExpression[T], what: str, remedy: str) -> ColumnElement[T]:
    element = value.expression if isinstance(value, QueryableAttribute) else value
    if not isinstance(element, ColumnElement):
        raise UsageError(f"{what} is a Python {type(value).__name__}, expected an SQL expression: write {remedy}")
    return element
