"""Callers that wait for a connection of the pool: in order, and with the error of their own connect."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import Engine, event

from backend import AsyncDatabase, Database
from backend.errors import CredentialsError, PoolTimeoutError, RepositoryError
from backend.settings import Settings
from tests.support.clusters import wait_until
from tests.support.concurrency import AsyncCallers, Callers, is_within
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Refuse

CALLERS = 8


def settings(proxy: WireProxy, places: int, timeout_s: float = 60) -> Settings:
    values = {"pool_size": places, "pool_max_overflow": 0, "pool_timeout_s": timeout_s, "connect_retry_s": 0}
    return Settings.from_url(proxy.url).model_copy(update=values)


def refuse(times: int) -> Fault:
    """Each failed connect is tried twice: the second time to learn its SQLSTATE."""
    return Fault("connect", Refuse("28P01", "no"), times=times)


def outcome(call: Callable[[], object]) -> type[RepositoryError] | None:
    try:
        call()
    except RepositoryError as error:
        return type(error)
    return None


async def async_outcome(database: AsyncDatabase) -> type[RepositoryError] | None:
    try:
        await database.ping()
    except RepositoryError as error:
        return type(error)
    return None


@pytest.mark.parametrize("places", [1, 2])
def test_each_waiter_gets_the_error_of_its_own_connect(proxy: WireProxy, places: int) -> None:
    with Database(settings(proxy, places)) as database, proxy.fault(refuse(1000)):
        outcomes = Callers(CALLERS).run(lambda _: outcome(database.ping))
    assert outcomes == [CredentialsError] * CALLERS


@pytest.mark.parametrize("places", [1, 2])
async def test_each_waiting_task_gets_the_error_of_its_own_connect(proxy: WireProxy, places: int) -> None:
    async with AsyncDatabase(settings(proxy, places)) as database:
        with proxy.fault(refuse(1000)):
            outcomes = await AsyncCallers(CALLERS).run(lambda _: async_outcome(database))
    assert outcomes == [CredentialsError] * CALLERS


def test_waiters_connect_once_the_server_takes_connections_again(proxy: WireProxy) -> None:
    with Database(settings(proxy, 1)) as database, proxy.fault(refuse(4)):
        outcomes = Callers(CALLERS).run(lambda _: outcome(database.ping))
    assert sorted(one is None for one in outcomes) == [False] * 2 + [True] * 6


async def test_waiting_tasks_connect_once_the_server_takes_connections_again(proxy: WireProxy) -> None:
    async with AsyncDatabase(settings(proxy, 1)) as database:
        with proxy.fault(refuse(4)):
            outcomes = await AsyncCallers(CALLERS).run(lambda _: async_outcome(database))
    assert outcomes == [CredentialsError] * 2 + [None] * 6


def test_who_came_first_is_served_first(proxy: WireProxy) -> None:
    served: list[int] = []
    with Database(settings(proxy, 1)) as database:

        def call(number: int) -> None:
            with database.engine.connect():
                served.append(number)

        threads = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
        with database.engine.connect():
            for thread in threads:
                thread.start()
                wait_until(partial(is_within, thread.ident, "take"))
        for thread in threads:
            thread.join()
    assert served == list(range(CALLERS))


async def test_the_task_that_came_first_is_served_first_and_a_cancelled_one_passes_its_turn_on(
    proxy: WireProxy,
) -> None:
    served: list[int] = []
    async with AsyncDatabase(settings(proxy, 1)) as database:

        async def call(number: int) -> None:
            async with database.engine.connect():
                served.append(number)

        async with database.engine.connect():
            tasks = [asyncio.create_task(call(number)) for number in range(CALLERS)]
            await asyncio.sleep(0)
            tasks[3].cancel()

            def cancel(*_: object) -> None:  # its turn has come, and it has not run yet
                tasks[0].cancel()

            event.listen(database.engine.sync_engine, "checkin", cancel, once=True)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert served == [1, 2, 4, 5, 6, 7]
        await database.ping()


def test_a_place_is_given_back_once_however_its_connection_leaves(proxy: WireProxy) -> None:
    with Database(settings(proxy, 1, timeout_s=0.01)) as database:
        for leave in (returned, invalidated, detached, collected, refused_by_a_listener, timed_out):
            leave(database.engine)
            with database.engine.connect():  # there is a place
                assert outcome(database.ping) is PoolTimeoutError  # and only one


def returned(engine: Engine) -> None:
    engine.connect().close()


def invalidated(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.invalidate()


def detached(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        connection.detach()
    assert driver is not None
    assert driver.closed


def collected(engine: Engine) -> None:
    engine.raw_connection()


def timed_out(engine: Engine) -> None:
    with engine.connect(), ThreadPoolExecutor(1) as other, pytest.raises(Exception, match="every place"):
        other.submit(engine.connect).result()


def refused_by_a_listener(engine: Engine) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("refused")

    event.listen(engine, "checkout", refuse)
    with pytest.raises(RuntimeError):
        engine.connect()
    event.remove(engine, "checkout", refuse)


def test_a_database_that_was_closed_has_all_its_places_again(proxy: WireProxy) -> None:
    with Database(settings(proxy, 1)) as database:
        held = database.engine.connect()
        database.close()
        database.ping()
        held.invalidate()  # else it stays open in the old pool
        database.ping()
