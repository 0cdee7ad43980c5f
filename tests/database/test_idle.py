"""What a database does between two calls: nothing, and without a pool it holds no connection either."""

import asyncio
import threading

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase, Database
from backend.errors import ConnectError
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository
from tests.support.concurrency import AsyncCallers, Callers
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Refuse

NEW = TaskCreate(title="x")


def without_pool(proxy: WireProxy) -> Settings:
    return Settings.from_url(proxy.url).model_copy(update={"pool_size": 0, "connect_retry_s": 0})


def test_a_database_connects_at_its_first_call_and_sends_nothing_between_calls(
    clean: Engine, direct: Database, proxy: WireProxy
) -> None:
    before = threading.enumerate()
    with proxy.watch() as seen, Database(proxy.url) as database:
        assert seen.connects == 0
        callers = Callers(5)

        def call(_: int) -> None:
            with database.transaction() as session:
                TaskRepository(session).owned_by("a").create(NEW)
                callers.wait_for_all()

        callers.run(call)
        assert proxy.status == ("I",) * 5
        assert threading.enumerate() == before  # nobody is there who could send
        with proxy.watch() as idle:
            for _ in range(100):
                direct.ping()
        assert (idle.connects, idle.round_trips, idle.statements) == (0, 0, [])
    assert proxy.open == 0


async def test_an_async_database_connects_at_its_first_call_and_sends_nothing_between_calls(
    clean: Engine, direct: Database, proxy: WireProxy
) -> None:
    with proxy.watch() as seen:
        async with AsyncDatabase(proxy.url) as database:
            assert seen.connects == 0
            callers = AsyncCallers(5)

            async def call(_: int) -> None:
                async with database.transaction() as session:
                    await AsyncTaskRepository(session).owned_by("a").create(NEW)
                    await callers.wait_for_all()

            await callers.run(call)
            assert proxy.status == ("I",) * 5
            assert asyncio.all_tasks() == {asyncio.current_task()}
            with proxy.watch() as idle:
                for _ in range(100):
                    await asyncio.to_thread(direct.ping)
            assert (idle.connects, idle.round_trips, idle.statements) == (0, 0, [])
    assert proxy.open == 0


def test_without_a_pool_each_call_and_each_transaction_has_a_connection_of_its_own(
    clean: Engine, proxy: WireProxy
) -> None:
    with Database(without_pool(proxy)) as database, database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.create(NEW)
        with proxy.watch() as seen:
            tasks.create(NEW)
            assert (seen.connects, seen.round_trips, proxy.open) == (1, 1, 0)
            with session.begin():
                tasks.create(NEW)
                tasks.create(NEW)
                assert proxy.status == ("T",)
            assert (seen.connects, proxy.open) == (2, 0)
            assert database.run(lambda own: TaskRepository(own).owned_by("a").count()) == 4
            with pytest.raises(RuntimeError), session.begin():
                tasks.create(NEW)
                raise RuntimeError
            assert (seen.connects, proxy.open) == (4, 0)
            with proxy.fault(Fault("connect", Refuse("28P01", "no"), times=2)), pytest.raises(ConnectError):
                tasks.count()
            assert (tasks.count(), proxy.open) == (4, 0)


async def test_without_a_pool_each_async_call_and_transaction_has_a_connection_of_its_own(
    clean: Engine, proxy: WireProxy
) -> None:
    async with AsyncDatabase(without_pool(proxy)) as database, database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        await tasks.create(NEW)
        with proxy.watch() as seen:
            await tasks.create(NEW)
            assert (seen.connects, seen.round_trips, proxy.open) == (1, 1, 0)
            async with session.begin():
                await tasks.create(NEW)
                await tasks.create(NEW)
                assert proxy.status == ("T",)
            assert (seen.connects, proxy.open) == (2, 0)
            with proxy.fault(Fault("connect", Refuse("28P01", "no"), times=2)), pytest.raises(ConnectError):
                await tasks.count()
            assert (await tasks.count(), proxy.open) == (4, 0)


def test_without_a_pool_an_async_database_serves_every_event_loop(clean: Engine, proxy: WireProxy) -> None:
    database = AsyncDatabase(without_pool(proxy))
    for _ in range(2):
        asyncio.run(database.ping())
    assert proxy.open == 0
