"""Conditions whose column and value a type checker checks: `typed(Task.title) == "x"`."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeAlias, TypeVar, Union, cast, overload

from sqlalchemy import Column, ColumnElement, CompoundSelect, Select, SQLColumnExpression, not_
from sqlalchemy.orm import QueryableAttribute
from typing_extensions import override

from backend.errors import UsageError, described
from backend.statements.assignments import Assignment, assignment, null_assignment
from backend.statements.conditions import Condition, HasElement
from backend.statements.typed_values import (
    boolean,
    compared_members,
    compared_value,
    computed_value,
    searched_text,
)

T = TypeVar("T")
SummableT = TypeVar("SummableT", int, float, Decimal, str, timedelta)
NumberT = TypeVar("NumberT", int, float, Decimal)

Operand: TypeAlias = Union[T, "Typed[T]", SQLColumnExpression[T]]
"""What a column is compared with: a value of its type, a typed column, or an SQL expression."""

Members: TypeAlias = list[T] | tuple[T, ...] | AbstractSet[T] | Select[T] | Select[None] | CompoundSelect[T]
"""What `in_` takes. Not a `Collection`: a text is one of its characters. A SELECT may be of a nullable column."""


class Sortable:
    """What an order takes: a typed column, or one with a direction."""

    __slots__ = ("_element",)

    def __init__(self, element: ColumnElement[Any]) -> None:  # of whichever type
        self._element = element

    def __clause_element__(self) -> ColumnElement[object]:
        """Return the expression as SQLAlchemy takes it."""
        return self._element


class TypedOrder(Sortable):
    """A typed column with a direction."""

    __slots__ = ()

    def nulls_first(self) -> "TypedOrder":
        """Return the order with NULLs before all values."""
        return TypedOrder(self._element.nulls_first())

    def nulls_last(self) -> "TypedOrder":
        """Return the order with NULLs after all values."""
        return TypedOrder(self._element.nulls_last())


class TypedExpression(Sortable):
    """A typed column of whichever type."""

    __slots__ = ()

    def asc(self) -> TypedOrder:
        """Return the ascending order; `.nulls_first()` and `.nulls_last()` place NULLs."""
        return TypedOrder(self._element.asc())

    def desc(self) -> TypedOrder:
        """Return the descending order, as `asc`."""
        return TypedOrder(self._element.desc())

    def is_null(self) -> Condition:
        """Return the condition that the column is NULL."""
        return Condition(self._element.is_(None))

    def is_not_null(self) -> Condition:
        """Return the condition that the column is not NULL."""
        return Condition(self._element.is_not(None))

    def __contains__(self, value: object) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(f"{self._element} holds no values in Python: write column.in_([…]) or column.contains(text)")

    @override
    def __repr__(self) -> str:
        return f"typed({self._element})"

    if TYPE_CHECKING:
        __bool__: ClassVar[None]
    else:

        def __bool__(self) -> NoReturn:
            """Raise `UsageError`."""
            raise UsageError(f"{self._element} is no bool: compare it, and join conditions with & | ~")

        def __getattr__(self, name: str) -> NoReturn:
            """Raise `AttributeError`, which says what searches text. Type checkers do not see this method."""
            raise AttributeError(
                f"a {type(self).__name__} has no attribute {name!r}: search text with "
                "contains(text, ignore_case=True), starts_with() or ends_with(), "
                "and write col(Model.field) for SQLAlchemy's own methods"
            )


class Typed(TypedExpression, Generic[T]):
    """A column of a model, or a value computed from it, which is compared with values of its own type alone.

    A value is checked when the condition is made: `UsageError` names the column. `None` is never a value, as a
    comparison with NULL holds for no row: `is_null()`.
    """

    __slots__ = ()

    @override
    def __eq__(self, other: Operand[T]) -> Condition:  # type: ignore[override]  # compares in SQL
        return Condition(self._element == self._value(other))

    @override
    def __ne__(self, other: Operand[T]) -> Condition:  # type: ignore[override]  # compares in SQL
        return Condition(self._element != self._value(other))

    @override
    def __hash__(self) -> int:
        return object.__hash__(self)

    def __lt__(self, other: Operand[T]) -> Condition:
        return Condition(self._element < self._value(other))

    def __le__(self, other: Operand[T]) -> Condition:
        return Condition(self._element <= self._value(other))

    def __gt__(self, other: Operand[T]) -> Condition:
        return Condition(self._element > self._value(other))

    def __ge__(self, other: Operand[T]) -> Condition:
        return Condition(self._element >= self._value(other))

    def eq(self, other: Operand[T]) -> Condition:
        """Compare as `==`. A type checker's message then names the value and the type that it should have."""
        return Condition(self._element == self._value(other))

    def ne(self, other: Operand[T]) -> Condition:
        """Compare as `!=`, like `eq`."""
        return Condition(self._element != self._value(other))

    def in_(self, values: Members[T]) -> Condition:
        """Return the condition that the column is one of these values; of none, no row meets it."""
        return Condition(self._element.in_(compared_members(self._element, values)))

    def not_in(self, values: Members[T]) -> Condition:
        """Return the condition that the column is none of these values: no NULL meets it, but each row meets `[]`.

        No row meets it if a subquery returns a NULL.
        """
        return Condition(self._element.not_in(compared_members(self._element, values)))

    def between(self, low: Operand[T], high: Operand[T]) -> Condition:
        """Return the condition that the column is one of the bounds or between them."""
        element = self._element
        return Condition(element.between(compared_value(element, low), compared_value(element, high)))

    def is_true(self: "Typed[bool]") -> Condition:
        """Return the condition that the column is true."""
        return Condition(boolean(self._element).is_(True))

    def is_false(self: "Typed[bool]") -> Condition:
        """Return the condition that the column is false; a NULL is not."""
        return Condition(boolean(self._element).is_(False))

    def __invert__(self: "Typed[bool]") -> Condition:
        """Return the condition that the column is false, as SQL's NOT: the negation of a NULL is NULL."""
        return Condition(not_(boolean(self._element)))

    def contains(self: "Typed[str]", text: str, *, ignore_case: bool = False) -> Condition:
        """Return the condition that the column contains the text. `%`, `_` and backslashes are literal."""
        search = self._element.icontains if ignore_case else self._element.contains
        return Condition(search(searched_text(self._element, text), autoescape=True))

    def starts_with(self: "Typed[str]", text: str, *, ignore_case: bool = False) -> Condition:
        """Return the condition that the column starts with the text, which is literal."""
        search = self._element.istartswith if ignore_case else self._element.startswith
        return Condition(search(searched_text(self._element, text), autoescape=True))

    def ends_with(self: "Typed[str]", text: str, *, ignore_case: bool = False) -> Condition:
        """Return the condition that the column ends with the text, which is literal."""
        search = self._element.iendswith if ignore_case else self._element.endswith
        return Condition(search(searched_text(self._element, text), autoescape=True))

    @overload
    def __add__(self: "Typed[datetime]", other: Operand[timedelta]) -> "Typed[datetime]": ...
    @overload
    def __add__(self: "Typed[SummableT]", other: Operand[SummableT]) -> "Typed[SummableT]": ...
    def __add__(self, other: object) -> "Typed[Any]":  # of the type that the overload says
        return Typed(self._element + computed_value(self._element, other))

    @overload
    def __sub__(self: "Typed[datetime]", other: Operand[timedelta]) -> "Typed[datetime]": ...
    @overload
    def __sub__(self: "Typed[datetime]", other: Operand[datetime]) -> "Typed[timedelta]": ...
    @overload
    def __sub__(self: "Typed[timedelta]", other: Operand[timedelta]) -> "Typed[timedelta]": ...
    @overload
    def __sub__(self: "Typed[NumberT]", other: Operand[NumberT]) -> "Typed[NumberT]": ...
    def __sub__(self, other: object) -> "Typed[Any]":  # of the type that the overload says
        return Typed(self._element - computed_value(self._element, other, minus=True))

    def __mul__(self: "Typed[NumberT]", other: Operand[NumberT]) -> "Typed[NumberT]":
        return Typed(self._element * computed_value(self._element, other))

    def _value(self, other: Operand[T]) -> Operand[T]:
        return compared_value(self._element, other)


class TypedColumn(Typed[T], Generic[T]):
    """A column of a model, which a `Change` can set."""

    __slots__ = ()

    def to(self, value: Operand[T] | HasElement[T]) -> Assignment:
        """Return the assignment of a value, or of an SQL expression, for a `Change`. `None` is none: `to_null()`."""
        return assignment(self._element, value)

    def to_null(self) -> Assignment:
        """Return the assignment of NULL. Raises `UsageError` if the column does not allow it."""
        return null_assignment(self._element)


def typed(column: T | None) -> TypedColumn[T]:
    """Return a model's column, `typed(Task.title)`, for conditions, orders and changes, typed without `None`.

    Raises `UsageError` for anything but an attribute of a model that is a column.
    """
    attribute: object = column  # a value to type checkers, the model's attribute at run time
    if isinstance(attribute, QueryableAttribute):
        element = cast("QueryableAttribute[T]", attribute).expression  # as declared
        if isinstance(element, Column):
            return TypedColumn(element)
    raise UsageError(f"typed() takes a column of a model, got {_named(column)}: write typed(Model.field)")


def _named(attribute: object) -> str:
    if isinstance(attribute, QueryableAttribute):
        return f"{attribute}, which is none"
    return described(attribute)
