"""What the proxy does to all connections at once, how many it serves, and that it leaves nothing behind."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from psycopg import Connection

from tests.conftest import Server
from tests.support.wire import WireProxy
from tests.support.wire.clients import (
    connect,
    conninfo,
    raw_client,
    until_end,
    until_ready,
)
from tests.support.wire.faults import Fault, Stall


def test_killed_idle_client_reads_57p01(proxy: WireProxy) -> None:
    with raw_client(proxy) as connected:
        until_ready(connected)
        assert proxy.kill_all() == 1
        told = until_end(connected)
    assert told.startswith(b"E")
    assert b"\0C57P01\0" in told


def test_killed_client_fails_at_its_next_statement(proxy: WireProxy, client: Connection) -> None:
    proxy.kill_all()
    with pytest.raises(psycopg.OperationalError):
        client.execute("SELECT 1")


def test_client_in_a_transaction_is_not_killed(proxy: WireProxy, client: Connection) -> None:
    with client.transaction():
        client.execute("SELECT 1")
        assert proxy.kill_all() == 0


def test_cut_all_ends_clients_in_transactions_too(proxy: WireProxy, client: Connection) -> None:
    client.execute("BEGIN")
    assert proxy.cut_all() == 1
    with pytest.raises(psycopg.OperationalError):
        client.execute("SELECT 1")
    assert proxy.open == 0


async def test_async_statement_is_one_round_trip(proxy: WireProxy) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo(proxy.url), autocommit=True) as client:
        with proxy.watch() as seen:
            await client.execute("SELECT %s::int", (1,))
            assert seen.round_trips == 1


async def test_stalled_async_client_may_be_cancelled(proxy: WireProxy) -> None:
    client = await psycopg.AsyncConnection.connect(conninfo(proxy.url), autocommit=True)
    with proxy.fault(Fault("before_statement", Stall())) as armed:
        running = asyncio.create_task(client.execute("SELECT 1"))
        await asyncio.to_thread(armed.wait)
        assert proxy.cut_all() == 1
        with pytest.raises(psycopg.OperationalError):
            await running
    await client.close()


async def test_fifty_connections_run_at_once(proxy: WireProxy) -> None:
    async def run(number: int) -> list[object]:
        async with await psycopg.AsyncConnection.connect(conninfo(proxy.url), autocommit=True) as client:
            return [await (await client.execute("SELECT %s::int", (number,))).fetchone() for _ in range(3)]

    with proxy.watch() as seen:
        results = await asyncio.gather(*map(run, range(50)))
    assert results == [[(number,)] * 3 for number in range(50)]
    assert (seen.connects, seen.round_trips, proxy.open) == (50, 150, 0)


def test_many_threads_are_served_at_once(proxy: WireProxy) -> None:
    def run(number: int) -> None:
        with connect(proxy.url) as client:
            for _ in range(5):
                assert client.execute("SELECT %s::int", (number,)).fetchone() == (number,)

    with proxy.watch() as seen, ThreadPoolExecutor(20) as executor:
        list(executor.map(run, range(20)))
    assert (seen.connects, seen.round_trips, len(seen.statements)) == (20, 100, 100)


def test_stopped_proxy_leaves_nothing_behind(server: Server) -> None:
    descriptors, threads = set(os.listdir("/proc/self/fd")), set(threading.enumerate())
    with WireProxy(server.upstream) as proxy:
        psycopg.connect(conninfo(proxy.url)).close()
    assert not proxy.folder.exists()
    assert set(threading.enumerate()) <= threads
    assert set(os.listdir("/proc/self/fd")) <= descriptors


def test_stopping_cuts_clients_that_are_connected_or_stalled(server: Server, run_blocking: ThreadPoolExecutor) -> None:
    with WireProxy(server.upstream) as proxy:
        connected = connect(proxy.url)
        armed = proxy.fault(Fault("connect", Stall()))
        stalled = run_blocking.submit(connect, proxy.url)
        armed.wait()
    with closing(connected), pytest.raises(psycopg.OperationalError):
        connected.execute("SELECT 1")
    assert isinstance(stalled.exception(timeout=30), psycopg.OperationalError)
