"""The rows of the table of returned connections for a cancelled task and an interrupted thread, in each use.

Such a connection is closed, so that nothing of it meets the next use: that has another session, which is as new.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase, Database
from tests.faults._async import test_returned_connections as asynchronous
from tests.faults._sync import test_returned_connections as synchronous
from tests.faults._sync.fault_matrix import is_call, url_of
from tests.faults.test_cancellation import poll
from tests.faults.test_interrupts import interrupting
from tests.support.returned import NEW, SESSION, ReturnWatch
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Stall

pytestmark = pytest.mark.direct("it compares what is left in one session on the server")


@pytest.mark.parametrize("use", asynchronous.USES, ids=lambda use: use.__name__)
async def test_the_connection_of_a_cancelled_task_is_closed_and_the_next_as_new(
    proxy: WireProxy, clean: Engine, use: Callable[[AsyncDatabase, asynchronous.Act], Awaitable[None]]
) -> None:
    async with AsyncDatabase(url_of(proxy)) as database:
        async with database.engine.connect() as connection:
            *_, before = (await connection.execute(SESSION)).one()
        watch = ReturnWatch(database.engine)
        with proxy.watch() as seen, proxy.fault(Fault("after_statement", Stall(), is_call)) as armed:
            task = asyncio.create_task(_used(use, database))
            await poll(lambda: armed.fired == 1)
            task.cancel()
            await poll(lambda: seen.cancels == 1)
            proxy.release()
            await asyncio.wait([task])
        assert task.cancelled()
        assert watch.take()[-1] is None
        async with database.engine.connect() as connection:
            *session, after = (await connection.execute(SESSION)).one()
        assert (tuple(session), after != before) == (NEW, True)


async def _used(use: Callable[[AsyncDatabase, asynchronous.Act], Awaitable[None]], database: AsyncDatabase) -> None:
    await use(database, asynchronous.act)


@pytest.mark.parametrize("use", synchronous.USES, ids=lambda use: use.__name__)
def test_the_connection_of_an_interrupted_thread_is_closed_and_the_next_as_new(
    proxy: WireProxy, clean: Engine, use: Callable[[Database, synchronous.Act], None]
) -> None:
    with Database(url_of(proxy)) as database:
        with database.engine.connect() as connection:
            *_, before = connection.execute(SESSION).one()
        watch = ReturnWatch(database.engine)
        with proxy.fault(Fault("after_statement", Stall(), is_call)) as armed, interrupting(proxy, armed):
            use(database, synchronous.act)
        assert watch.take()[-1] is None
        with database.engine.connect() as connection:
            *session, after = connection.execute(SESSION).one()
        assert (tuple(session), after != before) == (NEW, True)
