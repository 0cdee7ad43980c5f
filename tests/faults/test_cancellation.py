"""A task cancelled at each of its waits: the pool is whole, nothing is open on the server, the row old or new."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import Engine, delete
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, init_db
from backend.settings import Settings
from backend.tasks import Task
from tests.faults._async.fault_matrix import (
    BEFORE,
    CREATE,
    LIST,
    LOCKED,
    Matching,
    RepositoryCall,
    Stage,
    check_settled,
    each_call_alone,
    is_call,
    is_commit,
    is_rollback,
    new_row,
    url_of,
)
from tests.support.cancellation import Moment, each_cancellation
from tests.support.models.suite import Shelf
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Refuse, Stall, Step


@pytest.fixture(autouse=True, params=["idle", "busy"])
def load(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine psycopg also yields to the event loop where it has nothing to wait for: there, everywhere."""
    if request.param == "busy":
        monkeypatch.setattr("psycopg.waiting.MAX_BUSY_TIME", -1)


each_moment = pytest.mark.parametrize("moment", ["as it waits", "as it wakes", "twice"])


def one_connection(proxy: WireProxy) -> AsyncDatabase:
    """A database with a pool of one: a connection that is not given back is missed at once."""
    options = {"pool_size": 1, "pool_max_overflow": 0, "pool_timeout_s": 60}
    return AsyncDatabase(Settings.from_url(url_of(proxy)).model_copy(update=options))


@pytest.fixture
async def stage(proxy: WireProxy, clean: Engine) -> AsyncGenerator[Stage]:
    async with one_connection(proxy) as database:
        await database.ping()
        yield Stage(database, proxy, clean, new_row(clean))


async def alone(stage: Stage, call: RepositoryCall) -> None:
    async with stage.database.session() as session:
        await call.make(stage.tasks(session), stage.row)


async def in_transaction(stage: Stage, call: RepositoryCall) -> None:
    async with stage.database.transaction() as session:
        await call.make(stage.tasks(session), stage.row)


async def rolled_back(stage: Stage, call: RepositoryCall) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stage.database.transaction() as session:
            await call.make(stage.tasks(session), stage.row)
            raise ZeroDivisionError


async def in_savepoint(stage: Stage, call: RepositoryCall) -> None:
    async with stage.database.transaction() as session, session.begin_nested():
        await call.make(stage.tasks(session), stage.row)


async def in_run(stage: Stage, call: RepositoryCall) -> None:
    async def work(session: AsyncSession) -> None:
        await call.make(stage.tasks(session), stage.row)

    await stage.database.run(work, isolation="SERIALIZABLE")


Way = Callable[[Stage, RepositoryCall], Coroutine[Any, Any, None]]


async def check_each_cancellation(stage: Stage, way: Way, call: RepositoryCall, moment: Moment) -> int:
    """Cancels at each wait and looks at the world; how many there were."""

    async def work() -> None:
        await way(stage, call)

    cancelled = 0
    async for _ in each_cancellation(work, moment):
        cancelled += 1
        await check_world(stage, call)
    return cancelled


async def check_world(stage: Stage, call: RepositoryCall) -> None:
    """The rows are old or new, all else as before; leaves them old for the next time."""
    await stage.check_whole()
    rows = stage.rows()
    assert rows in (BEFORE, call.after)
    if rows != BEFORE:
        with stage.beside.begin() as connection:
            connection.execute(delete(Task))
            connection.execute(delete(Shelf))
        stage.row = new_row(stage.beside)


@each_moment
@each_call_alone
async def test_a_call_of_its_own_can_be_cancelled_at_each_wait(
    stage: Stage, call: RepositoryCall, moment: Moment
) -> None:
    assert await check_each_cancellation(stage, alone, call, moment)


@each_moment
@pytest.mark.parametrize("way", [in_transaction, rolled_back, in_savepoint, in_run], ids=lambda way: way.__name__)
@pytest.mark.parametrize("call", [CREATE, LOCKED, LIST], ids=lambda call: call.name)
async def test_a_transaction_can_be_cancelled_at_each_wait(
    stage: Stage, call: RepositoryCall, way: Way, moment: Moment
) -> None:
    assert await check_each_cancellation(stage, way, call, moment) > 2


@each_moment
async def test_a_call_on_an_engine_of_the_callers_can_be_cancelled_at_each_wait(
    proxy: WireProxy, clean: Engine, moment: Moment
) -> None:
    engine = create_async_engine(url_of(proxy), pool_size=1, max_overflow=0, use_native_hstore=False)
    database = AsyncDatabase(engine)
    await database.ping()
    assert await check_each_cancellation(Stage(database, proxy, clean, new_row(clean)), alone, CREATE, moment)
    await engine.dispose()


@each_moment
async def test_ping_and_init_db_can_be_cancelled_at_each_wait(stage: Stage, moment: Moment) -> None:
    async def ping(stage: Stage, _: RepositoryCall) -> None:
        await stage.database.ping()

    async def create_tables(stage: Stage, _: RepositoryCall) -> None:
        await init_db(stage.database)

    assert await check_each_cancellation(stage, ping, CREATE, moment)
    assert await check_each_cancellation(stage, create_tables, CREATE, moment)


@each_moment
@pytest.mark.parametrize("way", [alone, in_transaction, in_run], ids=lambda way: way.__name__)
async def test_a_connect_can_be_cancelled_at_each_wait(
    proxy: WireProxy, clean: Engine, way: Way, moment: Moment
) -> None:
    databases: list[AsyncDatabase] = []
    row = new_row(clean)

    async def work() -> None:
        databases.append(one_connection(proxy))
        await way(Stage(databases[-1], proxy, clean, row), CREATE)

    try:
        async for _ in each_cancellation(work, moment):
            await check_world(Stage(databases[-1], proxy, clean, row), CREATE)
            await databases[-1].close()
    finally:
        await databases[-1].close()


@each_moment
async def test_a_connect_to_a_waking_database_can_be_cancelled_at_each_wait(
    proxy: WireProxy, clean: Engine, moment: Moment
) -> None:
    databases: list[AsyncDatabase] = []
    row = new_row(clean)

    async def work() -> None:
        databases.append(one_connection(proxy))
        with proxy.fault(Fault("connect", Refuse("57P03", "starting"), times=2)):
            await databases[-1].ping()

    try:
        async for _ in each_cancellation(work, moment):
            await check_world(Stage(databases[-1], proxy, clean, row), CREATE)
            await databases[-1].close()
    finally:
        await databases[-1].close()


async def test_the_probe_of_a_refused_connect_can_be_cancelled(proxy: WireProxy, clean: Engine) -> None:
    async with one_connection(proxy) as database:
        with (
            proxy.fault(Fault("connect", Refuse("57P03", "starting"))),
            proxy.fault(Fault("connect", Stall())) as armed,
        ):
            task = asyncio.create_task(database.ping())
            await poll(lambda: armed.fired == 1)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            await check_settled(database.engine, proxy, clean)


async def test_waiting_for_the_pool_can_be_cancelled(stage: Stage) -> None:
    async with stage.database.transaction() as session:
        await LIST.make(stage.tasks(session), stage.row)
        task = asyncio.create_task(alone(stage, CREATE))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    await check_world(stage, CREATE)


@pytest.mark.parametrize("way", [alone, in_transaction, in_run], ids=lambda way: way.__name__)
async def test_a_timeout_ends_a_stalled_call(stage: Stage, way: Way) -> None:
    with stage.proxy.watch() as seen, stage.proxy.fault(Fault("before_statement", Stall(), is_call)) as armed:
        limit = asyncio.timeout(None)
        task = asyncio.create_task(until_timeout(stage, way, limit))
        await poll(lambda: armed.fired == 1)
        limit.reschedule(0)  # a time long past
        await poll(lambda: seen.cancels == 1)
        stage.proxy.release()
        await task
    assert armed.fired == 1
    await check_world(stage, CREATE)


async def test_a_cancelled_call_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG, "backend.calls"),
        stage.proxy.watch() as seen,
        stage.proxy.fault(Fault("before_statement", Stall(), is_call)) as armed,
    ):
        task = asyncio.create_task(alone(stage, CREATE))
        await poll(lambda: armed.fired == 1)
        task.cancel()
        await poll(lambda: seen.cancels == 1)
        stage.proxy.release()
        await asyncio.wait([task])
    logged = [vars(record) for record in caplog.records if record.name == "backend.calls"]
    assert [(one["operation"], one["error"], one["outcome"]) for one in logged] == [("create", "CancelledError", None)]


async def until_timeout(stage: Stage, way: Way, limit: asyncio.Timeout) -> None:
    with pytest.raises(TimeoutError):
        async with limit:
            await way(stage, CREATE)


async def poll(condition: Callable[[], bool]) -> None:
    """Returns when it holds. Raises TimeoutError after 60 s."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the proxy's thread sets no event of asyncio's
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("step", ["before_statement", "after_statement"])
@pytest.mark.parametrize(
    ("way", "matching"),
    [(in_transaction, is_commit), (in_run, is_commit), (rolled_back, is_rollback)],
    ids=["COMMIT", "COMMIT of a run", "ROLLBACK"],
)
async def test_a_stalled_end_of_a_transaction_can_be_cancelled(
    stage: Stage, way: Way, matching: Matching, step: Step
) -> None:
    with stage.proxy.watch() as seen, stage.proxy.fault(Fault(step, Stall(), matching)) as armed:
        task = asyncio.create_task(way(stage, CREATE))
        await poll(lambda: armed.fired == 1)
        task.cancel()
        await poll(lambda: seen.cancels == 1)
        stage.proxy.release()
        await asyncio.wait([task])
        assert task.cancelled()
    await check_world(stage, CREATE)
