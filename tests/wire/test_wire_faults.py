"""Each fault does what it says, at the step that it names."""

import select
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection

from tests.support.wire import WireProxy
from tests.support.wire.clients import (
    QUERY,
    READY,
    connect,
    conninfo,
    raw_client,
    startup,
    until_end,
    until_ready,
    write,
    written,
)
from tests.support.wire.faults import Cut, Delay, Fault, Refuse, Reset, Stall, Step


def error_of(future: Future[None]) -> BaseException | None:
    return future.exception(timeout=30)


STATEMENT_STEPS: list[tuple[Step, list[str]]] = [
    ("before_statement", []),
    ("within_statement", []),
    ("after_statement", ["one"]),
    ("within_answer", ["one"]),
    ("before_ready", ["one"]),
]
STEPS: list[Step] = ["connect", *(step for step, _ in STATEMENT_STEPS)]


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


@pytest.mark.parametrize("step", ["after_statement", "within_answer", "before_ready"])
def test_cut_answer_reaches_the_client_in_part(proxy: WireProxy, step: Step) -> None:
    with raw_client(proxy) as whole, raw_client(proxy) as cut:
        until_ready(whole)
        whole.sendall(QUERY)
        answer = until_ready(whole)
        until_ready(cut)
        with proxy.fault(Fault(step, Cut())):
            cut.sendall(QUERY)
            part = {"after_statement": b"", "within_answer": answer[: len(answer) // 2]}
            assert until_end(cut) == part.get(step, answer.removesuffix(READY))


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
    with proxy.fault(Fault(step, Stall())) as armed, ThreadPoolExecutor() as run_blocking:
        running = run_blocking.submit(write, client)
        armed.wait()
        assert (written(direct), running.done()) == (expected, False)
        proxy.release()
        assert error_of(running) is None
    assert written(direct) == ["one"]


def test_stalled_statement_goes_on_when_the_block_ends(
    proxy: WireProxy, client: Connection, direct: Connection, run_blocking: ThreadPoolExecutor
) -> None:
    with proxy.fault(Fault("before_statement", Stall())) as armed:
        running = run_blocking.submit(write, client)
        armed.wait()
    assert error_of(running) is None
    assert written(direct) == ["one"]


def test_other_connections_go_on_beside_a_stalled_one(
    proxy: WireProxy, client: Connection, direct: Connection, run_blocking: ThreadPoolExecutor
) -> None:
    with proxy.fault(Fault("before_statement", Stall())) as armed:
        running = run_blocking.submit(write, client)
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


def test_cut_connect_ends_with_no_message(proxy: WireProxy) -> None:
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


def test_stalled_connect_goes_on_when_released(proxy: WireProxy, run_blocking: ThreadPoolExecutor) -> None:
    with proxy.fault(Fault("connect", Stall())) as armed:
        running = run_blocking.submit(connect, proxy.url)
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
    assert (seen.round_trips, len(seen.statements)) == (1, 1)


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
