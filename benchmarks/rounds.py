"""The measuring: in each round every contender makes every call, one after the other, and ratios are taken."""

import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import psycopg

from benchmarks.calls import LIST_LENGTH, LIST_OWNER, NAMES, OWNER, Calls

CALLS_A_BATCH = 100
"""Calls timed together, a list counted as one: long beside the clock's resolution, short beside a machine's moods."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Times of one call by one contender."""

    microseconds: float
    """Of a call: the median over the rounds."""
    times: float
    """The median over the rounds of its time by that of the first contender in the same round."""
    spread: tuple[float, float]
    """The quartiles of that."""


def measured(
    contenders: Mapping[str, Calls], rounds: int, server: "psycopg.Connection[tuple[object, ...]]"
) -> Mapping[str, Mapping[str, Ratio]]:
    """For each call and contender its times beside those of the first contender."""
    times: dict[str, dict[str, list[float]]] = {name: {who: [] for who in contenders} for name in NAMES}
    order = list(contenders)
    start(server)
    for calls in contenders.values():
        warm(calls, server)
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        order = order[1:] + order[:1]  # nobody always comes after the same other
        for name in NAMES:
            for who in order:
                ids = rows(server)
                times[name][who].append(_timed(contenders[who], name, ids))
    first = next(iter(contenders))
    return {
        name: {who: ratio(found, by_contender[first]) for who, found in by_contender.items()}
        for name, by_contender in times.items()
    }


def ratio(times: Sequence[float], first: Sequence[float]) -> Ratio:
    """Return the times of a contender beside those of the first one, round by round."""
    ratios = [mine / theirs for mine, theirs in zip(times, first, strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return Ratio(median(times) * 1e6, median(ratios), (low, high))


def _timed(calls: Calls, name: str, ids: Sequence[int]) -> float:
    call = calls[name]
    started = time.perf_counter()
    for id in ids:
        call(id)
    return (time.perf_counter() - started) / len(ids)


def warm(calls: Calls, server: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Make each call once a row."""
    for name in NAMES:
        _timed(calls, name, rows(server))


def start(server: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Empty the table, but for the rows of the list."""
    server.execute("TRUNCATE task")
    server.execute(
        "INSERT INTO task (title, user_id) SELECT 'Task ' || n, %s FROM generate_series(1, %s) n",
        (LIST_OWNER, LIST_LENGTH),
    )


def rows(server: "psycopg.Connection[tuple[object, ...]]") -> Sequence[int]:
    """Return the ids of new rows, one for each call of a batch; those of earlier batches are gone."""
    server.execute("DELETE FROM task WHERE user_id = %s", (OWNER,))
    found = server.execute(
        "INSERT INTO task (title, user_id) SELECT 'Task ' || n, %s FROM generate_series(1, %s) n RETURNING id",
        (OWNER, CALLS_A_BATCH),
    )
    return list(_ids(found))


def _ids(rows: "psycopg.Cursor[tuple[object, ...]]") -> Iterator[int]:
    for (id,) in rows:
        assert isinstance(id, int)
        yield id
