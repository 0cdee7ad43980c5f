"""An error of a command is one line on stderr and exit code 1: no traceback, and nothing of the URL."""

import re
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conftest import Server
from tests.support.cli import CommandLine
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Refuse

COMMANDS = ("demo", "check", "init")
_LINE = re.compile(r"error: [^\n]+\n")
_MALFORMED = "error: DATABASE_URL is malformed: expected postgresql://user:password@host/database"
_NO_SERVER = "found no connection: host '127.0.0.1' refused a connection to port 1\n"


def refused(cli: CommandLine, command: str, url: str) -> str:
    """The line with which the command fails on this URL."""
    ended = cli.run(command, DATABASE_URL=url, CONNECT_RETRY_S="0")
    assert ended.returncode == 1
    assert _LINE.fullmatch(ended.stderr)
    assert "canary" not in ended.stdout + ended.stderr
    return ended.stderr


@pytest.mark.parametrize(
    "url",
    [
        "",
        "canary",
        "mysql://canary:canary@canary/canary",
        "postgresql://canary:canary@127.0.0.1:canary/canary",
        "postgresql://canary:can@ry:canary@[::1/canary",
        "postgresql://canary:can\udcff@canary/canary",
        "postgresql://canary:canary%00@127.0.0.1:1/canary",
    ],
)
def test_a_malformed_url_is_described(cli: CommandLine, url: str) -> None:
    assert refused(cli, "check", url).startswith(_MALFORMED)


def test_an_unknown_option_of_the_url_is_described(cli: CommandLine) -> None:
    line = refused(cli, "check", "postgresql://canary:canary@127.0.0.1/canary?canary=canary")
    assert line == "error: DATABASE_URL has an option, after its '?', that libpq does not know\n"


def test_an_unknown_sslmode_is_described(cli: CommandLine) -> None:
    line = refused(cli, "check", "postgresql://canary:canary@127.0.0.1:1/canary?sslmode=canary")
    assert line.startswith("error: DATABASE_URL is malformed: expected sslmode to be one of disable, allow, ")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("127.0.0.1:1/canary", "host '127.0.0.1' refused a connection to port 1"),
        ("unknown.invalid/canary", "the name of host 'unknown.invalid' is unknown"),
        (
            "/canary?host=/nowhere",
            "nothing listens at port 5432 in the socket folder '/nowhere', or an option of DATABASE_URL cannot be "
            "used, such as a service, GSSAPI or a certificate",
        ),
    ],
)
def test_a_server_that_is_not_there_is_described(cli: CommandLine, place: str, message: str) -> None:
    line = refused(cli, "check", f"postgres://canary:canary@{place}")
    assert line == f"error: ping found no connection: {message}\n"


@pytest.mark.parametrize(("command", "work"), [("demo", "init_db"), ("check", "ping"), ("init", "init_db")])
def test_each_command_fails_with_what_it_was_doing(cli: CommandLine, command: str, work: str) -> None:
    line = refused(cli, command, "postgresql://canary:canary@127.0.0.1:1/canary")
    assert line == f"error: {work} {_NO_SERVER}"


def test_a_database_that_does_not_exist_is_described(server: Server, cli: CommandLine) -> None:
    url = make_url(server.url).set(database="canary").render_as_string(hide_password=False)
    line = refused(cli, "check", url)
    assert line == "error: ping found no connection: the server has no such database (SQLSTATE 3D000)\n"


def test_a_password_that_is_wrong_is_described(server: Server, cli: CommandLine) -> None:
    refusal = Refuse("28P01", 'password authentication failed for user "canary"')
    with WireProxy(server.upstream) as proxy, proxy.fault(Fault("connect", refusal, times=9)):
        line = refused(cli, "check", f"postgresql://canary:canary@/canary?host={proxy.folder}")
    assert line == "error: ping found no connection: the server refuses user or password (SQLSTATE 28P01)\n"


@pytest.mark.parametrize("command", ["check", "init"])
def test_a_missing_url_is_named(cli: CommandLine, command: str) -> None:
    ended = cli.run(command)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "error: DATABASE_URL is not set: expected postgresql://user:password@host/database, "
        "in the environment or in .env\n"
    )


def test_another_setting_that_is_malformed_is_named(cli: CommandLine) -> None:
    ended = cli.run("check", DATABASE_URL="postgresql://canary@canary/canary", POOL_SIZE="canary")
    assert ended.returncode == 1
    assert re.fullmatch(r"error: POOL_SIZE is malformed: [^\n]+\n", ended.stderr)
    assert "canary" not in ended.stderr


def test_an_env_file_that_cannot_be_read_is_one_line(cli: CommandLine) -> None:
    env = Path(cli.folder / ".env")
    env.write_bytes(b"DATABASE_URL=postgresql://canary\xff@canary/canary\n")
    try:
        ended = cli.run("check")
    finally:
        env.unlink()
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "error: .env is not UTF-8: save it as UTF-8\n")


@pytest.mark.parametrize("arguments", [(), ("canary",), ("check", "--canary")])
def test_a_command_that_does_not_exist_is_explained(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    ended = cli.run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("usage: python -m backend")
    assert "Traceback" not in ended.stderr
