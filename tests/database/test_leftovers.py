"""What is asserted after every test finds what a test leaves behind."""

import psycopg
import pytest
from sqlalchemy import Engine, make_url, select

from backend import Database
from backend.settings import Settings
from backend.tasks import TaskRepository
from tests.conftest import Server
from tests.support.leftovers import Watch, depends_on_session


@pytest.mark.parametrize(
    "sql",
    [
        "SET search_path = x", "set session characteristics as transaction read only", "RESET ALL", "DISCARD ALL",
        "LISTEN here", "UNLISTEN *", "PREPARE one AS SELECT 1", "EXECUTE one", "DEALLOCATE ALL", "LOAD 'x'",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CREATE TEMP TABLE x (y int)", "CREATE LOCAL TEMPORARY TABLE x ()",
        "SELECT 1 INTO TEMP x", "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock_shared(1)",
        "SELECT pg_advisory_unlock(1)", "SELECT set_config('a.b', 'c', false)", "SELECT lastval()",
        "SELECT currval('x')",
    ],
)  # fmt: skip
def test_a_statement_that_depends_on_its_session_is_found(sql: str) -> None:
    assert depends_on_session(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SET LOCAL search_path = x", "SET TRANSACTION READ ONLY", "BEGIN ISOLATION LEVEL SERIALIZABLE", "COMMIT",
        "UPDATE x SET y = 1", "PREPARE TRANSACTION 'x'", "DECLARE c CURSOR FOR SELECT 1", "FETCH 5 FROM c",
        "SELECT pg_advisory_xact_lock(1)", "CREATE TABLE template (x int)", "NOTIFY here", "SELECT reset FROM x",
    ],
)  # fmt: skip
def test_a_statement_of_a_transaction_is_not(sql: str) -> None:
    assert not depends_on_session(sql, "<unnamed>")


def test_a_connection_that_is_out_of_its_pool_is_found(clean: Engine, watch: Watch) -> None:
    with clean.connect():
        assert watch.pool_leftovers() == ["1 connections out of their pools"]
    assert watch.pool_leftovers() == []


def test_a_connection_that_goes_back_in_a_transaction_is_found(server: Server, watch: Watch) -> None:
    settings = Settings.from_url(server.url)
    with Database(settings) as database:
        raw = database.engine.raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.read_only = True
        raw.close()
        assert watch.pool_leftovers() == ["IDLE, read only and deferrable (True, None)"]


def test_an_open_transaction_is_found(clean: Engine, watch: Watch) -> None:
    with clean.connect() as connection:
        connection.execute(select(1))
        (found,) = watch.open_transactions(settled_s=0)
        assert found[0] == "idle in transaction"
    assert watch.open_transactions() == []


def test_every_statement_is_seen(server: Server, watch: Watch, direct: Database) -> None:
    if server.log is None:
        pytest.skip("the log of TEST_DATABASE_URL cannot be read")
    with direct.session() as session:
        TaskRepository(session).every_owner().count()
    assert watch.statements_of_a_session() == []
    conninfo = make_url(server.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET LOCAL\n search_path = x")
        connection.execute("SET\n search_path = x")
        connection.execute("SELECT %s", ["x"], prepare=True)
    assert watch.statements_of_a_session() == ["SET\n\t search_path = x", "SELECT $1"]
