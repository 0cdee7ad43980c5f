"""A refused connect says why, by the server's own code, and is tried again while the database wakes."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from psycopg import OperationalError
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.pool import NullPool

from backend import AsyncDatabase, Database, init_db
from backend.database.connections.probe import ConnectProbe
from backend.embedded import EmbeddedServer
from backend.errors import (
    ConnectError,
    CredentialsError,
    InvalidDataError,
    RepositoryError,
    SettingsError,
    UnknownDatabaseError,
)
from backend.settings import Settings
from backend.tasks import TaskCreate, TaskRepository
from tests.conftest import Server
from tests.support.cli import new_database
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Refuse, Stall

CANARY = "canary-in-the-password"
OPTION = "or an option of DATABASE_URL cannot be used, such as a service, GSSAPI or a certificate"
OPTION_TOO = f"no network reaches it, {OPTION}"


def ping(settings: Settings) -> None:
    with Database(settings) as database:
        database.ping()


def async_ping(settings: Settings) -> None:
    async def run() -> None:
        async with AsyncDatabase(settings) as database:
            await database.ping()

    asyncio.run(run())


Ping = Callable[[Settings], None]
both = pytest.mark.parametrize("ping", [ping, async_ping])


def settings(url: str, retry_s: float = 0) -> Settings:
    return Settings.from_url(url).model_copy(update={"connect_retry_s": retry_s})


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """The URL of a server that asks `member` for a password, without user and database: format it."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with EmbeddedServer(Path(folder) / "kept") as server:
            engine = create_engine(server.url, poolclass=NullPool)
            with engine.begin() as connection:
                connection.execute(text("CREATE ROLE member LOGIN PASSWORD 'right'"))
                connection.execute(text("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0"))
            rules = Path(folder) / "kept" / "data" / "pg_hba.conf"
            rules.write_text("local all member scram-sha-256\n" + rules.read_text())
            with engine.begin() as connection:
                connection.execute(select(func.pg_reload_conf()))
            yield server.url.replace("//postgres@/postgres", "//{}@/{}")


@both
@pytest.mark.parametrize(
    ("account", "expected", "sqlstate"),
    [
        ((f"member:{CANARY}", "postgres"), CredentialsError, "28P01"),
        ((f"{CANARY}:x", "postgres"), CredentialsError, "28000"),
        (("postgres", CANARY), UnknownDatabaseError, "3D000"),
        (("crowd", "postgres"), ConnectError, "53300"),
    ],
)
def test_a_refused_connect_raises_by_sqlstate(
    guarded: str, ping: Ping, account: tuple[str, str], expected: type[RepositoryError], sqlstate: str
) -> None:
    with pytest.raises(ConnectError) as raised:
        ping(settings(guarded.format(*account)))
    assert (type(raised.value), raised.value.sqlstate) == (expected, sqlstate)
    assert CANARY not in f"{raised.value} {raised.value!r}"
    assert raised.value.outcome == "not_applied"


@both
def test_the_right_password_connects(guarded: str, ping: Ping) -> None:
    ping(settings(guarded.format("member:right", "postgres")))


@both
@pytest.mark.parametrize("sqlstate", ["57P03", "XX000", "53300"])
def test_a_waking_database_is_asked_again(proxy: WireProxy, ping: Ping, sqlstate: str) -> None:
    with proxy.fault(Fault("connect", Refuse(sqlstate, "not yet"), times=6)) as armed:
        ping(settings(proxy.url, retry_s=30))
    assert armed.fired == 6


@both
def test_a_database_that_does_not_wake_is_an_error_that_says_it_can_be_tried_again(
    proxy: WireProxy, ping: Ping
) -> None:
    with proxy.fault(Fault("connect", Refuse("57P03", CANARY), times=1000)), pytest.raises(ConnectError) as raised:
        ping(settings(proxy.url, retry_s=0.2))
    assert (raised.value.sqlstate, raised.value.retryable) == ("57P03", True)
    assert CANARY not in str(raised.value)


@both
def test_a_wrong_password_is_not_tried_again(proxy: WireProxy, ping: Ping) -> None:
    with (
        proxy.fault(Fault("connect", Refuse("28P01", "no"), times=1000)) as armed,
        pytest.raises(CredentialsError) as raised,
    ):
        ping(settings(proxy.url, retry_s=30))
    assert not raised.value.retryable
    assert armed.fired == 2  # the attempt, and the question why


@both
def test_a_connect_that_is_cut_is_a_connect_error(proxy: WireProxy, ping: Ping) -> None:
    with proxy.fault(Fault("connect", Cut(), times=1000)), pytest.raises(ConnectError) as raised:
        ping(settings(proxy.url, retry_s=30))
    assert raised.value.sqlstate is None


@both
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("127.0.0.1:1/x", "host '127.0.0.1' refused a connection to port 1"),
        ("unknown.invalid/x", "the name of host 'unknown.invalid' is unknown"),
        ("/x?host=/nowhere", f"nothing listens at port 5432 in the socket folder '/nowhere', {OPTION}"),
        (f"/x?service={CANARY}", f"libpq began no connection to host 'localhost', port 5432: {OPTION_TOO}"),
        ("127.0.0.1/x?gssencmode=require", f"libpq began no connection to host '127.0.0.1', port 5432: {OPTION_TOO}"),
        ("a.invalid,b.invalid/x", "the names of the hosts 'a.invalid', 'b.invalid' are unknown"),
        ("127.0.0.1:1,127.0.0.2:1/x", "none of the hosts '127.0.0.1', '127.0.0.2' opened a session"),
    ],
)
def test_a_connect_that_reaches_nobody_says_where_and_why(ping: Ping, place: str, message: str) -> None:
    with pytest.raises(ConnectError) as raised:
        ping(settings(f"postgresql://{CANARY}:{CANARY}@{place}", retry_s=30))
    assert str(raised.value) == f"ping found no connection: {message}"
    assert (raised.value.retryable, raised.value.outcome) == (True, "not_applied")


@both
def test_a_connect_without_an_answer_says_so(proxy: WireProxy, ping: Ping) -> None:
    quick = settings(proxy.url).model_copy(update={"connect_timeout_s": 2})
    with proxy.fault(Fault("connect", Stall(), times=1000)), pytest.raises(ConnectError) as raised:
        ping(quick)
    assert str(raised.value).endswith(" gave no answer at port 5432 in time")


@both
def test_a_refused_connect_that_is_then_not_answered_says_so(proxy: WireProxy, ping: Ping) -> None:
    quick = settings(proxy.url).model_copy(update={"connect_timeout_s": 2})
    stalled = Fault("connect", Stall(), times=1000)
    with proxy.fault(Fault("connect", Cut())), proxy.fault(stalled), pytest.raises(ConnectError) as raised:
        ping(quick)
    assert str(raised.value).endswith(" gave no answer at port 5432 in time")


@both
def test_a_refusal_with_a_code_that_nobody_knows_is_a_refused_connect(proxy: WireProxy, ping: Ping) -> None:
    with proxy.fault(Fault("connect", Refuse("XYZ99", CANARY), times=1000)), pytest.raises(ConnectError) as raised:
        ping(settings(proxy.url))
    assert CANARY not in str(raised.value)


def test_a_probe_that_is_left_before_it_starts_leaves_no_connection(server: Server) -> None:
    with ConnectProbe(server.url.replace("+psycopg", ""), ()) as probe:
        pass
    probe.start()
    with pytest.raises(OperationalError):
        _ = probe.socket


@both
def test_a_refused_connect_names_its_place(proxy: WireProxy, ping: Ping) -> None:
    with proxy.fault(Fault("connect", Refuse("57P03", CANARY), times=1000)), pytest.raises(ConnectError) as raised:
        ping(settings(proxy.url))
    assert ", port 5432" in str(raised.value)
    assert "SQLSTATE 57P03" in str(raised.value)


@both
def test_an_unknown_option_in_the_url_is_a_settings_error(ping: Ping) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL") as raised:
        ping(settings(f"postgresql://someone:{CANARY}@127.0.0.1:1/x?{CANARY}=1"))
    assert CANARY not in str(raised.value)


@both
@pytest.mark.parametrize(("option", "sqlstate"), [("bogus%3D1", "42704"), (f"work_mem%3D{CANARY}", "22023")])
def test_an_option_that_the_server_refuses_is_a_settings_error(
    server: Server, ping: Ping, option: str, sqlstate: str
) -> None:
    separator = "&" if "?" in server.url else "?"
    with pytest.raises(SettingsError) as raised:
        ping(settings(f"{server.url}{separator}options=-c%20{option}"))
    assert str(raised.value) == (
        f"ping found no connection: the server refuses an option of DATABASE_URL (SQLSTATE {sqlstate})"
    )


@both
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_takes_text(server: Server, ping: Ping, encoding: str) -> None:
    with new_database(server.url, encoding) as url:
        ping(settings(url))
        with Database(settings(url)) as database, database.session() as session:
            init_db(database)
            tasks = TaskRepository(session).owned_by("Zoë")
            made = tasks.create(TaskCreate(title="Crème brûlée"))
            assert tasks.get(made.id) == made


def test_a_character_that_the_database_lacks_is_invalid_data(server: Server) -> None:
    with new_database(server.url, "LATIN1") as url, Database(settings(url)) as database, database.session() as session:
        init_db(database)
        with pytest.raises(InvalidDataError) as raised:
            TaskRepository(session).owned_by("a").create(TaskCreate(title="5 €"))
        assert raised.value.sqlstate == "22P05"
