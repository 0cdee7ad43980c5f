"""A list of many rows, read by cursor, by number and as a stream: `python -m benchmarks pages`."""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import psycopg
from sqlalchemy.pool import QueuePool
from sqlmodel import col

from backend import LAST_PAGE, Database, init_db, typed
from benchmarks.rounds import Ratio, ratio
from tests.support.models.walk import Post, PostRepository

ROWS: Final = 1_000_000

_OWNER: Final = "a"
_OTHERS: Final = 1000
"""Other owners, who have a tenth of the rows together."""
_SIZE: Final = 20
_CALLS: Final = 20
"""Calls timed together."""
_FILL: Final = """
    INSERT INTO post (owner_id, rank, at)
    SELECT CASE WHEN n % 11 = 0 THEN 'other ' || n / 11 % %(others)s ELSE %(owner)s END,
        CASE WHEN n % 10 <> 7 THEN n::bigint * 7919 % greatest(%(rows)s / 10, 1) END, to_timestamp(n / 3)
    FROM generate_series(1, %(rows)s + %(rows)s / 10) n
"""
"""One row in ten has no rank, ten others share each; three share a time. By rank, the table is in no order."""

Call: TypeAlias = Callable[[], object]
_Contenders: TypeAlias = dict[str, tuple[int, Call]]
"""Each way to read one page, with how many calls are timed together."""

_AT: Final = col(Post.at)
_RANK: Final = col(Post.rank)


def run(database: Database, rounds: int, rows: int) -> None:
    """Print the tables of pages and of a stream, of a new list with so many rows."""
    init_db(database, Post.metadata)
    _fill(database, rows)
    _show_stream(database, rows)  # first, so that the process has not held anything larger
    with database.session() as session:
        posts = PostRepository(session).owned_by(_OWNER)
        _show("NOT NULL", _measured(_by_cursor(posts, _AT, ()) | _by_number(posts, _AT, rows), rounds))
        _show("with NULLs", _measured(_by_cursor(posts, _RANK, ()), rounds))
        condition = (typed(Post.id) > 0,)
        _show("NOT NULL, a condition", _measured(_by_cursor(posts, _AT, condition), rounds))
        _show("with NULLs, a condition", _measured(_by_cursor(posts, _RANK, condition), rounds))


def _fill(database: Database, rows: int) -> None:
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE post")
        connection.execute(_FILL.replace("% ", "%% "), {"rows": rows, "others": _OTHERS, "owner": _OWNER})
        connection.execute("VACUUM ANALYZE post")


def _by_cursor(posts: PostRepository, order: Any, where: Sequence[Any]) -> _Contenders:
    """Return the pages that a cursor leads to; the others are compared with the first."""

    def page_at(cursor: Any) -> tuple[int, Call]:
        return _CALLS, lambda: posts.cursor_page(*where, order_by=order, size=_SIZE, cursor=cursor)

    last = posts.cursor_page(order_by=order, size=_SIZE, cursor=LAST_PAGE)
    before_last = posts.cursor_page(order_by=order, size=_SIZE, cursor=last.previous)
    assert before_last.next is not None
    assert posts.cursor_page(order_by=order, size=_SIZE, cursor=before_last.next).items == last.items
    forwards, backwards = _cursors_at(posts, order, posts.count() // 2)
    return {
        "first": page_at(None),
        "last, `LAST_PAGE`": page_at(LAST_PAGE),
        "last, its cursor": page_at(before_last.next),
        "middle, forwards": page_at(forwards),
        "middle, backwards": page_at(backwards),
    }


def _by_number(posts: PostRepository, order: Any, rows: int) -> _Contenders:
    """Return the same for pages by number."""
    pages = -(-rows // _SIZE)
    offset = (pages - 1) * _SIZE
    return {
        "`page`, the first": (1, lambda: posts.page(order_by=order, size=_SIZE)),
        "`page`, the last": (1, lambda: posts.page(order_by=order, page=pages, size=_SIZE)),
        "`list`, the last by offset": (1, lambda: posts.list(order_by=order, limit=_SIZE, offset=offset)),
    }


def _cursors_at(posts: PostRepository, order: Any, offset: int) -> tuple[Any, Any]:
    """Return the cursors that lead forwards and backwards from a row: of a page that holds it alone."""
    row = posts.list(order_by=order, offset=offset, limit=1)[0]
    start = posts.cursor_page(order_by=order, size=1)
    alone = posts.cursor_page(typed(Post.id) == row.id, order_by=order, size=1, cursor=start.next)
    return posts.cursor_page(order_by=order, size=1, cursor=alone.previous).next, alone.previous


def _measured(contenders: _Contenders, rounds: int) -> Mapping[str, Ratio]:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(rounds + 1):  # the first one warms up
        order = order[1:] + order[:1]
        for name in order:
            times[name].append(_timed(*contenders[name]))
    first = times[next(iter(contenders))][1:]
    return {name: ratio(found[1:], first) for name, found in times.items()}


def _timed(calls: int, call: Call) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls


def _show(name: str, found: Mapping[str, Ratio]) -> None:
    sys.stdout.write(f"\n| order {name} | time | by the first page |\n|---|---|---|\n")
    for page, one in found.items():
        sys.stdout.write(
            f"| {page} | {one.microseconds:.0f} µs | {one.times:.2f} ({one.spread[0]:.2f} to {one.spread[1]:.2f}) |\n"
        )


def _show_stream(database: Database, rows: int) -> None:
    """Print what a stream of every row takes, and that one that is left early holds no connection."""
    with database.session() as session:
        posts = PostRepository(session).owned_by(_OWNER)
        with posts.stream(order_by=_AT) as early:
            next(early)
            assert _in_use(database) == 0
        assert _in_use(database) == 0
        sys.stdout.write("| rows of a stream | rows a second | peak memory |\n|---|---|---|\n")
        started = time.perf_counter()
        with posts.stream(order_by=_AT) as stream:
            for number in _counted(stream, (min(2000, rows), rows // 2, rows)):
                seconds = time.perf_counter() - started
                sys.stdout.write(f"| {number} | {number / seconds:.0f} | {_peak_mib():.1f} MiB |\n")


def _counted(rows: Iterator[Post], places: Sequence[int]) -> Iterator[int]:
    """Yield each of the places as its row has been read."""
    number = 0
    for number, _ in enumerate(rows, 1):
        if number in places:
            yield number
    assert number == places[-1], number


def _in_use(database: Database) -> int:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
