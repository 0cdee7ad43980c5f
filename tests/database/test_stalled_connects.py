"""A connect to a server that stops answering ends within its time, can be interrupted, and leaves no socket open."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.pool import QueuePool

from backend import AsyncDatabase, Database
from backend.errors import ConnectError
from backend.settings import Settings
from tests.support.cli import interruptible
from tests.support.clusters import wait_until
from tests.support.concurrency import is_within
from tests.support.stalls import STOPS, StallingServer, Stop

each_stop = pytest.mark.parametrize("stop", STOPS)


def settings(server: StallingServer, timeout_s: int) -> Settings:
    own = {"connect_timeout_s": timeout_s, "connect_retry_s": 0}
    return Settings.from_url(server.url).model_copy(update=own)


def in_use(database: Database | AsyncDatabase) -> int:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def ends_in_time(stop: Stop) -> str:
    with StallingServer(stop) as server, Database(settings(server, 2)) as database:
        with pytest.raises(ConnectError) as raised:
            database.ping()
        assert (server.reached.wait(60), server.left.wait(60), in_use(database)) == (True, True, 0)
        return str(raised.value)


def test_a_connect_ends_within_its_time() -> None:
    with ThreadPoolExecutor(len(STOPS)) as executor:
        texts = dict(zip(STOPS, executor.map(ends_in_time, STOPS), strict=True))
    assert [stop for stop, text in texts.items() if "no answer" not in text] == []


async def async_ends_in_time(stop: Stop) -> str:
    with StallingServer(stop) as server:
        async with AsyncDatabase(settings(server, 2)) as database:
            with pytest.raises(ConnectError) as raised:
                await database.ping()
            assert await asyncio.to_thread(server.left.wait, 60)
            assert in_use(database) == 0
            return str(raised.value)


async def test_an_asynchronous_connect_ends_within_its_time() -> None:
    texts = dict(zip(STOPS, await asyncio.gather(*map(async_ends_in_time, STOPS)), strict=True))
    assert [stop for stop, text in texts.items() if "no answer" not in text] == []


@each_stop
def test_a_connect_can_be_interrupted(stop: Stop) -> None:
    waiting = threading.get_ident()
    with StallingServer(stop) as server, Database(settings(server, 600)) as database:

        def interrupt() -> None:
            assert server.reached.wait(60)
            wait_until(lambda: is_within(waiting, "select"))
            signal.pthread_kill(waiting, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        with interruptible(), pytest.raises(KeyboardInterrupt):
            thread.start()
            database.ping()
        thread.join()
        assert (server.left.wait(60), in_use(database)) == (True, 0)


@each_stop
async def test_an_asynchronous_connect_can_be_cancelled(stop: Stop) -> None:
    with StallingServer(stop) as server:
        async with AsyncDatabase(settings(server, 600)) as database:
            task = asyncio.create_task(database.ping())
            assert await asyncio.to_thread(server.reached.wait, 60)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert await asyncio.to_thread(server.left.wait, 60)
            assert in_use(database) == 0
