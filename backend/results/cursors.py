"""The page of a list that is read by cursor, and the text of its cursors.

A cursor is URL-safe text. It carries the sort values of a row exactly, as PostgreSQL writes them, and a digest of these
with the model, the order and the owner, so that the cursor of another list is refused. It is neither secret nor signed:
whoever made it, the list is read in the scope of the repository.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Final, Generic, Literal, TypeAlias, cast, get_args

from typing_extensions import TypeVar

from backend.errors import ErrorDetails, InvalidCursorError, UsageError, described
from backend.statements.keyset import Position, Side

RowT_co = TypeVar("RowT_co", covariant=True)
T = TypeVar("T")


class LastPage(Enum):
    """The cursor of the last page."""

    LAST_PAGE = "last page"


LAST_PAGE: Final = LastPage.LAST_PAGE

Cursor: TypeAlias = str | Literal[LastPage.LAST_PAGE] | None
"""`next` or `previous` of a page, `LAST_PAGE`, or `None` for the first page."""

_FIXED_PARTS: Final = 2
"""Digest and side, before the sort values."""

_SIDES: Final[Mapping[object, Side]] = {side: side for side in get_args(Side)}

_DIGEST_BYTES: Final = 8
"""Two lists have one digest by chance once in 1.8e19 pairs; it does not keep anybody from making a cursor."""


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[RowT_co]):
    """One page of a list. `next` and `previous` are the cursors of its neighbours, `None` at an end.

    Exact in the direction that the walk goes: a full last page has no `next`. In the other direction there is always a
    cursor on a page that a cursor led to, also where no row is left there.
    """

    items: Sequence[RowT_co]
    next: str | None
    previous: str | None

    def __iter__(self) -> Iterator[RowT_co]:
        """Iterate over the items."""
        return iter(self.items)

    def map(self, to: Callable[[RowT_co], T]) -> "CursorPage[T]":
        """Return the page of the results of `to` for each item."""
        return CursorPage(tuple(to(item) for item in self.items), self.next, self.previous)


@dataclass(frozen=True, slots=True)
class CursorText:
    """Cursors of one list: `list_name` names model, order and owner."""

    model: str
    list_name: str
    width: int
    """The number of sort values."""

    def encode(self, position: Position) -> str:
        """Return the cursor of a position."""
        text = json.dumps([self._digest(position), position.side, *position.values], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def decode(self, cursor: object) -> Position:
        """Return the position of a cursor. Raises `InvalidCursorError` for any text but a cursor of this list."""
        if not isinstance(cursor, str):
            raise UsageError(f"the cursor is {described(cursor)}, expected next or previous of a page, or LAST_PAGE")
        position = _position(cursor)
        if position is None or len(position.values) != self.width or self.encode(position) != cursor:
            raise self.invalid_error()
        return position

    def invalid_error(self) -> InvalidCursorError:
        """Return the error for a text that is no cursor of this list."""
        return InvalidCursorError(
            f"invalid cursor for this list of {self.model}: pass next or previous of one of its pages, unchanged, with "
            "the same order",
            ErrorDetails(self.model, "cursor_page"),
        )

    def _digest(self, position: Position) -> str:
        parts = json.dumps([self.list_name, position.side, *position.values])
        return blake2b(parts.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _position(cursor: str) -> Position | None:
    """Return the position that a text holds, or `None`."""
    try:
        parts: object = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):  # no ASCII, no base64, no UTF-8, no JSON
        return None
    if not isinstance(parts, list) or len(cast("list[object]", parts)) < _FIXED_PARTS:  # of any types
        return None
    _, side, *values = cast("list[object]", parts)  # as above
    texts = tuple(value for value in values if value is None or isinstance(value, str))
    if not isinstance(side, str) or side not in _SIDES or len(texts) != len(values):
        return None
    return Position(_SIDES[side], texts)
