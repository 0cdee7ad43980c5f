"""How often each call crosses the network, counted on the wire."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from backend import LAST_PAGE, AsyncDatabase
from backend.errors import NotFoundError, StaleError
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskUpdate
from tests.behaviour._async.cases import Case, Rows, each_versioned
from tests.support.wire import WireProxy

Calls = dict[str, Callable[[], Awaitable[object]]]


def calls_of(rows: Rows, case: Case, ids: list[Any]) -> Calls:
    """Every call once; `ids` are two rows, of which the last is deleted."""
    repository = rows.repository
    is_one = case.has_text("one")
    return {
        "create": lambda: rows.create("three"),
        "get": lambda: repository.get(ids[0]),
        "get_one": lambda: repository.get_one(ids[0]),
        "update": lambda: repository.update(ids[0], case.change("one")),
        "update of nothing": lambda: repository.update(ids[0], case.nothing),
        "update_many": lambda: repository.update_many(zip(ids, map(case.change, ("one", "two")), strict=True)),
        "get_many": lambda: repository.get_many(ids),
        "require_many": lambda: repository.require_many([*ids, ids[0]]),
        "page": repository.page,
        "page past the end": lambda: repository.page(is_one, page=9, size=2),
        "list": repository.list,
        "list with conditions": lambda: repository.list(is_one, limit=2),
        "cursor_page": lambda: repository.cursor_page(size=1),
        "cursor_page from the end": lambda: repository.cursor_page(is_one, cursor=LAST_PAGE),
        "first": repository.first,
        "one": lambda: repository.one(is_one),
        "one_or_none": lambda: repository.one_or_none(is_one),
        "count": repository.count,
        "exists": lambda: repository.exists(is_one),
        "update_where": lambda: repository.update_where(case.change("one"), is_one),
        "update_where_returning": lambda: repository.update_where_returning(case.change("one"), is_one),
        "delete_where": lambda: repository.delete_where(case.has_text("none")),
        "delete_where_returning": lambda: repository.delete_where_returning(case.has_text("none")),
        "delete_many": lambda: repository.delete_many(ids[1:2]),
        "delete": lambda: repository.delete(ids[0]),
    }


async def _two_ids(rows: Rows, case: Case) -> list[Any]:
    return [case.id_of(await rows.create(text)) for text in ("one", "two")]


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize("kind", ["database", "plain", "sqlmodel"])
async def test_every_call_is_one_round_trip(database: AsyncDatabase, proxy: WireProxy, case: Case, kind: str) -> None:
    made: dict[str, Callable[[], AsyncSession]] = {
        "database": database.session,
        "plain": lambda: AsyncSession(database.engine),
        "sqlmodel": lambda: SQLModelAsyncSession(database.engine),
    }
    async with made[kind]() as session:
        rows = await case.rows(session)
        counted: dict[str, tuple[int, int, int]] = {}
        for name, call in calls_of(rows, case, await _two_ids(rows, case)).items():
            with proxy.watch() as seen:
                await call()
            counted[name] = (seen.round_trips, seen.connects, len(seen.statements))
        assert counted == dict.fromkeys(counted, (1, 0, 1))


async def test_a_transaction_of_n_calls_is_n_plus_two_round_trips(
    database: AsyncDatabase, proxy: WireProxy, case: Case
) -> None:
    async with database.session() as session:
        rows = await case.rows(session)
        ids = await _two_ids(rows, case)
    with proxy.watch() as seen:
        async with database.transaction() as session:
            calls = calls_of(replace(rows, repository=case.of(session, "a")), case, ids)
            for call in calls.values():
                await call()
    assert seen.round_trips == len(calls) + 2
    assert seen.statements[0].sql.startswith("BEGIN")
    assert seen.statements[-1].sql == "COMMIT"


@pytest.mark.usefixtures("awake")
async def test_many_of_no_possible_id_sends_nothing(rows: Rows, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        assert await rows.repository.get_many([]) == {}
        assert await rows.repository.require_many(()) == []
    assert (seen.round_trips, seen.connects) == (0, 0)


async def test_a_toggle_is_one_round_trip(database: AsyncDatabase, proxy: WireProxy) -> None:
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        task = await tasks.create(TaskCreate(title="one"))
        with proxy.watch() as seen:
            toggled = await tasks.toggle_complete(task.id)
        assert toggled.completed
        assert (seen.round_trips, len(seen.statements)) == (1, 1)


@pytest.mark.usefixtures("awake")
async def test_a_ping_is_one_round_trip_on_an_open_connection(database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        await database.ping()
    assert (seen.round_trips, seen.connects) == (1, 0)


async def test_a_session_without_a_call_takes_no_connection(database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        async with database.session() as session:
            AsyncTaskRepository(session).owned_by("a")
    assert (seen.round_trips, seen.connects) == (0, 0)


@each_versioned
async def test_update_with_stale_version_is_two_round_trips(rows: Rows, proxy: WireProxy, case: Case) -> None:
    row = await rows.create()
    await rows.repository.update(case.id_of(row), case.change("two"))
    with proxy.watch() as seen, pytest.raises(StaleError, match="has changed"):
        await rows.repository.update(case.id_of(row), case.change("three"), expected=case.version_of(row))
    assert seen.round_trips == 2


async def test_a_call_on_an_absent_row_is_one_round_trip_to_read_and_two_to_write(
    database: AsyncDatabase, proxy: WireProxy
) -> None:
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        calls: list[tuple[Callable[[], Awaitable[object]], int]] = [
            (lambda: tasks.get_one(1), 1),
            (lambda: tasks.update(1, TaskUpdate()), 1),
            (lambda: tasks.update(1, TaskUpdate(title="x")), 2),
            (lambda: tasks.delete(1), 2),
            (lambda: tasks.toggle_complete(1), 2),
        ]
        for call, count in calls:
            with proxy.watch() as seen, pytest.raises(NotFoundError):
                await call()
            assert (seen.round_trips, len(seen.statements)) == (count, count)
