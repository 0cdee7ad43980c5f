"""Checks values that a statement compares with a column, or sets it to, against the column's type.

Only a value directly next to a column is checked. Expressions of a column, and types that the application defines, are
left to the server.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias, TypeGuard, cast
from uuid import UUID

from sqlalchemy import BindParameter, Column, Enum
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ExpressionClauseList, False_, True_
from sqlalchemy.sql.functions import Function, ReturnTypeFromArgs
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate
from sqlalchemy.types import TypeEngine

from backend.entity.column_types import Check, assigned_check, compared_check, python_type, undecorated_type
from backend.errors import UsageError, described, with_article

ValueCheck: TypeAlias = Callable[[object], str | None]
"""Return what is wrong with a value other than `None`; `None` if it fits."""

_CLASSES: Final[Mapping[type, tuple[type, ...]]] = {
    bool: (bool,),
    bytes: (bytes, bytearray, memoryview),
    date: (date,),
    datetime: (datetime,),
    Decimal: (Decimal, int, float),
    float: (float, int, Decimal),
    int: (int,),
    str: (str,),
    time: (time,),
    timedelta: (timedelta,),
    UUID: (UUID,),
}
"""The classes of values that a column can be set to, by the Python class of its type."""

_COMPARED: Final[Mapping[type, tuple[type, ...]]] = {**_CLASSES, int: (int, float, Decimal)}
"""The classes of values that a column can be compared with: PostgreSQL compares numbers of every kind."""

_OPERATORS: Final = frozenset({
    operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge, operators.in_op,
    operators.not_in_op, operators.is_distinct_from, operators.is_not_distinct_from, operators.between_op,
    operators.not_between_op,
})  # fmt: skip

_RANGES: Final = frozenset({operators.between_op, operators.not_between_op})

_BOOLEANS: Final = (True_, False_)

_OF_TEXT: Final = frozenset({"lower", "upper"})
"""Functions of text whose type SQLAlchemy does not know."""


def check_comparison(part: object, parameters: Mapping[str, object] = {}) -> None:
    """Raise `UsageError` if a column is compared with a value of another type."""
    for column, operand in compared(part):
        check = comparison_check(column.type)
        for value in _values(operand, parameters):
            if value is not None and (wrong := check(value)) is not None:
                raise UsageError(f"{column} is compared with {wrong}")


def check_comparisons(statement: ExternallyTraversible, parameters: Mapping[str, object] = {}) -> None:
    """Raise as `check_comparison`, for each part of a statement."""
    for part in iterate(statement):
        check_comparison(part, parameters)


def compared(part: object) -> Iterator[tuple[Column[object], object]]:
    """Yield each column that a comparison has on one side, with each operand of the other."""
    if not is_binary(part) or part.operator not in _OPERATORS:
        return
    for side, other in ((part.left, part.right), (part.right, part.left)):
        if (column := _column(side)) is not None:
            is_range = part.operator in _RANGES and isinstance(other, ExpressionClauseList)
            operands: Iterable[object] = other.clauses if is_range else (other,)
            for operand in operands:
                yield column, operand


def is_binary(part: object) -> TypeGuard[BinaryExpression[object]]:
    """Return whether the part is an operator with two operands."""
    return isinstance(part, BinaryExpression)


@lru_cache(maxsize=4096)
def comparison_check(kind: TypeEngine[object]) -> ValueCheck:
    """Return the check of values that are compared with a column of this type."""
    return _value_check(kind, _COMPARED, compared_check(kind))


@lru_cache(maxsize=4096)
def operand_check(kind: TypeEngine[object]) -> ValueCheck:
    """Return the check of values of this type in an expression."""
    return _value_check(kind, _CLASSES, compared_check(kind))


@lru_cache(maxsize=4096)
def assignment_check(kind: TypeEngine[object]) -> ValueCheck:
    """Return the check of values that a column of this type is set to: by Python class, and as a field."""
    return _value_check(kind, _CLASSES, assigned_check(kind))


def _value_check(kind: TypeEngine[object], classes: Mapping[type, tuple[type, ...]], check: Check) -> ValueCheck:
    expected = () if isinstance(undecorated_type(kind), Enum) else classes.get(python_type(kind) or object, ())

    def wrong(value: object) -> str | None:
        if expected and not _is_one_of(value, expected):
            return f"{described(value)}, expected {with_article(expected[0])}"
        refusal = check(value)
        return None if refusal is None else f"{described(value)}: {refusal[1]}"

    return wrong


def _values(operand: object, parameters: Mapping[str, object]) -> Iterable[object]:
    if not isinstance(operand, BindParameter):
        return (isinstance(operand, True_),) if isinstance(operand, _BOOLEANS) else ()
    bound = cast("BindParameter[object]", operand)  # of any type
    value = bound.value if bound.unique else parameters.get(bound.key, bound.value)
    if bound.expanding and isinstance(value, Collection):
        return cast("Collection[object]", value)  # of any type
    return (value,)


def _column(element: object) -> Column[object] | None:
    """Return the column of an element: itself, or the argument of `lower`, `max`, `coalesce` …, which have its type."""
    while isinstance(element, Function) and (element.name in _OF_TEXT or isinstance(element, ReturnTypeFromArgs)):
        arguments: Iterable[object] = element.clauses
        element = next(iter(arguments), None)
    return cast("Column[object]", element) if isinstance(element, Column) else None  # of any type


def _is_one_of(value: object, classes: tuple[type, ...]) -> bool:
    """Return whether the value has one of these classes; a `bool` is not a number, a `datetime` not a date."""
    if isinstance(value, bool):
        return bool in classes
    return isinstance(value, classes) and not (isinstance(value, datetime) and datetime not in classes)
