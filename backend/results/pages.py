"""Pages of a list, as immutable values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from typing_extensions import TypeVar

RowT_co = TypeVar("RowT_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT_co]):
    """One page of a list, by its number. It has no length: `len(page.items)` rows of `page.total`."""

    items: Sequence[RowT_co]
    """The rows of this page, as a tuple; empty past the end."""
    total: int
    """How many rows the list has, counted by the statement that read the page."""
    page: int
    """The number of this page, from 1."""
    size: int
    """How many rows a full page has."""

    @property
    def pages(self) -> int:
        """Return how many pages the list has: 0 without rows."""
        return -(-self.total // self.size)

    @property
    def has_next(self) -> bool:
        """Return whether rows follow this page."""
        return self.page < self.pages

    @property
    def has_previous(self) -> bool:
        """Return whether the number is not the first one; also past the end."""
        return self.page > 1

    def __iter__(self) -> Iterator[RowT_co]:
        return iter(self.items)

    def map(self, to: Callable[[RowT_co], T]) -> "Page[T]":
        """Return the page with each item converted: `page.map(TaskOut.model_validate)`."""
        return Page(tuple(map(to, self.items)), self.total, self.page, self.size)
