# Generated from tests/behaviour/_async/test_cursor_pages.py by `python -m tools.generate_sync`: edit that one.
"""Pages by cursor and streams, compared with a plain-Python list of the rows."""

import json
import math
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, update
from sqlmodel import Session, col

from backend import LAST_PAGE, CursorPage, Database
from backend.errors import InvalidCursorError, InvalidDataError, OwnerRequiredError, UsageError
from backend.results.cursors import CursorText
from backend.statements.keyset import Position, Side
from backend.tasks import TaskRepository
from tests.support.models.walk import Post, PostRepository, PostUpdate
from tests.support.wire import WireProxy

START = datetime(2026, 1, 1, tzinfo=UTC)
SLOW_START = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@dataclass(frozen=True)
class Key:
    """One expression of an order, and the value that it has for a row."""

    name: str
    expression: Any
    value: Callable[[Post], Any]
    descending: bool
    nulls_first: bool | None

    @property
    def sql(self) -> Any:
        clause = self.expression.desc() if self.descending else self.expression
        if self.nulls_first is None:
            return clause
        return clause.nulls_first() if self.nulls_first else clause.nulls_last()


VALUES: dict[str, tuple[Any, Callable[[Post], Any]]] = {
    "rank": (col(Post.rank), lambda row: row.rank),
    "weight": (col(Post.weight), lambda row: row.weight),
    "label": (col(Post.label), lambda row: row.label),
    "at": (col(Post.at), lambda row: row.at),
    "id": (col(Post.id), lambda row: row.id),
    "rank or 0": (func.coalesce(col(Post.rank), 0), lambda row: row.rank or 0),
    "-rank": (-col(Post.rank), lambda row: None if row.rank is None else -row.rank),
    "length": (func.length(col(Post.label)), lambda row: None if row.label is None else len(row.label)),
}


def sort_key(name: str, *, descending: bool, nulls_first: bool | None) -> Key:
    return Key(name, *VALUES[name], descending, nulls_first)


KEYS = st.builds(
    sort_key,
    name=st.sampled_from(sorted(VALUES)),
    descending=st.booleans(),
    nulls_first=st.sampled_from((None, True, False)),
)
ORDERS = st.lists(KEYS, max_size=3, unique_by=lambda key: key.name)
LABELS = st.none() | st.sampled_from(("", "a", "A", "ä", "b", "%", "\u2028", '"'))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "rank": st.none() | st.integers(0, 2),
            "weight": st.none() | st.sampled_from((0.0, 0.1, 1e-300, math.inf, -math.inf, 3.0000000000000004)),
            "label": LABELS,
            "at": st.integers(0, 2).map(lambda n: START + timedelta(microseconds=n)),
        }
    ),
    max_size=12,
)


@pytest.fixture
def posts(database: Database) -> Generator[PostRepository]:
    with database.session() as session:
        yield PostRepository(session).owned_by("a")


def fill(engine: Engine, rows: list[dict[str, Any]]) -> None:
    """Give owner a these rows, and owner b the same."""
    with engine.begin() as connection:
        connection.execute(delete(Post))
        for owner in "ab" if rows else "":
            connection.execute(insert(Post), [{**row, "owner_id": owner} for row in rows])


def walk(
    posts: PostRepository, order: list[Any], size: int, cursor: Any = None, *, back: bool = False
) -> list[CursorPage[Post]]:
    """Every page from the cursor on, in the direction."""
    pages = [posts.cursor_page(order_by=order, size=size, cursor=cursor)]
    while (cursor := pages[-1].previous if back else pages[-1].next) is not None:
        pages.append(posts.cursor_page(order_by=order, size=size, cursor=cursor))
        assert len(pages) < 40
    return pages


def ids(pages: list[CursorPage[Post]]) -> list[int]:
    return [row.id for page in pages for row in page]


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_START)
@given(rows=ROWS, order=ORDERS, size=st.integers(1, 5))
def test_walking_both_ways_gives_the_order_of_list(
    clean: Engine, posts: PostRepository, rows: list[dict[str, Any]], order: list[Key], size: int
) -> None:
    fill(clean, rows)
    sql = [key.sql for key in order]
    whole = [row.id for row in posts.list(order_by=sql)]
    assert len(whole) == len(rows)
    forward = walk(posts, sql, size)
    assert ids(forward) == whole
    assert [len(page.items) for page in forward[:-1]] == [size] * (len(forward) - 1)
    assert len(forward) == max(1, -(-len(whole) // size))
    backward = walk(posts, sql, size, LAST_PAGE, back=True)
    assert ids(backward[::-1]) == whole
    assert len(backward) == len(forward)
    assert forward[0].previous is None
    assert backward[0].next is None
    assert all(page.previous is not None for page in forward[1:])
    assert all(page.next is not None for page in backward[1:])
    if len(forward) > 1:
        again = walk(posts, sql, size, forward[-1].previous, back=True)
        assert ids(again[::-1]) == whole[: (len(forward) - 1) * size]
    with posts.stream(order_by=sql, batch=size) as streamed:
        assert [row.id for row in streamed] == whole


def in_python(rows: list[Post], order: list[Key]) -> list[Post]:
    """The rows sorted by Python, as PostgreSQL's documentation says it sorts numbers, times and NULLs."""
    for key in [Key("id", None, lambda row: row.id, descending=False, nulls_first=None), *order[::-1]]:
        first = key.descending if key.nulls_first is None else key.nulls_first
        there = sorted((row for row in rows if key.value(row) is not None), key=key.value, reverse=key.descending)
        if key.descending:  # `reverse` keeps ties in order
            there = sorted((row for row in rows if key.value(row) is not None), key=key.value, reverse=True)
        absent = [row for row in rows if key.value(row) is None]
        rows = [*absent, *there] if first else [*there, *absent]
    return rows


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW_START)
@given(rows=ROWS, order=st.lists(KEYS.filter(lambda key: key.name != "label"), max_size=3), size=st.integers(1, 5))
def test_the_order_is_that_of_python(
    clean: Engine, posts: PostRepository, rows: list[dict[str, Any]], order: list[Key], size: int
) -> None:
    fill(clean, rows)
    expected = in_python(list(posts.list()), order)
    assert ids(walk(posts, [key.sql for key in order], size)) == [row.id for row in expected]


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW_START)
@given(rows=ROWS, order=ORDERS, data=st.data())
def test_a_stable_row_is_met_once_whatever_happens_between_two_pages(
    clean: Engine, posts: PostRepository, rows: list[dict[str, Any]], order: list[Key], data: st.DataObject
) -> None:
    fill(clean, rows)
    sql, size = [key.sql for key in order], data.draw(st.integers(1, 4))
    stable = {row.id for row in posts.list()}
    back = data.draw(st.booleans())
    seen: list[int] = []
    cursor: Any = LAST_PAGE if back else None
    for _ in range(40):
        page = posts.cursor_page(order_by=sql, size=size, cursor=cursor)
        found = [row.id for row in page]
        seen = found + seen if back else seen + found
        cursor = page.previous if back else page.next
        if cursor is None:
            break
        with clean.begin() as connection:
            at = START + timedelta(microseconds=data.draw(st.integers(0, 2)))
            new = {"rank": data.draw(st.none() | st.integers(0, 2)), "label": "new", "at": at, "owner_id": "a"}
            connection.execute(insert(Post), [new])
            if gone := data.draw(st.sets(st.sampled_from(sorted(stable)), max_size=2)) if stable else set[int]():
                connection.execute(delete(Post).where(col(Post.id).in_(gone)))
                stable -= gone
    assert len(seen) == len(set(seen))
    assert stable <= set(seen)


def test_an_emptied_page_leads_back(clean: Engine, posts: PostRepository) -> None:
    fill(clean, [{"rank": n // 2, "at": START} for n in range(6)])
    order = [col(Post.rank).desc()]
    first = posts.cursor_page(order_by=order, size=2)
    left = [row.id for row in first]
    with clean.begin() as connection:
        connection.execute(delete(Post).where(col(Post.id).not_in(left)))
    empty = posts.cursor_page(order_by=order, size=2, cursor=first.next)
    assert (list(empty), empty.next) == ([], None)
    back = posts.cursor_page(order_by=order, size=2, cursor=empty.previous)
    assert ([row.id for row in back], back.previous) == (left, None)
    with clean.begin() as connection:
        connection.execute(delete(Post))
    gone = posts.cursor_page(order_by=order, size=2, cursor=back.next)
    assert (list(gone), gone.next) == ([], None)
    nothing = posts.cursor_page(order_by=order, size=2, cursor=gone.previous)
    assert (list(nothing), nothing.previous) == ([], None)
    assert nothing.next is not None


def test_a_cursor_is_taken_by_the_same_order_written_differently(clean: Engine, posts: PostRepository) -> None:
    fill(clean, [{"rank": n, "at": START} for n in range(4)])
    rank, key = col(Post.rank), col(Post.id)
    same: list[Any] = [rank, [rank], rank.asc(), (rank, key), [rank, key, col(Post.label)], [rank, rank.desc()]]
    cursor = (posts.cursor_page(order_by=rank, size=2)).next
    for order in [*same, rank.nulls_last()]:
        page = posts.cursor_page(order_by=order, size=2, cursor=cursor)
        assert [row.rank for row in page] == [2, 3]
    for order in (rank.desc(), rank.nulls_first(), [rank, col(Post.label)], key, (), func.coalesce(rank, 1)):
        with pytest.raises(InvalidCursorError):
            posts.cursor_page(order_by=order, size=2, cursor=cursor)
    with pytest.raises(InvalidCursorError):
        posts.cursor_page(order_by=func.coalesce(rank, 2), cursor=(
            posts.cursor_page(order_by=func.coalesce(rank, 1), size=2)).next)  # fmt: skip


def test_conditions_and_size_may_change_between_two_pages(clean: Engine, posts: PostRepository) -> None:
    fill(clean, [{"rank": n, "at": START} for n in range(8)])
    first = posts.cursor_page(order_by=col(Post.rank), size=2)
    even = posts.cursor_page(col(Post.rank).in_([0, 2, 4, 6]), order_by=col(Post.rank), size=5, cursor=first.next)
    assert [row.rank for row in even] == [2, 4, 6]


def test_a_cursor_of_another_owner_scope_or_model_is_refused_before_sql(
    clean: Engine, session: Session, proxy: WireProxy
) -> None:
    fill(clean, [{"rank": n, "at": START} for n in range(3)])
    posts = PostRepository(session)
    cursor = (posts.owned_by("a").cursor_page(size=1)).next
    assert cursor is not None
    with proxy.watch() as seen:
        for other in (posts.owned_by("b"), posts.every_owner()):
            with pytest.raises(InvalidCursorError) as error:
                other.cursor_page(size=1, cursor=cursor)
            assert str(error.value) == (
                "invalid cursor for this list of Post: pass next or previous of one of its pages, unchanged, with the "
                "same order"
            )
        for text in ("", "x", "é", cursor[:-1], cursor + "A", cursor + "=", cursor.swapcase(), "bnVsbA", "W10", "WzFd"):
            with pytest.raises(InvalidCursorError):
                posts.owned_by("a").cursor_page(size=1, cursor=text)
        for number in range(len(cursor)):
            changed = cursor[:number] + ("A" if cursor[number] != "A" else "B") + cursor[number + 1 :]
            with pytest.raises(InvalidCursorError):
                posts.owned_by("a").cursor_page(size=1, cursor=changed)
        with pytest.raises(InvalidCursorError):
            TaskRepository(session).owned_by("a").cursor_page(size=1, cursor=cursor)
    assert seen.round_trips == 0


def forged(side: object, *values: object, order: tuple[str, ...] = ("id asc",)) -> str:
    """A cursor with a right digest, as somebody can make one who knows how."""
    texts = CursorText("Post", "\n".join(map(repr, ["post", *order, repr("a")])), len(order))
    if isinstance(side, str) and side in get_args(Side):
        return texts.encode(Position(cast("Side", side), cast("tuple[str | None, ...]", values)))
    return urlsafe_b64encode(json.dumps(["0" * 16, side, *values]).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        forged([], "1"),
        forged({}, "1"),
        forged(["after"], "1"),
        forged("beside", "1"),
        forged("after"),
        forged("after", "1", "2"),
        forged("after", None),
        forged("after", 1),
    ],
)
def test_a_forged_cursor_is_refused_before_sql(
    clean: Engine, posts: PostRepository, proxy: WireProxy, cursor: str
) -> None:
    fill(clean, [{"rank": 1, "at": START}])
    with proxy.watch() as seen, pytest.raises(InvalidCursorError):
        posts.cursor_page(cursor=cursor)
    assert seen.round_trips == 0


@pytest.mark.parametrize("value", ["x", "", "9" * 30])
def test_a_value_that_the_server_refuses_is_an_invalid_cursor(clean: Engine, posts: PostRepository, value: str) -> None:
    fill(clean, [{"rank": 1, "at": START}])
    assert len((posts.cursor_page(cursor=forged("after", "0"))).items) == 1
    with pytest.raises(InvalidCursorError) as error:
        posts.cursor_page(cursor=forged("after", value))
    assert error.value.__cause__ is None


def test_an_error_of_a_condition_is_no_invalid_cursor(clean: Engine, posts: PostRepository) -> None:
    fill(clean, [{"rank": 0, "at": START}] * 2)
    cursor = (posts.cursor_page(size=1)).next
    with pytest.raises(InvalidDataError):
        posts.cursor_page(1 / col(Post.rank) > 0, cursor=cursor)


def test_a_cursor_says_nothing_of_the_owner(clean: Engine, posts: PostRepository) -> None:
    fill(clean, [{"rank": 1, "at": START}] * 2)
    theirs = posts.cursor_page(size=1)
    assert theirs.next is not None
    assert theirs.next.isascii()
    assert not set(theirs.next) & set("+/=&?#% ")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"size": 0}, "page size is 0, expected a whole number from 1 to 1000"),
    ({"size": 1001}, "page size is 1001, at most 1000: use stream() for more"),
    ({"size": True}, "page size is True, expected a whole number from 1 to 1000"),
    ({"size": "5"}, "page size is a str, expected a whole number from 1 to 1000"),
    ({"cursor": 3}, "the cursor is an int, expected next or previous of a page, or LAST_PAGE"),
    ({"cursor": b"x"}, "the cursor is a bytes, expected next or previous of a page, or LAST_PAGE"),
    (
        {"order_by": func.random()},
        "an order of Post has random(), whose value a cursor cannot rely on: sort by columns, and by expressions of "
        "them with operators and abs, ceil, char_length, coalesce, floor, greatest, least, length, lower, mod, nullif, "
        "round, trunc, upper",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=str)
def test_a_page_by_cursor_refuses_what_it_cannot_do(
    posts: PostRepository, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as error:
        posts.cursor_page(**options)
    assert str(error.value) == message


def test_a_stream_refuses_a_wrong_batch_and_an_order_that_changes(posts: PostRepository) -> None:
    for options, message in (
        ({"batch": 0}, "batch is 0, expected a whole number from 1 to 100000"),
        ({"batch": 100_001}, "batch is 100001, at most 100000: a batch is held in memory"),
    ):
        with pytest.raises(UsageError) as error:
            with posts.stream(batch=options["batch"]):
                raise AssertionError
        assert str(error.value) == message
    with pytest.raises(UsageError, match=r"an order of Post has now\(\)"):
        with posts.stream(order_by=col(Post.at) - func.now()):
            raise AssertionError


def test_without_a_scope_nothing_is_read_in_pieces(session: Session) -> None:
    with pytest.raises(OwnerRequiredError):
        PostRepository(session).cursor_page()
    with pytest.raises(OwnerRequiredError):
        with PostRepository(session).stream():
            raise AssertionError


def test_a_cursor_page_is_one_round_trip_and_a_stream_one_for_each_batch(
    clean: Engine, posts: PostRepository, proxy: WireProxy
) -> None:
    fill(clean, [{"rank": n % 2 or None, "at": START} for n in range(6)])
    order = [col(Post.rank), col(Post.at).desc()]
    cursor: Any
    for cursor in (None, LAST_PAGE):
        with proxy.watch() as seen:
            page = posts.cursor_page(order_by=order, size=2, cursor=cursor)
        assert (seen.round_trips, len(seen.statements)) == (1, 1)
        with proxy.watch() as seen:
            posts.cursor_page(order_by=order, size=2, cursor=page.next or page.previous)
        assert (seen.round_trips, len(seen.statements)) == (1, 1)
    with proxy.watch() as seen:
        with posts.stream(order_by=order, batch=3) as rows:
            assert [row.rank for row in rows] == [1, 1, 1, None, None, None]
    assert (seen.round_trips, len(seen.statements)) == (2, 2)


def test_a_stream_lets_other_calls_run_and_holds_no_connection(
    clean: Engine, database: Database, posts: PostRepository
) -> None:
    fill(clean, [{"rank": n, "at": START} for n in range(5)])
    with posts.stream(order_by=col(Post.rank), batch=2) as rows:
        for row in rows:
            posts.update(row.id, PostUpdate(label="seen"))
            assert "Current Checked out connections: 0" in database.engine.pool.status()
            if row.rank == 3:
                break
    assert [row.label for row in posts.list(order_by=col(Post.rank))] == ["seen"] * 4 + [None]


def test_a_stream_in_a_transaction_reads_what_it_wrote(clean: Engine, database: Database) -> None:
    fill(clean, [{"rank": n, "at": START} for n in range(3)])
    with database.transaction() as session:
        posts = PostRepository(session).owned_by("a")
        (one,) = posts.list(col(Post.rank) == 1)
        posts.delete(one.id)
        with posts.stream(order_by=col(Post.rank), batch=1) as rows:
            assert [row.rank for row in rows] == [0, 2]


def test_a_row_that_moves_is_the_only_one_missed(clean: Engine, posts: PostRepository) -> None:
    fill(clean, [{"rank": n, "at": START} for n in range(4)])
    first = posts.cursor_page(order_by=col(Post.rank), size=2)
    with clean.begin() as connection:
        connection.execute(update(Post).where(col(Post.rank) == 3).values(rank=-1))
    rest = posts.cursor_page(order_by=col(Post.rank), size=2, cursor=first.next)
    assert [row.rank for row in (*first, *rest)] == [0, 1, 2]
