"""Every SQLSTATE that PostgreSQL documents has its class, and the real server's errors arrive as that class."""

import re
import select as polling
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, String, column, create_engine, func, select, text
from sqlalchemy.pool import NullPool

from backend import errors
from backend.database.failures.sqlstates import error_class
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.embedded import EmbeddedServer
from backend.errors import RepositoryError
from tests.support.sqlstates import DOCUMENTED, OUTSIDE_A_TRANSACTION, PREPARED, PROVOKED, SINCE, UNTIL_16

OPERATION = Operation("test")


def codes() -> dict[str, type[RepositoryError]]:
    return {code: kind for kind, listed in DOCUMENTED.items() for code in listed.split()}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with EmbeddedServer() as server:
        engine = create_engine(server.url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(PREPARED))
        yield engine


def _require_server_with(code: str, engine: Engine) -> None:
    if (engine.dialect.server_version_info or ()) < (SINCE.get(code, 0),):
        pytest.skip(f"{code} is raised since PostgreSQL {SINCE[code]}")


def run(connection: Connection, sql: str) -> None:
    """Runs it as the package runs a statement."""
    with translate_errors(OPERATION, "statement", connection):
        connection.execution_options(no_parameters=True).exec_driver_sql(sql)


def test_every_documented_code_has_its_class() -> None:
    assert {code: error_class(code) for code in codes()} == codes()


def test_the_documented_codes_are_those_of_the_server(engine: Engine) -> None:
    folder = select(column("setting", String())).select_from(func.pg_config()).where(column("name") == "SHAREDIR")
    with engine.connect() as connection:
        listed = (Path(connection.execute(folder).scalar_one()) / "errcodes.txt").read_text()
        version = connection.dialect.server_version_info or ()
    found = set(re.findall(r"^(\w{5})\s+E\s", listed, re.MULTILINE))
    assert found - UNTIL_16 <= set(codes())
    assert version < (18,) or found == set(codes())


@pytest.mark.parametrize("code", ["00000", "01000", "02000", "99999", "ZZZZZ"])
def test_a_code_that_is_no_error_or_unknown_is_a_refusal_of_the_server(code: str) -> None:
    assert error_class(code) is errors.DatabaseError


@pytest.mark.parametrize("code", PROVOKED)
def test_each_code_of_the_server_raises_its_class(engine: Engine, code: str) -> None:
    sql = PROVOKED[code].replace("{many}", ", ".join(["1"] * 2000))
    _require_server_with(code, engine)
    with engine.connect() as connection, pytest.raises(RepositoryError) as raised:
        run(connection, sql)
    assert (type(raised.value), raised.value.sqlstate) == (codes()[code], code)
    assert raised.value.outcome == "not_applied"


@pytest.mark.parametrize("code", OUTSIDE_A_TRANSACTION)
def test_each_code_outside_a_transaction_raises_its_class(engine: Engine, code: str) -> None:
    with engine.connect() as connection, pytest.raises(RepositoryError) as raised:
        run(connection.execution_options(isolation_level="AUTOCOMMIT"), OUTSIDE_A_TRANSACTION[code])
    assert (type(raised.value), raised.value.sqlstate) == (codes()[code], code)


def test_the_server_raises_every_code_when_a_function_of_its_own_does(engine: Engine) -> None:
    seen: dict[str, type[RepositoryError]] = {}
    with engine.connect() as connection:
        for code in codes():
            with connection.begin(), pytest.raises(RepositoryError) as raised:
                run(connection, f"DO $$ BEGIN RAISE 'x' USING ERRCODE = '{code}'; END $$")
            assert raised.value.sqlstate == code
            assert raised.value.outcome == "not_applied"
            seen[code] = type(raised.value)
    # nothing is unknown in a transaction that goes on
    assert seen == codes() | dict.fromkeys(("08007", "40003"), errors.ConnectionLostError)


def test_a_statement_after_a_failed_one_raises_failed_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(errors.InvalidDataError):
            run(connection, "SELECT 1/0")
        with pytest.raises(errors.FailedTransactionError) as raised:
            run(connection, "SELECT 1")
    assert raised.value.sqlstate == "25P02"


@pytest.mark.parametrize(
    ("sql", "expected", "sqlstate"),
    [
        ("SET LOCAL idle_in_transaction_session_timeout = 1000", errors.ConnectionLostError, "25P03"),
        ("SET LOCAL transaction_timeout = 20; SELECT pg_sleep(10)", errors.StatementTimeoutError, "25P04"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", errors.ConnectionLostError, "57P01"),
    ],
)
def test_a_session_that_the_server_ends_is_lost_and_can_be_tried_again(
    engine: Engine, sql: str, expected: type[RepositoryError], sqlstate: str
) -> None:
    _require_server_with(sqlstate, engine)
    with engine.connect() as connection, pytest.raises(RepositoryError) as raised:
        run(connection, sql)
        _wait_for_its_end(connection)
        run(connection, "SELECT 1")
    assert (type(raised.value), raised.value.sqlstate) == (expected, sqlstate)
    assert (raised.value.retryable, raised.value.outcome) == (True, "not_applied")


def _wait_for_its_end(connection: Connection) -> None:
    """Returns when the server has sent its last word."""
    driver = connection.connection.driver_connection
    assert driver is not None
    assert polling.select([driver.fileno()], [], [], 10)[0]


def test_conflicts_between_transactions_are_told_apart(engine: Engine) -> None:
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM parent")
        run(one, "UPDATE parent SET id = id")
        with pytest.raises(errors.LockNotAvailableError):
            run(two, "SELECT FROM parent FOR UPDATE NOWAIT")
        two.rollback()
        run(two, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM parent")
        one.commit()
        with pytest.raises(errors.SerializationError):
            run(two, "UPDATE parent SET id = id")


def test_a_deadlock_is_raised_in_one_of_two(engine: Engine) -> None:
    def cross(connection: Connection, table: str) -> type[Exception] | None:
        try:
            run(connection, f"SET LOCAL deadlock_timeout = '5ms'; LOCK TABLE {table}")
        except RepositoryError as error:
            return type(error)
        finally:
            connection.rollback()
        return None

    with engine.connect() as one, engine.connect() as two, ThreadPoolExecutor() as threads:
        run(one, "LOCK TABLE parent")
        run(two, "LOCK TABLE child")
        ends = [threads.submit(cross, one, "child"), threads.submit(cross, two, "parent")]
        told = [end.result() for end in ends]
    assert errors.DeadlockError in told
    assert set(told) <= {errors.DeadlockError, None}
