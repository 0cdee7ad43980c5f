"""The expressions that a caller may sort by."""

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, SQLColumnExpression, Table

from backend.statements.conditions import expression_of_table
from backend.statements.typed import TypedExpression

SortKey: TypeAlias = SQLColumnExpression[object] | TypedExpression
Order: TypeAlias = SortKey | Sequence[SortKey]
"""One expression to sort by, or several: `col(Task.title)`, `[col(Task.title).desc(), …]`."""


def checked_order(table: Table, order_by: Order) -> Sequence[ColumnElement[object]]:
    """Return the expressions to sort by as a sequence. Raises `UsageError` as `checked_conditions`."""
    expressions = order_by if isinstance(order_by, Sequence) else [order_by]
    return [
        expression_of_table(value, table, "an order", "col(Model.field) or col(Model.field).desc()")
        for value in expressions
    ]
