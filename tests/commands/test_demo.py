"""What the demo shows: each step one round trip, each owner's tasks apart, and every row found after the restart."""

import os
import pty
import re
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conftest import Server
from tests.support.cli import DEADLINE_S, CommandLine, new_database
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Stall

_STEP = re.compile(r"  (?P<owner>ada|grace) +(?P<what>\S.*?) +(?P<ms>\d+\.\d\d) +(?P<trips>\d+|\?)$", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """One run of the demo, as it was printed."""

    code: int
    text: str
    errors: str

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Whose step and what it did, without the ids, which differ from run to run."""
        return [(one["owner"], re.sub(r"\bid \d+", "id N", one["what"])) for one in _STEP.finditer(self.text)]

    @property
    def round_trips(self) -> list[str]:
        return [one["trips"] for one in _STEP.finditer(self.text)]


def shown(cli: CommandLine, *arguments: str, **variables: str) -> Shown:
    ended = cli.run("demo", *arguments, **variables)
    return Shown(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def runs(server: Server, cli: CommandLine) -> Iterator[list[Shown]]:
    """Two runs on one database."""
    with new_database(server.url) as url:
        yield [shown(cli, DATABASE_URL=url) for _ in range(2)]


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="demo-") as parent:
        Path(parent).chmod(0o755)  # the server's account has to reach it when the tests run as root
        yield Path(parent) / "data"


def test_a_run_succeeds_with_empty_stderr(runs: list[Shown]) -> None:
    assert [(run.code, run.errors) for run in runs] == [(0, ""), (0, "")]


def test_each_step_is_shown_with_its_owner(runs: list[Shown]) -> None:
    assert runs[0].steps == [
        ("ada", "found 0 tasks of earlier runs"),
        ("grace", "found 0 tasks of earlier runs"),
        ("ada", "created 'Buy groceries' with id N"),
        ("ada", "created 'Write the report' with id N"),
        ("grace", "created 'Call the bank' with id N"),
        ("ada", "read 'Buy groceries'"),
        ("ada", "renamed it: 'Buy food'"),
        ("ada", "toggled it: completed is True"),
        ("ada", "listed 2 tasks, only her own"),
        ("grace", "tried to delete ada's task: no Task with id N"),
        ("ada", "deleted 'Buy food'"),
        ("ada", "found 1 task, the last 'Write the report'"),
        ("grace", "found 1 task, the last 'Call the bank'"),
    ]


ROUND_TRIPS = ["2" if number == 9 else "1" for number in range(13)]
"""Of each step: one, and one more for the refused delete, which asks why no row was deleted."""


def test_each_step_is_one_round_trip_and_a_refused_delete_two(runs: list[Shown]) -> None:
    assert runs[0].round_trips == ROUND_TRIPS


def test_rows_are_found_after_the_restart(runs: list[Shown]) -> None:
    before, after = runs[0].text.split("\n  everything closed: sessions, pool")
    assert len(_STEP.findall(before)) == 11
    assert len(_STEP.findall(after)) == 2
    assert after.endswith("\nevery task was found again\n")


def test_a_second_run_finds_the_rows_of_the_first(runs: list[Shown]) -> None:
    assert runs[1].steps[:2] == [
        ("ada", "found 1 task of earlier runs"),
        ("grace", "found 1 task of earlier runs"),
    ]
    assert ("ada", "listed 3 tasks, only her own") in runs[1].steps


def test_the_place_is_named_and_the_url_is_not(runs: list[Shown], server: Server) -> None:
    assert runs[0].text.startswith("on the server of DATABASE_URL\n\n")
    assert "postgresql" not in runs[0].text


def test_output_is_plain_where_it_is_no_terminal(runs: list[Shown]) -> None:
    assert "\033" not in runs[0].text


def test_headers_alone_are_bold_on_a_terminal(cli: CommandLine, new_url: str) -> None:
    reading, writing = pty.openpty()
    with cli.started_on(writing, "demo", DATABASE_URL=new_url) as process:
        os.close(writing)
        text = _all_of(reading)
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, errors) == (0, "")
    bold = re.findall(r"\033\[1m(.*?)\033\[0m", text)
    assert [line.split() for line in bold] == [["owner", "step", "ms", "round", "trips"]] * 2
    assert text.count("\033") == 4


def _all_of(terminal: int) -> str:
    """What was written to the other end until it was closed, which Linux tells by an error."""
    read = b""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        try:
            while more := file.read(4096):
                read += more
        except OSError:
            pass
    return read.decode()


def test_an_embedded_server_keeps_its_data_for_the_next_run(cli: CommandLine, data: Path) -> None:
    first, second = (shown(cli, "--data", str(data)) for _ in range(2))
    assert (first.code, first.errors, second.code, second.errors) == (0, "", 0, "")
    assert first.text.startswith(f"on an embedded PostgreSQL, its data in {data}\n")
    assert first.round_trips == second.round_trips == ROUND_TRIPS
    assert first.steps[0] == ("ada", "found 0 tasks of earlier runs")
    assert second.steps[0] == ("ada", "found 1 task of earlier runs")
    assert not (data / "data" / "postmaster.pid").exists()


def test_a_folder_for_the_data_goes_before_the_url(cli: CommandLine, data: Path) -> None:
    run = shown(cli, "--data", str(data), DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere")
    assert (run.code, run.errors) == (0, "")


def test_a_folder_that_cannot_be_made_is_one_line(cli: CommandLine) -> None:
    run = shown(cli, "--data", "/dev/null/data")
    refusal = "error: no data can be kept in '/dev/null/data': Not a directory\n"
    assert (run.code, run.text, run.errors) == (1, "", refusal)


def test_an_interrupt_is_one_line(server: Server, cli: CommandLine, new_url: str) -> None:
    database = make_url(new_url).database
    assert database is not None
    with (
        WireProxy(server.upstream, database=database) as proxy,
        proxy.fault(Fault("before_statement", Stall(), "INSERT INTO task")) as armed,
        cli.started("demo", DATABASE_URL=proxy.url) as process,
    ):
        armed.wait(timeout_s=30)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, errors) == (130, "error: interrupted\n")


def test_an_interrupt_stops_the_embedded_server(cli: CommandLine, data: Path) -> None:
    with cli.started("demo", "--data", str(data), PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("on an embedded PostgreSQL")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, errors) == (130, "error: interrupted\n")
    assert not (data / "data" / "postmaster.pid").exists()


@pytest.mark.parametrize("answers", [True, False])
def test_a_reader_who_has_seen_enough_causes_no_traceback(cli: CommandLine, new_url: str, answers: bool) -> None:
    url = new_url if answers else "postgresql://nobody@127.0.0.1:1/nowhere"
    with cli.started("demo", DATABASE_URL=url, CONNECT_RETRY_S="0") as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert errors == (
        "" if answers else "error: init_db found no connection: host '127.0.0.1' refused a connection to port 1\n"
    )
