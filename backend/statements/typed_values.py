"""What a typed column is compared or computed with: an SQL expression, or a value that is checked against its type."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeGuard, TypeVar, cast

from sqlalchemy import ColumnElement, Enum, Interval, SQLColumnExpression
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import SelectBase

from backend.entity.column_types import python_type, undecorated_type
from backend.errors import UsageError, described
from backend.statements.comparisons import ValueCheck, comparison_check, operand_check

T = TypeVar("T")

_COMPUTABLE: Final = (int, float, Decimal, str, timedelta)
"""The classes that are computed with values of their own class; a `datetime` is with a `timedelta`."""

_INTERVAL: Final = Interval()


def is_expression(value: object) -> TypeGuard[SQLColumnExpression[object]]:
    """Return whether the value is an SQL expression or has one."""
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def compared_value(element: ColumnElement[object], value: T) -> T:
    """Return the value. Raises `UsageError` for `None`, and for one that the column cannot be compared with."""
    if not is_expression(value):
        if value is None:
            raise UsageError(f"{element} is compared with None: write .is_null() or .is_not_null()")
        if (wrong := comparison_check(element.type)(value)) is not None:
            raise UsageError(f"{element} is compared with {wrong}")
    return value


def compared_members(element: ColumnElement[object], values: object) -> list[object] | SelectBase:
    """Return the values as a list, or the subquery. Raises `UsageError` for another collection, and as above."""
    if isinstance(values, SelectBase):
        return values
    if not isinstance(values, list | tuple | AbstractSet):
        raise UsageError(
            f"in_() of {element} takes a list, a tuple, a set or a select(), got {described(values)}: "
            f"write {_members_remedy(values)}"
        )
    return [compared_value(element, value) for value in cast("Iterable[object]", values)]  # of any type


def boolean(element: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the element. Raises `UsageError` if the column holds no booleans."""
    if (python_type(element.type) or bool) is not bool:
        raise UsageError(f"{element} is no boolean column: ~, is_true() and is_false() are for those")
    return element


def searched_text(element: ColumnElement[object], text: object) -> str:
    """Return the text. Raises `UsageError` for another value, and if the column holds no text."""
    if python_type(element.type) not in (str, None) or isinstance(undecorated_type(element.type), Enum):
        raise UsageError(f"{element} holds no text: contains(), starts_with() and ends_with() search text")
    if not isinstance(text, str):
        raise UsageError(f"{element} is searched for {described(text)}, expected a str")
    return compared_value(element, text)


def computed_value(element: ColumnElement[object], value: T, *, minus: bool = False) -> T:
    """Return the value. Raises `UsageError` if the column is not computed with it."""
    if not is_expression(value):
        check = _computed_check(element, value, minus=minus)
        if (wrong := described(value) if value is None else check(value)) is not None:
            raise UsageError(f"{element} is computed with {wrong}")
    return value


def _members_remedy(values: object) -> str:
    if values is None:
        return "*if_given(values, typed(Model.field).in_)"
    return "list(values)" if isinstance(values, Iterable) and not isinstance(values, str | bytes) else "[value]"


def _computed_check(element: ColumnElement[object], value: object, *, minus: bool) -> ValueCheck:
    kind = python_type(element.type)
    if kind is datetime:
        return comparison_check(element.type if minus and isinstance(value, datetime) else _INTERVAL)
    if kind not in _COMPUTABLE:
        raise UsageError(f"{element} has no arithmetic: it computes with numbers, texts, times and intervals")
    return operand_check(element.type)
