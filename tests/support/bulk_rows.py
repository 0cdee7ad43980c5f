"""What rows of `models/bulk` may have: keys of the client, and values of their columns, as Hypothesis draws them."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.support.models.bulk import Size

KEYS = ("z", "É", "a", "B", "", "a ")
"""The collations of a server and Python sort them differently."""

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
_DOCUMENTS = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.lists(TEXTS, max_size=2)
    | st.dictionaries(TEXTS, TEXTS, max_size=2)
)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "note": st.none() | TEXTS,
    "level": st.integers(-9, 9),
    "day": st.dates(date(1990, 1, 1)),
    "weight": st.integers(0, 9),
    "label": TEXTS,
    "upper": st.integers(0, 9),
    "size": st.sampled_from(Size),
    "tags": st.none() | st.lists(TEXTS, max_size=3),
    "data": _DOCUMENTS,
    "code": st.none() | st.sampled_from(["Ab", "C", ""]),
    "offset": st.none() | st.integers(-9, 9),
}
"""Of each column that a row may leave out."""

ITEMS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries({"name": TEXTS}, optional=VALUES), max_size=6
)
"""Data of new rows."""

_CHANGED: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS, **{name: VALUES[name] for name in ("note", "level", "size", "tags", "data")}
}  # fmt: skip
_NOTHING: dict[str, st.SearchStrategy[Any]] = {}
CHANGES: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(_NOTHING, optional=_CHANGED), max_size=6
)
"""What is set of as many rows."""
