"""What `check` reports, and `init` creates."""

import re

from sqlalchemy import make_url

from tests.conftest import Server
from tests.support.cli import CommandLine
from tests.support.wire import WireProxy

_REPORT = re.compile(
    r"server   PostgreSQL \d+(\.\d+)?( .+)?\n"
    r"connect  \d+\.\d ms\n"
    r"latency  \d+\.\d\d ms \(one round trip, best of 5\)\n"
    r"pool     3 \+ 4 connections, recycled after 99 s\n"
    r"tables   (.+)\n"
)
POOL = {"POOL_SIZE": "3", "POOL_MAX_OVERFLOW": "4", "POOL_RECYCLE_S": "99"}


def test_a_database_without_its_tables_fails_the_check(cli: CommandLine, new_url: str) -> None:
    ended = cli.run("check", DATABASE_URL=new_url, **POOL)
    report = _REPORT.fullmatch(ended.stdout)
    assert report
    assert report[3] == "missing: task; run python -m backend init"
    assert (ended.returncode, ended.stderr) == (1, "")


def test_a_database_with_its_tables_passes_the_check(cli: CommandLine, new_url: str) -> None:
    cli.run("init", DATABASE_URL=new_url)
    ended = cli.run("check", DATABASE_URL=new_url, **POOL)
    report = _REPORT.fullmatch(ended.stdout)
    assert report
    assert report[3] == "all there: task"
    assert (ended.returncode, ended.stderr) == (0, "")


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
