"""The statement of a page by its number: its rows and how many the list has, in one round trip."""

from collections.abc import Sequence
from typing import Final, Generic

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    UnaryExpression,
    column,
    func,
    select,
    true,
)
from sqlalchemy.sql import operators

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.entity.parameters import LIMIT_PARAMETER, OFFSET_PARAMETER
from backend.errors import UsageError
from backend.statements.conditions import Where
from backend.statements.lists import LIMIT, OFFSET, ListStatements, given, require_page_size
from backend.statements.ordering import Order
from backend.statements.scope.from_clauses import AnySelect
from backend.statements.scope.scoped import ScopedStatement

_MAX_OFFSET: Final = (1 << 63) - 1
"""The largest OFFSET, a bigint of PostgreSQL."""

_COUNT: Final = "number of rows"
_IS_ROW: Final = "is a row"

_DIRECTIONS: Final = {
    operators.asc_op: ColumnElement[object].asc,
    operators.desc_op: ColumnElement[object].desc,
    operators.nulls_first_op: ColumnElement[object].nulls_first,
    operators.nulls_last_op: ColumnElement[object].nulls_last,
}


class PageStatements(ListStatements[ModelT], Generic[ModelT]):
    """Statements that read a page by its number."""

    def page(self, where: Sequence[Where], order_by: Order) -> ScopedStatement:
        """Return the SELECT of a page: the columns, the total, and whether this is a row of the page.

        One row that is not, past the end. The count is the left side of the join, so that it is there without rows; the
        page carries what it is sorted by, because a join promises no order. Its labels have spaces, as no column has.
        """
        return self._filtered(("page",), self._page, where, order_by)

    def page_parameters(self, page: int, size: int) -> dict[str, object]:
        """Return the parameters of `page`. Raises `UsageError` for a number or size out of bounds."""
        return {LIMIT_PARAMETER: size, OFFSET_PARAMETER: _offset(page, size)}

    def _page(self, met: Sequence[ColumnElement[bool]], order_by: Sequence[ColumnElement[object]]) -> AnySelect:
        order = [*order_by, *self.entity.identity.columns]
        keys = [_sorted_by(expression).label(_sort_key(number)) for number, expression in enumerate(order)]
        rows = self._page_rows.add_columns(*keys).where(*met).order_by(*order).limit(LIMIT).offset(OFFSET)
        joined = self._page_count.where(*met).subquery().outerjoin(rows.subquery(), true())
        sorted_by = (_directed(by, column(_sort_key(number))) for number, by in enumerate(order))
        return self._page_columns.select_from(joined).order_by(*sorted_by)

    @lazy
    def _page_count(self) -> AnySelect:
        return self._verified(self._count.with_only_columns(func.count().label(_COUNT)))

    @lazy
    def _page_rows(self) -> AnySelect:
        columns = (one.label(_column(number)) for number, one in enumerate(self._columns))
        return self._verified(self._rows.with_only_columns(*columns, true().label(_IS_ROW)))

    @lazy
    def _page_columns(self) -> AnySelect:
        columns = (column(_column(number), one.type) for number, one in enumerate(self._columns))
        return select(*columns, column(_COUNT, Integer()), column(_IS_ROW, Boolean()))


def _column(number: int) -> str:
    return f"column {number}"


def _sort_key(number: int) -> str:
    return f"sort key {number}"


def _offset(page: object, size: int) -> int:
    """Return how many rows precede the page. Raises `UsageError` for a number or size out of bounds."""
    require_page_size(size)
    last = _MAX_OFFSET // size
    if type(page) is not int or not 1 <= page <= last:
        raise UsageError(f"page number is {given(page)}, expected a whole number from 1 to {last}")
    return (page - 1) * size


def _sorted_by(expression: ColumnElement[object]) -> ColumnElement[object]:
    """Return an expression of an order without its direction."""
    while isinstance(expression, UnaryExpression) and expression.modifier in _DIRECTIONS:
        expression = expression.element
    return expression


def _directed(by: ColumnElement[object], column: ColumnElement[object]) -> ColumnElement[object]:
    """Return the column, sorted in the direction of an expression of an order."""
    if isinstance(by, UnaryExpression) and by.modifier in _DIRECTIONS:
        return _DIRECTIONS[by.modifier](_directed(by.element, column))
    return column
