"""The measuring instrument measured: what the proxy counts and what it shows."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import Connection

from tests.support.wire import WireProxy
from tests.support.wire.clients import QUERY, connect, conninfo, raw_client, until_ready, written
from tests.support.wire.faults import Statement


def test_autocommit_statement_is_one_round_trip(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.execute("SELECT %s::int", (1,))
        assert seen.round_trips == 1


def test_transaction_of_one_statement_is_three_round_trips(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen, client.transaction():
        client.execute("SELECT %s::int", (1,))
    assert seen.round_trips == 3
    assert [one.sql for one in seen.statements] == ["BEGIN", "SELECT $1::int", "COMMIT"]


def test_round_trips_of_several_connections_are_summed(proxy: WireProxy, client: Connection) -> None:
    with connect(proxy.url) as other, proxy.watch() as seen:
        for connection in (client, other, client):
            connection.execute("SELECT 1")
    assert seen.round_trips == 3


def test_statements_sent_without_waiting_are_one_round_trip(proxy: WireProxy) -> None:
    with raw_client(proxy) as client, proxy.watch() as seen:
        until_ready(client)
        client.sendall(QUERY + QUERY)
        until_ready(client)
    assert (seen.round_trips, len(seen.statements)) == (1, 2)


def test_connecting_is_counted_apart(proxy: WireProxy) -> None:
    with proxy.watch() as seen, psycopg.connect(conninfo(proxy.url)):
        pass
    assert (seen.connects, seen.round_trips) == (1, 0)
    assert seen.connect_round_trips >= 1


def test_refused_tls_request_is_a_round_trip_of_connecting(proxy: WireProxy) -> None:
    with proxy.watch() as without, psycopg.connect(conninfo(proxy.tcp_url), sslmode="disable"):
        pass
    with proxy.watch() as seen, psycopg.connect(conninfo(proxy.tcp_url), sslmode="prefer"):
        pass
    assert (seen.connects, seen.connect_round_trips) == (1, without.connect_round_trips + 1)


def test_closing_is_no_round_trip(proxy: WireProxy) -> None:
    connection = psycopg.connect(conninfo(proxy.url))
    with proxy.watch() as seen:
        connection.close()
    assert (seen.round_trips, seen.connects) == (0, 0)


def test_cancelling_is_counted_apart(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.cancel_safe()
    assert (seen.cancels, seen.connects, seen.round_trips) == (1, 0, 0)


def test_cancelling_reaches_the_server(client: Connection, run_blocking: ThreadPoolExecutor) -> None:
    running = run_blocking.submit(client.execute, "SELECT pg_sleep(60)")
    while not running.done():
        client.cancel_safe()
    assert isinstance(running.exception(), psycopg.errors.QueryCanceled)


def test_nothing_is_counted_when_the_block_has_ended(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        pass
    client.execute("SELECT 1")
    assert (seen.round_trips, seen.statements) == (0, [])


def test_watches_may_be_nested(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as outer:
        client.execute("SELECT 1")
        with proxy.watch() as inner:
            client.execute("SELECT 2")
        client.execute("SELECT 3")
    assert (outer.round_trips, inner.round_trips) == (3, 1)


def test_statement_of_the_simple_protocol_is_seen(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.pgconn.exec_(b"SELECT 'caf\xc3\xa9'")
    assert seen.statements == [Statement("SELECT 'café'", (), "query")]


def test_statement_and_parameters_of_the_extended_protocol_are_seen(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.pgconn.exec_params(b"SELECT $1::text, $2::text, $3::int4", [b"a", None, b"\0\0\0\7"], None, [0, 0, 1])
    assert seen.statements == [Statement("SELECT $1::text, $2::text, $3::int4", (b"a", None, b"\0\0\0\7"), "execute")]


@pytest.mark.session_state("the test's own client prepares")
def test_prepared_statement_is_resolved_to_its_sql(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        for text in ("a", "b"):
            client.execute("SELECT %s::text", (text,), prepare=True)
    assert seen.round_trips == 3
    assert seen.statements == [
        Statement("SELECT $1::text", (), "prepare"),
        Statement("SELECT $1::text", (b"a",), "execute"),
        Statement("SELECT $1::text", (b"b",), "execute"),
    ]


@pytest.mark.session_state("the test's own client prepares")
def test_statement_prepared_before_the_watch_is_resolved(proxy: WireProxy, client: Connection) -> None:
    client.execute("SELECT %s::text", ("a",), prepare=True)
    with proxy.watch() as seen:
        client.execute("SELECT %s::text", ("b",), prepare=True)
    assert seen.statements == [Statement("SELECT $1::text", (b"b",), "execute")]


def test_statement_of_many_reads_is_seen_whole(proxy: WireProxy, client: Connection) -> None:
    with proxy.watch() as seen:
        client.execute("SELECT length(%s)", ("x" * 5_000_000,))
    assert (seen.round_trips, [len(value or b"") for value in seen.statements[0].parameters]) == (1, [5_000_000])


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


def test_open_connections_are_counted_by_application(proxy: WireProxy) -> None:
    url = conninfo(proxy.url)
    with psycopg.connect(url, application_name="one"), psycopg.connect(url, application_name="other"):
        assert (proxy.open_of("one"), proxy.open_of("none")) == (1, 0)
    assert proxy.open_of("one") == 0


def test_connection_closed_without_terminate_is_not_open(proxy: WireProxy) -> None:
    with raw_client(proxy) as connected:
        connected.recv(1)
    assert proxy.open == 0


def test_large_result_arrives_whole(proxy: WireProxy, client: Connection) -> None:
    rows = client.execute("SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n").fetchall()
    assert rows == [(number, "x" * 1000) for number in range(1, 20001)]


@pytest.mark.session_state("the test's own client prepares")
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
