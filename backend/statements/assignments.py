"""A column and what a `Change` sets it to. A value is checked when the assignment is made."""

from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import Column, ColumnElement

from backend.errors import UsageError
from backend.statements.change_values import check_set
from backend.statements.typed_values import is_expression


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """A column and its new value, as `typed(Model.field).to(value)` returns it."""

    column: Column[object]
    value: object = field(repr=False)
    """A Python value, an SQL expression, or `None` for NULL."""


def assignment(element: ColumnElement[object], value: object) -> Assignment:
    """Return the assignment. Raises `UsageError` for `None`, and for a value that the column cannot be set to."""
    column = _column(element)
    if not is_expression(value):
        if value is None and column.nullable:
            raise UsageError(f"a change sets {column} to None: write .to_null()")
        check_set(column, value)
    return Assignment(column, value)


def null_assignment(element: ColumnElement[object]) -> Assignment:
    """Return the assignment of NULL. Raises `UsageError` if the column does not allow it."""
    check_set(_column(element), None)
    return Assignment(_column(element), None)


def _column(element: ColumnElement[object]) -> Column[object]:
    return cast("Column[object]", element)  # `typed()` makes a `TypedColumn` of nothing else
