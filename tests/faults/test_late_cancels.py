"""A CancelRequest that is late reaches nobody: neither the next statement of its pool nor another client's.

It names a session, and the connection of a call that was cancelled is closed with its session: the one that replaces
it has another key.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, column, func, select, table, text

from backend import AsyncDatabase, Database
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, TaskRepository
from tests.conftest import Server
from tests.faults._sync.fault_matrix import is_call, url_of
from tests.support.cli import interruptible
from tests.support.pgbouncer import PgBouncer
from tests.support.wire import WireProxy
from tests.support.wire.faults import ArmedFault, Fault, Stall

_LOCKS = table("pg_locks", column("granted"))


@pytest.fixture(params=["direct", "pooled"])
def proxy(request: pytest.FixtureRequest, server: Server) -> Iterator[WireProxy]:
    """In front of the server, or of a PgBouncer with two server connections."""
    upstream = server.upstream
    if request.param == "pooled":
        pooler = request.getfixturevalue("pooler")
        assert isinstance(pooler, PgBouncer)
        upstream = pooler.folder
    with WireProxy(upstream) as running:
        yield running


@pytest.fixture
def settings(proxy: WireProxy) -> Settings:
    """For a pool of one connection: its next call has the connection of the one that was cancelled, if that is kept."""
    return Settings.from_url(url_of(proxy)).model_copy(update={"pool_size": 1, "pool_max_overflow": 0})


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def are_waiting(clean: Engine, number: int) -> bool:
    """Whether so many statements of clients wait for a lock."""
    with clean.connect() as connection:
        waiting = select(func.count()).select_from(_LOCKS).where(_LOCKS.c.granted.is_(False))
        return connection.scalar(waiting) == number


def let_through_late(proxy: WireProxy, clean: Engine) -> None:
    """Passes the CancelRequest on while the next statements of both clients run, and returns when it was handled."""
    wait_until(lambda: are_waiting(clean, 2))
    proxy.release()
    wait_until(lambda: proxy.open_of("") == 0)


def interrupt(thread: int, answer: ArmedFault, late: ArmedFault) -> None:
    """Interrupts the thread at its held answer, and gives that when the CancelRequest is held."""
    answer.wait()
    signal.pthread_kill(thread, signal.SIGINT)
    with answer:  # which is disarmed at its end
        late.wait()


def count(database: Database) -> int:
    with database.session() as session:
        return TaskRepository(session).every_owner().count()


async def async_count(database: AsyncDatabase) -> int:
    async with database.session() as session:
        return await AsyncTaskRepository(session).every_owner().count()


def test_a_late_cancel_of_an_interrupted_call_reaches_nobody(
    proxy: WireProxy, settings: Settings, clean: Engine
) -> None:
    with Database(settings) as database, Database(settings) as other, ThreadPoolExecutor() as executor:
        assert count(database) + count(other) == 0
        with (
            proxy.fault(Fault("cancel", Stall())) as late,
            proxy.fault(Fault("after_statement", Stall(), is_call)) as answer,
        ):
            interrupting = executor.submit(interrupt, threading.get_ident(), answer, late)
            with interruptible(), pytest.raises(KeyboardInterrupt):
                count(database)
            interrupting.result()
            with clean.begin() as locking:
                locking.execute(text("LOCK TABLE task"))
                counted = [executor.submit(count, one) for one in (database, other)]
                let_through_late(proxy, clean)
        assert [one.result() for one in counted] == [0, 0]


async def test_a_late_cancel_of_a_cancelled_call_reaches_nobody(
    proxy: WireProxy, settings: Settings, clean: Engine
) -> None:
    async with AsyncDatabase(settings) as database, AsyncDatabase(settings) as other:
        assert await async_count(database) + await async_count(other) == 0
        with proxy.fault(Fault("cancel", Stall())) as late:
            with proxy.fault(Fault("after_statement", Stall(), is_call)) as answer:
                task = asyncio.create_task(async_count(database))
                await asyncio.to_thread(answer.wait)
                task.cancel()
                await asyncio.to_thread(late.wait)
            await asyncio.wait([task])
            assert task.cancelled()
            with clean.begin() as locking:
                locking.execute(text("LOCK TABLE task"))
                counted = [asyncio.create_task(async_count(one)) for one in (database, other)]
                await asyncio.to_thread(let_through_late, proxy, clean)
        assert await asyncio.gather(*counted) == [0, 0]
