"""A `Page` as a value."""

import pickle
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from backend import Page


def test_a_page_is_an_immutable_value() -> None:
    page = Page((1, 2), 5, 1, 2)
    name: Any = "items"
    with pytest.raises(FrozenInstanceError):
        setattr(page, name, ())
    assert list(page) == [1, 2]
    assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301 - its own pickle
    sized: Any = page
    with pytest.raises(TypeError, match="has no len"):
        len(sized)


def test_map_of_a_page_keeps_its_place() -> None:
    texts: Page[str] = Page((1, 2), 5, 2, 2).map(str)
    assert texts == Page(("1", "2"), 5, 2, 2)
    items: Sequence[str] = texts.items
    assert isinstance(items, tuple)
