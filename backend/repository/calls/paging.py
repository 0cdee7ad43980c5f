"""Calls that read a list page by page."""

from collections.abc import Sequence
from typing import Final, cast

from backend.database.operations import OperationKind
from backend.repository.bound import Bound, RowT
from backend.repository.calls.loading import build
from backend.repository.execution import run
from backend.results.pages import Page
from backend.statements.conditions import Where
from backend.statements.ordering import Order

_PAGE: Final = OperationKind("page")


def page(bound: Bound[RowT], where: Sequence[Where], order_by: Order, page: int, size: int) -> Page[RowT]:
    """Return one page of the rows that meet every condition, and how many they are."""
    statements = bound.statements
    rows = run(bound, statements.page(where, order_by), statements.page_parameters(page, size), _PAGE)
    *_, total, _ = rows[0]  # at least one row: that of the count
    found = [row[:-2] for row in rows if row[-1]]  # the last column says whether it is a row of the page
    return Page(tuple(build(bound, found, _PAGE)), cast("int", total), page, size)  # count(*)
