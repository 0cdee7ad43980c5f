"""Statements that are built once and kept. No I/O."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

ShapeT = TypeVar("ShapeT")
BuiltT = TypeVar("BuiltT")

_MOST: Final = 128
"""For one entity and scope: shapes of conditions and orders, and sets of fields, come from a program's code, so few."""


class Kept(Generic[ShapeT, BuiltT]):
    """What was built for a shape, until there are too many shapes."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._built: dict[ShapeT, BuiltT] = {}

    def get(self, shape: ShapeT, build: Callable[[], BuiltT]) -> BuiltT:
        """Return what was built for this shape, built now if it was not."""
        built = self._built.get(shape)
        if built is None:
            if len(self._built) == self._most:
                self._built.clear()
            built = self._built[shape] = build()
        return built
