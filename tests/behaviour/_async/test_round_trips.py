"""How often each call crosses the network, counted on the wire."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from backend import AsyncDatabase
from backend.errors import NotFoundError
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskUpdate
from tests.behaviour._async.cases import Anything, Case
from tests.support.wire import WireProxy

pytestmark = pytest.mark.pooler

Calls = dict[str, Callable[[], Awaitable[object]]]


def calls_of(repository: Anything, case: Case, new: Callable[[str], Any], ids: list[Any]) -> Calls:
    """Every call once; `ids` are two rows, of which the last is deleted."""
    is_one = case.has_text("one")
    return {
        "create": lambda: repository.create(new("three")),
        "get": lambda: repository.get(ids[0]),
        "get_one": lambda: repository.get_one(ids[0]),
        "update": lambda: repository.update(ids[0], case.change("one")),
        "update of nothing": lambda: repository.update(ids[0], case.nothing),
        "list": repository.list,
        "list with conditions": lambda: repository.list(is_one, limit=2),
        "first": repository.first,
        "one": lambda: repository.one(is_one),
        "one_or_none": lambda: repository.one_or_none(is_one),
        "count": repository.count,
        "exists": lambda: repository.exists(is_one),
        "delete": lambda: repository.delete(ids[1]),
    }


async def _prepared(session: AsyncSession, case: Case) -> Calls:
    repository = case.of(session, "a")
    new = await case.new(session, "a")
    ids = [(await repository.create(new(text))).id for text in ("one", "two")]
    return calls_of(repository, case, new, ids)


@pytest.mark.parametrize("kind", ["database", "plain", "sqlmodel"])
async def test_every_call_is_one_round_trip(database: AsyncDatabase, proxy: WireProxy, case: Case, kind: str) -> None:
    made: dict[str, Callable[[], AsyncSession]] = {
        "database": database.session,
        "plain": lambda: AsyncSession(database.engine),
        "sqlmodel": lambda: SQLModelAsyncSession(database.engine),
    }
    async with made[kind]() as session:
        counted: dict[str, tuple[int, int, int]] = {}
        for name, call in (await _prepared(session, case)).items():
            with proxy.watch() as seen:
                await call()
            counted[name] = (seen.round_trips, seen.connects, len(seen.statements))
        assert counted == dict.fromkeys(counted, (1, 0, 1))


async def test_a_transaction_of_n_calls_is_n_plus_two(database: AsyncDatabase, proxy: WireProxy, case: Case) -> None:
    async with database.session() as session:
        repository = case.of(session, "a")
        new = await case.new(session, "a")
        ids = [(await repository.create(new(text))).id for text in ("one", "two")]
    with proxy.watch() as seen:
        async with database.transaction() as session:
            calls = calls_of(case.of(session, "a"), case, new, ids)
            for call in calls.values():
                await call()
    assert seen.round_trips == len(calls) + 2
    assert seen.statements[0].sql.startswith("BEGIN")
    assert seen.statements[-1].sql == "COMMIT"


async def test_a_toggle_is_one_round_trip(database: AsyncDatabase, proxy: WireProxy) -> None:
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        task = await tasks.create(TaskCreate(title="one"))
        with proxy.watch() as seen:
            toggled = await tasks.toggle_complete(task.id)
        assert toggled.completed
        assert (seen.round_trips, len(seen.statements)) == (1, 1)


async def test_a_ping_is_one_round_trip_on_an_open_connection(database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        await database.ping()
    assert (seen.round_trips, seen.connects) == (1, 0)


async def test_a_session_without_a_call_takes_no_connection(database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        async with database.session() as session:
            AsyncTaskRepository(session).owned_by("a")
    assert (seen.round_trips, seen.connects) == (0, 0)


async def test_stale_is_told_from_absent_by_one_more_statement(
    database: AsyncDatabase, proxy: WireProxy, case: Case
) -> None:
    if case.versioned is None:
        return
    async with database.session() as session:
        repository = case.of(session, "a")
        new = await case.new(session, "a")
        row = await repository.create(new("one"))
        old = getattr(row, case.versioned)
        await repository.update(row.id, case.change("two"))
        with proxy.watch() as seen, pytest.raises(Exception, match="has changed"):
            await repository.update(row.id, case.change("three"), expected=old)
        assert seen.round_trips == 2


async def test_an_absent_row_is_told_by_one_statement_and_from_a_skipped_one_by_one_more(
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
