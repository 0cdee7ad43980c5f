"""The measuring instrument measured: what the proxy counts and shows, and that each fault does what it says."""

import asyncio
import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import Connection

from tests.support.faults import Cut, Delay, Fault, Refuse, Reset, Stall, Statement, Step
from tests.support.wire import WireProxy


class Server(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def upstream(self) -> Path | tuple[str, int]: ...


@pytest.fixture
def proxy(server: Server) -> Iterator[WireProxy]:
    with WireProxy(server.upstream) as running:
        yield running


@pytest.fixture
def direct(server: Server) -> Iterator[Connection]:
    """A connection beside the proxy, to an empty table `wire.written`."""
    with connect(server.url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS wire CASCADE")
        connection.execute("CREATE SCHEMA wire")
        connection.execute("CREATE TABLE wire.written (text text)")
        yield connection
        connection.execute("DROP SCHEMA wire CASCADE")


@pytest.fixture
def client(proxy: WireProxy) -> Iterator[Connection]:
    with closing(connect(proxy.url)) as connection:
        yield connection


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as executor:
        yield executor


def conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


def connect(url: str) -> Connection:
    return psycopg.connect(conninfo(url), autocommit=True)


def write(connection: Connection, text: str = "one") -> None:
    connection.execute("INSERT INTO wire.written VALUES (%s)", (text,))


def written(direct: Connection) -> list[str]:
    return [text for (text,) in direct.execute("SELECT text FROM wire.written ORDER BY text").fetchall()]


def startup(user: str = "postgres") -> bytes:
    body = struct.pack("!i", 196608) + f"user\0{user}\0database\0postgres\0\0".encode()
    return struct.pack("!i", 4 + len(body)) + body


def raw_client(proxy: WireProxy) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", proxy.port))
    connected.sendall(startup())
    return connected


def until_ready(client: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(READY):
        answer += client.recv(1000)
    return answer


def until_end(connected: socket.socket) -> bytes:
    return b"".join(iter(lambda: connected.recv(1000), b""))


QUERY, READY = b"Q\0\0\0\x0dSELECT 1\0", b"Z\0\0\0\5I"


# What is counted


def test_autocommit_statement_is_one_flight(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.execute("SELECT %s::int", (1,))
        assert seen.flights == 1


def test_transaction_of_one_statement_is_three_flights(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen, client.transaction():
        client.execute("SELECT %s::int", (1,))
    assert seen.flights == 3
    assert [one.sql for one in seen.statements] == ["BEGIN", "SELECT $1::int", "COMMIT"]


def test_flights_of_several_connections_are_summed(proxy: WireProxy, client: Connection) -> None:
    with connect(proxy.url) as other, proxy.watch() as seen:
        for connection in (client, other, client):
            connection.execute("SELECT 1")
    assert seen.flights == 3


def test_statements_sent_without_waiting_are_one_flight(proxy: WireProxy) -> None:
    with raw_client(proxy) as client, proxy.watch() as seen:
        until_ready(client)
        client.sendall(QUERY + QUERY)
        until_ready(client)
    assert (seen.flights, len(seen.statements)) == (1, 2)


def test_connecting_is_counted_apart(proxy: WireProxy) -> None:
    with proxy.watch() as seen, psycopg.connect(conninfo(proxy.url)):
        pass
    assert (seen.connects, seen.flights) == (1, 0)
    assert seen.connect_flights >= 1


def test_asking_for_tls_in_vain_is_a_flight_of_connecting(proxy: WireProxy) -> None:
    with proxy.watch() as without, psycopg.connect(conninfo(proxy.tcp_url), sslmode="disable"):
        pass
    with proxy.watch() as seen, psycopg.connect(conninfo(proxy.tcp_url), sslmode="prefer"):
        pass
    assert (seen.connects, seen.connect_flights) == (1, without.connect_flights + 1)


def test_closing_is_no_flight(proxy: WireProxy) -> None:
    connection = psycopg.connect(conninfo(proxy.url))
    with proxy.watch() as seen:
        connection.close()
    assert (seen.flights, seen.connects) == (0, 0)


def test_cancelling_is_counted_apart(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.cancel_safe()
    assert (seen.cancels, seen.connects, seen.flights) == (1, 0, 0)


def test_cancelling_reaches_the_server(client: Connection, aside: ThreadPoolExecutor) -> None:
    running = aside.submit(client.execute, "SELECT pg_sleep(60)")
    while not running.done():
        client.cancel_safe()
    assert isinstance(running.exception(), psycopg.errors.QueryCanceled)


def test_nothing_is_counted_when_the_block_has_ended(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        pass
    client.execute("SELECT 1")
    assert (seen.flights, seen.statements) == (0, [])


def test_watches_may_be_nested(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as outer:
        client.execute("SELECT 1")
        with proxy.watch() as inner:
            client.execute("SELECT 2")
        client.execute("SELECT 3")
    assert (outer.flights, inner.flights) == (3, 1)


# What is seen


def test_statement_of_the_simple_protocol_is_seen(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.pgconn.exec_(b"SELECT 'caf\xc3\xa9'")
    assert seen.statements == [Statement("SELECT 'café'", (), "query")]


def test_statement_and_parameters_of_the_extended_protocol_are_seen(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.pgconn.exec_params(b"SELECT $1::text, $2::text, $3::int4", [b"a", None, b"\0\0\0\7"], None, [0, 0, 1])
    assert seen.statements == [Statement("SELECT $1::text, $2::text, $3::int4", (b"a", None, b"\0\0\0\7"), "execute")]


def test_prepared_statement_is_resolved_to_its_sql(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        for text in ("a", "b"):
            client.execute("SELECT %s::text", (text,), prepare=True)
    assert seen.flights == 3
    assert seen.statements == [
        Statement("SELECT $1::text", (), "prepare"),
        Statement("SELECT $1::text", (b"a",), "execute"),
        Statement("SELECT $1::text", (b"b",), "execute"),
    ]


def test_statement_prepared_before_the_watch_is_resolved(proxy: WireProxy, client: Connection) -> None:
    client.execute("SELECT %s::text", ("a",), prepare=True)
    with proxy.watch() as seen:
        client.execute("SELECT %s::text", ("b",), prepare=True)
    assert seen.statements == [Statement("SELECT $1::text", (b"b",), "execute")]


def test_statement_of_many_reads_is_seen_whole(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.execute("SELECT length(%s)", ("x" * 5_000_000,))
    assert (seen.flights, [len(value or b"") for value in seen.statements[0].parameters]) == (1, [5_000_000])


def test_statements_of_one_pipeline_are_seen_in_order(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen, client.pipeline():
        for number in range(300):
            client.execute("SELECT %s::text", (str(number),), prepare=False)
    assert [one.parameters for one in seen.statements] == [(str(number).encode(),) for number in range(300)]


def test_statements_bear_the_number_of_their_connection(proxy: WireProxy, client: Connection) -> None:
    with connect(proxy.url) as other, proxy.watch() as seen:
        for connection in (client, other, client):
            connection.execute("SELECT 1")
    first, second, third = (one.connection for one in seen.statements)
    assert first == third != second


def test_status_of_each_connection_is_its_transaction_status(proxy: WireProxy) -> None:
    url = conninfo(proxy.url)
    with psycopg.connect(url), psycopg.connect(url) as begun, psycopg.connect(url) as failed:
        begun.execute("SELECT 1")
        with pytest.raises(psycopg.errors.DivisionByZero):
            failed.execute("SELECT 1 / 0")
        assert proxy.status == ("I", "T", "E")


def test_open_counts_the_connections_that_are_open(proxy: WireProxy) -> None:
    with psycopg.connect(conninfo(proxy.url)), psycopg.connect(conninfo(proxy.url)) as second:
        assert proxy.open == 2
        second.close()
        assert proxy.open == 1
    assert proxy.open == 0


def test_connection_that_is_left_without_a_farewell_is_not_open(proxy: WireProxy) -> None:
    with raw_client(proxy) as connected:
        connected.recv(1)
    assert proxy.open == 0


def test_large_result_arrives_whole(proxy: WireProxy, client: Connection) -> None:
    rows = client.execute("SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n").fetchall()
    assert rows == [(number, "x" * 1000) for number in range(1, 20001)]


def test_server_is_not_read_ahead_of_a_client_that_does_not_read(proxy: WireProxy, client: Connection) -> None:
    rows = client.cursor().stream("SELECT repeat('x', 1000000) FROM generate_series(1, 20)")
    next(rows)
    states = "SELECT state FROM pg_stat_activity WHERE pid = %s"
    with connect(proxy.url) as other:  # each of its round trips would let the proxy read at least once more
        seen = {other.execute(states, (client.info.backend_pid,)).fetchone() for _ in range(500)}
    assert (len(list(rows)), seen) == (19, {("active",)})


def test_copy_passes(client: Connection, direct: Connection) -> None:
    with client.cursor() as cursor, cursor.copy("COPY wire.written FROM STDIN") as copy:
        for number in range(1000):
            copy.write_row((f"{number:04}",))
    assert written(direct) == [f"{number:04}" for number in range(1000)]


# Faults


def error_of(future: Future[None]) -> BaseException | None:
    return future.exception(timeout=30)


STATEMENT_STEPS: list[tuple[Step, list[str]]] = [
    ("before_statement", []),
    ("within_statement", []),
    ("after_statement", ["one"]),
    ("within_answer", ["one"]),
]
STEPS: list[Step] = ["connect", "before_statement", "within_statement", "after_statement", "within_answer"]


@pytest.mark.parametrize("action", [Cut(), Reset()])
@pytest.mark.parametrize(("step", "expected"), STATEMENT_STEPS)
def test_cut_statement_fails_and_is_written_if_it_was_passed_on(
    proxy: WireProxy, direct: Connection, step: Step, expected: list[str], action: Cut | Reset
) -> None:
    with (
        closing(connect(proxy.tcp_url)) as client,
        proxy.fault(Fault(step, action)) as armed,
        pytest.raises(psycopg.OperationalError) as raised,
    ):
        write(client)
    assert (armed.fired, raised.value.sqlstate) == (1, None)
    assert written(direct) == expected


@pytest.mark.parametrize(("step", "part"), [("before_statement", 0), ("within_statement", 2)])
def test_cut_statement_reaches_the_server_in_part(step: Step, part: int) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as upstream,
        WireProxy(("127.0.0.1", upstream.getsockname()[1])) as proxy,
        proxy.fault(Fault(step, Cut())),
        raw_client(proxy) as client,
        upstream.accept()[0] as server,
    ):
        client.sendall(QUERY)
        assert until_end(server) == startup() + QUERY[: len(QUERY) // part if part else 0]


@pytest.mark.parametrize(("step", "part"), [("after_statement", 0), ("within_answer", 2)])
def test_cut_answer_reaches_the_client_in_part(proxy: WireProxy, step: Step, part: int) -> None:
    with raw_client(proxy) as whole, raw_client(proxy) as cut:
        until_ready(whole)
        whole.sendall(QUERY)
        answer = until_ready(whole)
        until_ready(cut)
        with proxy.fault(Fault(step, Cut())):
            cut.sendall(QUERY)
            assert until_end(cut) == answer[: len(answer) // part if part else 0]


@pytest.mark.parametrize(("step", "expected"), STATEMENT_STEPS[:3])
def test_refused_statement_fails_with_the_sqlstate(
    proxy: WireProxy, client: Connection, direct: Connection, step: Step, expected: list[str]
) -> None:
    refusal = Refuse("57P02", "terminating connection because of a crash")
    with proxy.fault(Fault(step, refusal)), pytest.raises(psycopg.errors.CrashShutdown, match="because of a crash"):
        write(client)
    assert written(direct) == expected


@pytest.mark.parametrize(("step", "expected"), STATEMENT_STEPS)
def test_stalled_statement_goes_on_when_released(
    proxy: WireProxy, client: Connection, direct: Connection, step: Step, expected: list[str]
) -> None:
    with proxy.fault(Fault(step, Stall())) as armed, ThreadPoolExecutor() as aside:
        running = aside.submit(write, client)
        armed.wait()
        assert (written(direct), running.done()) == (expected, False)
        proxy.release()
        assert error_of(running) is None
    assert written(direct) == ["one"]


def test_stalled_statement_goes_on_when_the_block_ends(
    proxy: WireProxy, client: Connection, direct: Connection, aside: ThreadPoolExecutor
) -> None:
    with proxy.fault(Fault("before_statement", Stall())) as armed:
        running = aside.submit(write, client)
        armed.wait()
    assert error_of(running) is None
    assert written(direct) == ["one"]


def test_other_connections_go_on_beside_a_stalled_one(
    proxy: WireProxy, client: Connection, direct: Connection, aside: ThreadPoolExecutor
) -> None:
    with proxy.fault(Fault("before_statement", Stall())) as armed:
        running = aside.submit(write, client)
        armed.wait()
        with connect(proxy.url) as other:
            write(other, "other")
        assert (written(direct), running.done()) == (["other"], False)
    assert error_of(running) is None


@pytest.mark.parametrize("step", STEPS)
def test_delayed_step_goes_on_by_itself(proxy: WireProxy, direct: Connection, step: Step) -> None:
    with proxy.fault(Fault(step, Delay(0.01))) as armed:
        with connect(proxy.url) as client:
            write(client)
        assert armed.fired == 1
    assert written(direct) == ["one"]


def test_cut_connect_ends_without_a_word(proxy: WireProxy) -> None:
    with proxy.fault(Fault("connect", Cut())), raw_client(proxy) as connected:
        assert connected.recv(100) == b""


def test_reset_connect_ends_with_a_reset(proxy: WireProxy) -> None:
    with proxy.fault(Fault("connect", Reset())), raw_client(proxy) as connected, pytest.raises(ConnectionResetError):
        connected.recv(100)


def test_refused_connect_says_why(proxy: WireProxy) -> None:
    with (
        proxy.fault(Fault("connect", Refuse("XX000", "Couldn't connect to compute node"))),
        pytest.raises(psycopg.OperationalError, match="Couldn't connect to compute node"),
    ):
        psycopg.connect(conninfo(proxy.url))


def test_refused_connect_needs_no_server(tmp_path: Path) -> None:
    with (
        WireProxy(tmp_path) as proxy,
        proxy.fault(Fault("connect", Refuse("57P03", "the database system is starting up"))),
        pytest.raises(psycopg.OperationalError, match="starting up"),
    ):
        psycopg.connect(conninfo(proxy.url))


def test_connect_without_a_server_is_cut(tmp_path: Path) -> None:
    with WireProxy(tmp_path) as proxy, pytest.raises(psycopg.OperationalError):
        psycopg.connect(conninfo(proxy.url))


def test_stalled_connect_goes_on_when_released(proxy: WireProxy, aside: ThreadPoolExecutor) -> None:
    with proxy.fault(Fault("connect", Stall())) as armed:
        running = aside.submit(connect, proxy.url)
        armed.wait()
        assert not running.done()
        proxy.release()
        with running.result(timeout=30) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_stalled_client_that_leaves_is_not_open(proxy: WireProxy) -> None:
    with proxy.fault(Fault("connect", Stall())) as armed:
        with raw_client(proxy):
            armed.wait()
        assert proxy.open == 0


def test_fault_strikes_the_statement_that_it_matches(proxy: WireProxy, client: Connection, direct: Connection) -> None:
    with proxy.fault(Fault("before_statement", Cut(), "wire.written")) as armed:
        client.execute("SELECT 1")
        assert armed.fired == 0
        with pytest.raises(psycopg.OperationalError):
            write(client)


def test_fault_may_match_by_a_predicate(proxy: WireProxy, client: Connection, direct: Connection) -> None:
    fault = Fault("before_statement", Cut(), lambda one: one.parameters == (b"two",))
    with proxy.fault(fault), pytest.raises(psycopg.OperationalError):
        for text in ("one", "two"):
            write(client, text)
    assert written(direct) == ["one"]


def test_text_matches_what_runs_and_not_what_is_prepared(proxy: WireProxy, client: Connection) -> None:
    fault = Fault("before_statement", Cut(), "SELECT")
    with proxy.watch() as seen, proxy.fault(fault), pytest.raises(psycopg.OperationalError):
        client.execute("SELECT %s::text", ("a",), prepare=True)
    assert [one.kind for one in seen.statements] == ["prepare", "execute"]


def test_fault_strikes_as_often_as_it_says(proxy: WireProxy) -> None:
    url = conninfo(proxy.url)
    with proxy.fault(Fault("connect", Refuse("53300", "sorry, too many clients already"), times=2)) as armed:
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError, match="too many clients"):
                psycopg.connect(url)
        psycopg.connect(url).close()
    assert (armed.fired, armed.left) == (2, 0)


def test_disarmed_fault_does_not_strike(proxy: WireProxy, client: Connection) -> None:
    with proxy.fault(Fault("before_statement", Cut())) as armed:
        pass
    client.execute("SELECT 1")
    assert armed.fired == 0


def test_faults_strike_in_the_order_in_which_they_were_armed(proxy: WireProxy) -> None:
    url = conninfo(proxy.url)
    with (
        proxy.fault(Fault("connect", Refuse("XX000", "first"))),
        proxy.fault(Fault("connect", Refuse("XX000", "second"))),
    ):
        for word in ("first", "second"):
            with pytest.raises(psycopg.OperationalError, match=word):
                psycopg.connect(url)


@pytest.mark.parametrize(("step", "expected"), STATEMENT_STEPS)
def test_commit_that_is_cut_is_done_if_it_was_passed_on(
    proxy: WireProxy, direct: Connection, step: Step, expected: list[str]
) -> None:
    with closing(psycopg.connect(conninfo(proxy.url))) as client:
        write(client)
        with proxy.fault(Fault(step, Cut(), "COMMIT")), pytest.raises(psycopg.OperationalError):
            client.commit()
    assert written(direct) == expected


def test_what_a_fault_kept_from_the_server_is_counted(proxy: WireProxy, client: Connection) -> None:
    fault = Fault("before_statement", Cut())
    with proxy.watch() as seen, proxy.fault(fault), pytest.raises(psycopg.OperationalError):
        client.execute("SELECT 1")
    assert (seen.flights, len(seen.statements)) == (1, 1)


def test_answer_fault_strikes_the_answer_of_its_statement_in_a_pipeline(proxy: WireProxy, client: Connection) -> None:
    fault, first, second = Fault("after_statement", Cut(), "'two'"), client.cursor(), client.cursor()
    with proxy.fault(fault), pytest.raises(psycopg.OperationalError), client.pipeline() as pipeline:
        first.execute("SELECT 'one'")
        pipeline.sync()
        second.execute("SELECT 'two'")
    assert (first.fetchone(), second.description) == (("one",), None)


def test_answer_fault_strikes_at_the_sync_that_follows_a_flush(proxy: WireProxy, client: Connection) -> None:
    fault = Fault("after_statement", Cut(), "'one'")
    with proxy.fault(fault) as armed, pytest.raises(psycopg.OperationalError), client.pipeline():
        answer = client.execute("SELECT 'one'").fetchone()
        assert (answer, armed.fired) == (("one",), 0)


@pytest.mark.parametrize("extended", [False, True])
def test_answer_fault_strikes_the_right_answer_after_a_copy(
    proxy: WireProxy, client: Connection, direct: Connection, extended: bool
) -> None:
    pgconn, copy = client.pgconn, b"COPY wire.written FROM STDIN"
    _ = pgconn.exec_params(copy, []) if extended else pgconn.exec_(copy)
    pgconn.put_copy_data(b"one\n")
    pgconn.put_copy_end()
    pgconn.flush()
    while pgconn.is_busy():  # get_result() would wait with the GIL held, which the proxy needs
        select.select([pgconn.socket], [], [])
        pgconn.consume_input()
    while pgconn.get_result():
        pass
    with proxy.fault(Fault("after_statement", Cut(), "'two'")):
        assert client.execute("SELECT 'one'").fetchone() == ("one",)
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 'two'")
    assert written(direct) == ["one"]


# All connections


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


async def test_async_statement_is_one_flight(proxy: WireProxy) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo(proxy.url), autocommit=True) as client:
        with proxy.watch() as seen:
            await client.execute("SELECT %s::int", (1,))
            assert seen.flights == 1


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
    assert (seen.connects, seen.flights, proxy.open) == (50, 150, 0)


def test_many_threads_are_served_at_once(proxy: WireProxy) -> None:
    def run(number: int) -> None:
        with connect(proxy.url) as client:
            for _ in range(5):
                assert client.execute("SELECT %s::int", (number,)).fetchone() == (number,)

    with proxy.watch() as seen, ThreadPoolExecutor(20) as executor:
        list(executor.map(run, range(20)))
    assert (seen.connects, seen.flights, len(seen.statements)) == (20, 100, 100)


def test_stopped_proxy_leaves_nothing_behind(server: Server) -> None:
    descriptors, threads = set(os.listdir("/proc/self/fd")), set(threading.enumerate())
    with WireProxy(server.upstream) as proxy:
        psycopg.connect(conninfo(proxy.url)).close()
    assert not proxy.folder.exists()
    assert set(threading.enumerate()) == threads
    assert set(os.listdir("/proc/self/fd")) == descriptors


def test_stopping_cuts_clients_that_are_connected_or_stalled(server: Server, aside: ThreadPoolExecutor) -> None:
    with WireProxy(server.upstream) as proxy:
        connected = connect(proxy.url)
        armed = proxy.fault(Fault("connect", Stall()))
        stalled = aside.submit(connect, proxy.url)
        armed.wait()
    with closing(connected), pytest.raises(psycopg.OperationalError):
        connected.execute("SELECT 1")
    assert isinstance(stalled.exception(timeout=30), psycopg.OperationalError)
