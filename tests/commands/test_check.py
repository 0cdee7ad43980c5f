"""What `check` reports, and `init` creates."""

import json
import re
from typing import Protocol

import pytest
from sqlalchemy import MetaData, make_url
from sqlmodel import SQLModel

from backend import Database
from backend.commands.check import check
from tests.conftest import Server
from tests.support.cli import CommandLine
from tests.support.pgbouncer import PgBouncer
from tests.support.wire import WireProxy

_REPORT = re.compile(
    r"ok       url      postgresql\+psycopg://\S+\n"
    r"ok       route    direct\n"
    r"ok       prepare  statements are not prepared: PREPARE_THRESHOLD is not set\n"
    r"ok       tls      none, within this machine\n"
    r"ok       server   PostgreSQL \d+(\.\d+)?( .+)?\n"
    r"ok       connect  \d+\.\d ms, \d+ round trips \(1 to connect, \d+ to ask\)\n"
    r"ok       latency  \d+\.\d\d ms \(one round trip, best of 5\)\n"
    r"ok       clock    the server's is \d+\.\d{3} s (behind|ahead of) this machine's, give or take \d+\.\d{3} s\n"
    r"ok       pool     3 \+ 4 connections, recycled after 99 s\n"
    r"ok       limit    \d+ connections besides those kept for administration, \d+ in use\n"
    r"(?P<tables>(.+\n)+)"
)
POOL = {"POOL_SIZE": "3", "POOL_MAX_OVERFLOW": "4", "POOL_RECYCLE_S": "99"}


class Run(Protocol):
    def __call__(self, url: str, *, json: bool = False, **variables: str) -> tuple[int, str]: ...


NAMES = ["url", "route", "prepare", "tls", "server", "connect", "latency", "clock", "pool", "limit", "tables"]


def test_a_database_without_its_tables_fails_the_check(cli: CommandLine, new_url: str) -> None:
    ended = cli.run("check", DATABASE_URL=new_url, **POOL)
    report = _REPORT.fullmatch(ended.stdout)
    assert report
    assert report["tables"] == (
        "problem  tables   task is missing\n"
        "                  -> run python -m backend init, which creates missing tables\n"
    )
    assert (ended.returncode, ended.stderr) == (1, "")


def test_a_database_with_its_tables_passes_the_check(cli: CommandLine, new_url: str) -> None:
    cli.run("init", DATABASE_URL=new_url)
    ended = cli.run("check", DATABASE_URL=new_url, **POOL)
    report = _REPORT.fullmatch(ended.stdout)
    assert report
    assert report["tables"] == "ok       tables   all there and equal to the models: task\n"
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the check in this process: its exit code and its output."""

    metadata = MetaData()  # of tasks alone, whatever other tests declare
    SQLModel.metadata.tables["task"].to_metadata(metadata)

    def run(url: str, *, json: bool = False, **variables: str) -> tuple[int, str]:
        for name, value in {**POOL, "DATABASE_URL": url, **variables}.items():
            monkeypatch.setenv(name, value)
        return check(metadata, json=json), capsys.readouterr().out

    return run


def test_a_check_can_be_read_by_a_program(run: Run, new_url: str) -> None:
    code, text = run(new_url, json=True)
    report = json.loads(text)
    assert (code, report["usable"], report["error"]) == (1, False, None)
    assert [one["name"] for one in report["findings"]] == NAMES
    by_name = {one["name"]: one for one in report["findings"]}
    assert by_name["pool"]["values"] == {"size": 3, "max_overflow": 4, "recycle_s": 99}
    assert by_name["latency"]["values"]["duration_ms"] > 0
    assert by_name["tables"] == {
        "name": "tables",
        "level": "problem",
        "text": "task is missing",
        "fix": "run python -m backend init, which creates missing tables",
        "values": {"table": "task"},
    }


def test_a_check_that_finds_no_problem_is_usable_for_a_program(run: Run, direct: Database, server: Server) -> None:
    code, text = run(server.url, json=True)
    assert (code, json.loads(text)["usable"]) == (0, True)


def test_a_check_that_cannot_connect_reports_the_error_to_a_program(run: Run) -> None:
    code, text = run("postgresql://canary:canary@127.0.0.1:1/canary", json=True)
    assert code == 1
    assert json.loads(text) == {
        "usable": False,
        "error": "ping found no connection: host '127.0.0.1' refused a connection to port 1",
        "findings": [],
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_a_check_shows_the_url_without_its_secrets(run: Run, server: Server, as_json: bool) -> None:
    hidden = "canary"
    url = make_url(server.url).set(password=hidden).update_query_dict({"sslpassword": hidden})
    _, text = run(url.render_as_string(hide_password=False), json=as_json)
    assert f"/{url.database}" in text
    assert hidden not in text


@pytest.mark.session_state("the check prepares its statements, as the environment asks")
def test_a_check_knows_a_pooler_and_what_does_not_suit_it(run: Run, direct: Database, pooler: PgBouncer) -> None:
    code, text = run(pooler.url, PREPARE_THRESHOLD="5", POOL_SIZE="999")
    assert code == 0
    assert "ok       route    through a pooler\n" in text
    assert (
        "\nadvice   prepare  statements are prepared after 5 runs\n                  -> set PREPARE_THRESHOLD=" in text
    )
    assert "\nok       limit " in text
    assert "\nok       prepare  statements are not prepared: " in run(pooler.url, PREPARE_THRESHOLD="")[1]


@pytest.mark.session_state("the check may prepare its statements, as the environment asks")
def test_a_check_says_whether_auto_prepares(run: Run, direct: Database, server: Server, pooler: PgBouncer) -> None:
    lines = [run(url, PREPARE_THRESHOLD="auto")[1].splitlines()[2] for url in (server.url, pooler.url)]
    assert lines == [
        "ok       prepare  statements are prepared after 5 runs: auto, and the connection is direct",
        "ok       prepare  statements are not prepared: auto, and the connection is through a pooler",
    ]


def test_a_check_says_that_there_is_no_pool(run: Run, new_url: str) -> None:
    assert "\nok       pool     none: each call and each transaction connects\n" in run(new_url, POOL_SIZE="0")[1]


def test_init_may_be_run_twice(cli: CommandLine, new_url: str) -> None:
    ended = [cli.run("init", DATABASE_URL=new_url) for _ in range(2)]
    assert [(one.returncode, one.stdout, one.stderr) for one in ended] == [(0, "the tables exist: task\n", "")] * 2


def test_a_check_changes_nothing(server: Server, cli: CommandLine, new_url: str) -> None:
    database = make_url(new_url).database
    assert database is not None
    with WireProxy(server.upstream, database=database) as proxy, proxy.watch() as seen:
        cli.run("check", DATABASE_URL=proxy.url)
    words = {one.sql.split(None, 1)[0].upper() for one in seen.statements}
    assert "SELECT" in words
    assert words <= {"SELECT", "SHOW", "BEGIN", "COMMIT", "ROLLBACK"}


def test_settings_are_read_from_the_env_file_of_the_folder(cli: CommandLine, new_url: str) -> None:
    env = cli.folder / ".env"
    env.write_text(f"DATABASE_URL={new_url}\n")
    try:
        assert cli.run("init").returncode == 0
    finally:
        env.unlink()
    assert cli.run("check", DATABASE_URL=new_url).returncode == 0
