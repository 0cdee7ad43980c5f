"""An `AsyncDatabase` belongs to one event loop at a time, a `Database` to every thread."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import Engine, NullPool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Database, init_db
from backend.errors import UsageError
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository
from tests.conftest import Server
from tests.support.concurrency import Callers


async def count(session: AsyncSession) -> int:
    return await AsyncTaskRepository(session).every_owner().count()


async def call(database: AsyncDatabase) -> object:
    async with database.session() as session:
        return await count(session)


async def transaction(database: AsyncDatabase) -> object:
    async with database.transaction() as session:
        return await count(session)


async def begun(database: AsyncDatabase) -> object:
    async with database.session() as session, session.begin():
        return await count(session)


async def run(database: AsyncDatabase) -> object:
    return await database.run(count)


async def ping(database: AsyncDatabase) -> object:
    await database.ping()
    return 0


async def create_tables(database: AsyncDatabase) -> object:
    await init_db(database)
    return 0


Use = Callable[[AsyncDatabase], Coroutine[object, object, object]]
each_use = pytest.mark.parametrize("use", [call, transaction, begun, run, ping, create_tables])
SECOND_LOOP = "second event loop.*await close\\(\\)"


def small(url: str) -> AsyncDatabase:
    """A database whose second concurrent call waits for the first."""
    options = {"pool_size": 1, "pool_max_overflow": 0, "pool_timeout_s": 60}
    return AsyncDatabase(Settings.from_url(url).model_copy(update=options))


def in_thread(work: Callable[[], Awaitable[object]]) -> object:
    """What it returns in an event loop of a thread of its own."""

    async def main() -> object:
        return await work()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, main()).result()


@each_use
async def test_a_second_event_loop_is_refused(clean: Engine, server: Server, use: Use) -> None:
    async with small(server.url) as database:
        await use(database)
        with pytest.raises(UsageError, match=SECOND_LOOP):
            in_thread(lambda: use(database))
        await use(database)


async def test_a_second_event_loop_is_refused_on_an_engine_of_the_callers(clean: Engine, server: Server) -> None:
    engine = create_async_engine(server.url)
    await call(AsyncDatabase(engine))
    with pytest.raises(UsageError, match=SECOND_LOOP):
        in_thread(lambda: call(AsyncDatabase(engine)))
    await engine.dispose()


def test_the_loop_after_one_that_ended_is_refused_until_the_database_is_closed(clean: Engine, server: Server) -> None:
    database = small(server.url)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, call(database)).result()
    gc.collect()
    with pytest.raises(UsageError, match=SECOND_LOOP):
        in_thread(lambda: call(database))
    in_thread(database.close)

    async def at_once() -> object:
        async with database:
            return await asyncio.gather(call(database), transaction(database), run(database))

    assert in_thread(at_once) == [0, 0, 0]


def test_without_a_pool_any_event_loop_will_do(clean: Engine, server: Server) -> None:
    database = AsyncDatabase(create_async_engine(server.url, poolclass=NullPool))
    assert [in_thread(lambda: call(database)) for _ in range(2)] == [0, 0]


def test_one_database_serves_many_threads(clean: Engine, server: Server) -> None:
    options = {"pool_size": 2, "pool_max_overflow": 1, "pool_timeout_s": 60}
    callers = Callers()
    with Database(Settings.from_url(server.url).model_copy(update=options)) as database:

        def work(number: int) -> int:
            callers.wait_for_all()
            for turn in range(10):
                with database.session() as session:
                    TaskRepository(session).owned_by(f"{number}").create(TaskCreate(title="alone"))
                with suppress(KeyError), database.transaction() as session:
                    TaskRepository(session).owned_by(f"{number}").create(TaskCreate(title="in a transaction"))
                    if turn % 2:
                        raise KeyError
                database.run(lambda session: TaskRepository(session).owned_by(f"{number}").count())
            with database.session() as session:
                return TaskRepository(session).owned_by(f"{number}").count()

        assert callers.run(work) == [15] * Callers.SIZE
