"""Calls that read a list in pieces, each from the place where the one before ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic

from backend.database.failures.sqlstates import REFUSED_VALUES
from backend.database.operations import OperationKind
from backend.errors import InvalidDataError
from backend.repository.bound import Bound, RowT, RowT_co
from backend.repository.calls.loading import build
from backend.repository.execution import run
from backend.results.cursors import LAST_PAGE, Cursor, CursorPage, CursorText
from backend.results.entities import ModelRow
from backend.statements.conditions import Where
from backend.statements.keyset import Position, Side
from backend.statements.lists import require_page_size, require_size
from backend.statements.ordering import Order, SortKey

MAX_BATCH: Final = 100_000
"""Rows of a batch: each is held in memory until the next is read."""

START: Final = Position("from", ())
_END: Final = Position("until", ())

_CURSOR_PAGE: Final = OperationKind("cursor_page")
_STREAM: Final = OperationKind("stream")


@dataclass(frozen=True, slots=True)
class Batch(Generic[RowT_co]):
    """Rows of a stream, and the place where the next batch begins; `None` after the last row."""

    rows: Sequence[RowT_co]
    following: Position | None


def cursor_page(
    bound: Bound[RowT], where: Sequence[Where], order_by: Order, cursor: Cursor, size: int
) -> CursorPage[RowT]:
    """Return the page at the cursor."""
    order = bound.statements.order(order_by)
    require_page_size(size)
    texts = _cursor_text(bound, order)
    position = START if cursor is None else _END if cursor is LAST_PAGE else texts.decode(cursor)
    if any(value is None and not key.nullable for value, key in zip(position.values, order, strict=False)):
        raise texts.invalid_error()
    try:
        rows = run(bound, bound.statements.keyset(where, order, position), position.parameters(size + 1), _CURSOR_PAGE)
    except InvalidDataError as error:
        if not position.values or error.sqlstate not in REFUSED_VALUES:
            raise
        raise texts.invalid_error() from None  # a value that somebody else has put into the cursor
    is_end = len(rows) <= size
    rows = rows[:size]
    sides: tuple[Side, Side] = ("before", "after") if position.is_backward else ("after", "before")
    ahead_of = None if is_end else _place(rows[-1], order, sides[0])
    behind_of = None if not position.values else _place(rows[0], order, sides[1]) if rows else position.opposite
    items = tuple(build(bound, rows[::-1] if position.is_backward else rows, _CURSOR_PAGE))
    following, preceding = (behind_of, ahead_of) if position.is_backward else (ahead_of, behind_of)
    return CursorPage(items, *(None if place is None else texts.encode(place) for place in (following, preceding)))


def next_batch(
    bound: Bound[RowT], where: Sequence[Where], order_by: Order, batch: int, position: Position
) -> Batch[RowT]:
    """Return the rows of a stream from the position on."""
    order = bound.statements.order(order_by)
    require_size("batch", batch, MAX_BATCH, "a batch is held in memory")
    rows = run(bound, bound.statements.keyset(where, order, position), position.parameters(batch + 1), _STREAM)
    following = None if len(rows) <= batch else _place(rows[batch - 1], order, "after")
    return Batch(build(bound, rows[:batch], _STREAM), following)


def _place(row: ModelRow, order: Sequence[SortKey], side: Side) -> Position:
    values: Sequence[object] = row[-len(order) :]
    return Position(side, tuple(None if value is None else str(value) for value in values))


def _cursor_text(bound: Bound[RowT], order: Sequence[SortKey]) -> CursorText:
    entity, scope = bound.metadata.entity, bound.scope
    owner = repr(bound.owner) if scope else "every owner"
    names = [entity.table.fullname, *(key.name for key in order), owner]
    return CursorText(entity.name, "\n".join(map(repr, names)), len(order))
