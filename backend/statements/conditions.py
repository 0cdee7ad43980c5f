"""The expressions that a caller may filter by: SQL expressions of the table, not Python values."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol, TypeAlias, TypeVar, cast

from sqlalchemy import ColumnElement, SQLColumnExpression, Table, and_, not_, or_
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import SelectBase
from typing_extensions import override

from backend.errors import UsageError, described
from backend.statements.comparisons import check_comparison, check_comparisons
from backend.statements.typed_values import is_expression

T = TypeVar("T")


class Condition:
    """Whether a row is meant: join conditions by `&`, `|` and `~`, never by `and`, `or` and `not`."""

    __slots__ = ("_element",)

    def __init__(self, element: ColumnElement[bool]) -> None:
        self._element = element

    def __clause_element__(self) -> ColumnElement[bool]:
        """Return the condition as SQLAlchemy takes it."""
        return self._element

    def __and__(self, other: "Condition | SQLColumnExpression[bool]") -> "Condition":
        """Return the condition that both hold."""
        _require_joinable(other)
        return Condition(and_(self._element, other))

    def __or__(self, other: "Condition | SQLColumnExpression[bool]") -> "Condition":
        """Return the condition that one of both holds, or both do."""
        _require_joinable(other)
        return Condition(or_(self._element, other))

    def __invert__(self) -> "Condition":
        """Return the condition that this one is false; where a column is NULL, neither holds, as in SQL."""
        return Condition(not_(self._element))

    @override
    def __repr__(self) -> str:
        return f"Condition({self._element})"

    if TYPE_CHECKING:
        __bool__: ClassVar[None]
    else:

        def __bool__(self) -> NoReturn:
            """Raise `UsageError`."""
            raise UsageError(
                "a condition is no bool: join conditions with & | ~, each in parentheses, not with and, or, not"
            )


Where: TypeAlias = Condition | SQLColumnExpression[bool]
"""`typed(Task.title) == "x"`, `col(Task.completed).is_(False)`, `and_(…)`, …"""


class HasElement(Protocol[T]):
    """What SQLAlchemy takes as an expression: a model's attribute, a `Condition`, a typed column."""

    def __clause_element__(self) -> ColumnElement[T]:
        """Return the expression."""
        ...


def if_given(value: T | None, condition: Callable[[T], Condition]) -> Sequence[Condition]:
    """Return the condition on the value, or none if the value is `None`.

    For filters that need not be given:

        books.list(*if_given(title, typed(Book.title).contains), *if_given(pages, lambda n: typed(Book.pages) >= n))
    """
    return () if value is None else (condition(value),)


def checked_conditions(table: Table, where: Sequence[Where]) -> Sequence[ColumnElement[bool]]:
    """Return the conditions, unchanged.

    Raises `UsageError` for a Python value (`Task.id is None` is one) and for a column of another table.
    """
    _require_single(where)
    return [
        expression_of_table(
            condition, table, "a condition", "typed(Model.field) == value or .is_null(), joined by & and |"
        )
        for condition in where
    ]


def checked_expression(table: Table, value: SQLColumnExpression[T]) -> ColumnElement[T]:
    """Return the expression, unchanged. Raises `UsageError` as `checked_conditions`."""
    return expression_of_table(
        value, table, "a value", "an expression of typed(Model.field), or select(…).scalar_subquery()"
    )


def element_of(value: SQLColumnExpression[T] | HasElement[T]) -> ColumnElement[T] | None:
    """Return the SQL expression that a value is or has; `None` for a Python value."""
    element: object = value
    if not isinstance(value, ColumnElement) and hasattr(value, "__clause_element__"):
        element = cast("HasElement[T]", value).__clause_element__()  # it has one
    return element if isinstance(element, ColumnElement) else None


def outside_subqueries(element: ClauseElement) -> Iterator[ClauseElement]:
    """Yield an element and its parts; a subquery is one part."""
    yield element
    if not isinstance(element, SelectBase):
        for child in element.get_children():
            yield from outside_subqueries(child)


def expression_of_table(
    value: SQLColumnExpression[T] | HasElement[T], table: Table, what: str, remedy: str
) -> ColumnElement[T]:
    """Return the expression, unchanged. Raises `UsageError`, which names `what` it is and the `remedy`."""
    element = element_of(value)
    if element is None:
        raise UsageError(f"{what} is {described(value)}, expected an SQL expression: write {remedy}")
    for part in outside_subqueries(element):
        check_comparison(part)
        if isinstance(part, SelectBase):
            check_comparisons(part)
        if isinstance(part, ColumnClause) and part.table is not None and part.table is not table:
            raise UsageError(
                f"{what} on {table.name} names a column of {part.table.description}, which is not read here: "
                "write a subquery, typed(Model.field).in_(select(…))"
            )
    return element


def _require_joinable(other: object) -> None:
    if not is_expression(other):
        raise UsageError(
            f"a condition is joined with {described(other)}, expected a condition: write typed(Model.field) == value, "
            ".is_null(), .in_(…)"
        )


def _require_single(where: Sequence[Where | None]) -> None:
    for condition in where:
        if condition is None:
            raise UsageError(
                "a condition is None: leave out what was not asked for, *if_given(value, typed(Model.field).eq)"
            )
        if isinstance(condition, list | tuple | set | frozenset | Iterator):
            raise UsageError(
                f"a condition is {described(condition)}, expected one expression per argument: write *conditions"
            )
