"""The calls that are measured, and what a contender is: a way to make them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sqlalchemy import make_url

OWNER: Final = "benchmark"
"""Whose rows the calls are about, one owner among a thousand."""
PAGE: Final = 20
PAGE_NUMBER: Final = 3
BATCH: Final = 1000
"""Rows that a stream fetches together."""

Ids: TypeAlias = Sequence[int]
Call: TypeAlias = Callable[[Ids], object]
"""Makes one call about the rows with these ids and returns its result, or for an asynchronous contender an awaitable.

One call: `ids[0]` is the row of a call about one, and the number of a label for an upsert.
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to make the calls. One that it lacks is left out of that row of a table."""

    calls: Mapping[str, Call]
    is_async: bool = False
    is_concurrent: bool = True
    """Whether several threads or tasks may make calls at once."""
    end_thread: Callable[[], None] = lambda: None
    """Close what the calling thread holds."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a contender is opened for."""

    url: str
    """As SQLAlchemy and `Database` take it."""
    prepare_threshold: int | None
    """Runs after which psycopg prepares a statement."""
    runner: asyncio.Runner
    """Runs the calls of asynchronous contenders."""
    deep_id: int
    """The id after which the deep cursor page begins."""
    deep: int
    """How many of the owner's rows precede that page."""

    @property
    def conninfo(self) -> str:
        """The URL as libpq takes it."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)


Group: TypeAlias = Literal["calls", "bulk", "stream"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the calls."""

    group: Group
    rows: Literal["none", "one", "ten", "hundred", "many"] = "none"
    """The rows that a call is about: each call of a batch has others."""
    length: int | None = None
    """The length of its result, if it is a sequence or a mapping."""
    is_upsert: bool = False


CALLS: Final[Mapping[str, Kind]] = {
    "create": Kind("calls"),
    "get": Kind("calls", "one"),
    "first": Kind("calls"),
    "update": Kind("calls", "one"),
    "toggle": Kind("calls", "one"),
    "delete": Kind("calls", "one"),
    "upsert": Kind("calls", "one", is_upsert=True),
    "exists": Kind("calls", "one"),
    "list of 20": Kind("calls", length=20),
    "list of 100": Kind("calls", length=100),
    "view of 20": Kind("calls", length=20),
    "view of 100": Kind("calls", length=100),
    "page": Kind("calls", length=PAGE),
    "cursor page, first": Kind("calls", length=PAGE),
    "cursor page, deep": Kind("calls", length=PAGE),
    "get_many of 100": Kind("calls", "hundred", 100),
    "transaction of ten writes": Kind("calls", "ten"),
    "create_many": Kind("bulk", "many"),
    "update_many": Kind("bulk", "many"),
    "upsert_many": Kind("bulk", "many", is_upsert=True),
    "delete_many": Kind("bulk", "many"),
    "stream": Kind("stream"),
}
"""By name. Bulk calls and the stream are of as many rows as the options say."""
