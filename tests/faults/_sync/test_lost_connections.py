# Generated from tests/faults/_async/test_lost_connections.py by `python -m tools.generate_sync`: edit that one.
"""What a connection that breaks, or that the server ends, means for the work that was under way."""

import pytest
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from backend import Database
from backend.errors import (
    ConnectError,
    ConnectionLostError,
    CredentialsError,
    FailedTransactionError,
    OutcomeUnknownError,
    RepositoryError,
    StatementTimeoutError,
    UnknownDatabaseError,
)
from backend.settings import Settings
from backend.tasks import TaskCreate, TaskRepository, TaskUpdate
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Refuse, Statement

CANARY = "canary-of-a-server"


@pytest.mark.parametrize(
    ("sqlstate", "for_a_write", "for_a_read"),
    [
        ("57P01", OutcomeUnknownError, ConnectionLostError),
        ("08P01", OutcomeUnknownError, ConnectionLostError),
        ("XX000", OutcomeUnknownError, ConnectionLostError),
        ("25P04", OutcomeUnknownError, StatementTimeoutError),
        ("57P05", ConnectionLostError, ConnectionLostError),  # closed before it read the statement
        ("28P01", CredentialsError, CredentialsError),  # a pooler that connects late
        ("3D000", UnknownDatabaseError, UnknownDatabaseError),
        ("53300", ConnectError, ConnectError),
    ],
)
def test_the_sqlstate_of_an_ended_session_decides_the_error(
    session: Session,
    proxy: WireProxy,
    sqlstate: str,
    for_a_write: type[RepositoryError],
    for_a_read: type[RepositoryError],
) -> None:
    tasks = TaskRepository(session).owned_by("a")
    task = tasks.create(TaskCreate(title="x"))

    def write() -> object:
        return tasks.update(task.id, TaskUpdate(title="y"))

    def read() -> object:
        return tasks.get(task.id)

    for call, expected in ((write, for_a_write), (read, for_a_read)):
        with proxy.fault(Fault("before_statement", Refuse(sqlstate, CANARY))), pytest.raises(RepositoryError) as raised:
            call()
        assert (type(raised.value), raised.value.sqlstate) == (expected, sqlstate)
        assert raised.value.outcome == ("unknown" if expected is OutcomeUnknownError else "not_applied")
        assert CANARY not in f"{raised.value!r}"


def test_a_lost_answer_leaves_a_write_unknown_and_a_read_undone(session: Session, proxy: WireProxy) -> None:
    tasks = TaskRepository(session).owned_by("a")
    with proxy.fault(Fault("after_statement", Cut())), pytest.raises(OutcomeUnknownError):
        tasks.create(TaskCreate(title="x"))
    with proxy.fault(Fault("after_statement", Cut())), pytest.raises(ConnectionLostError) as raised:
        tasks.list()
    assert raised.value.retryable


def is_commit(statement: Statement) -> bool:
    return statement.sql == "COMMIT"


def test_a_read_at_another_isolation_level_is_never_unknown(proxy: WireProxy, clean: Engine) -> None:
    engine = create_engine(proxy.url, isolation_level="SERIALIZABLE")
    with Database(engine).session() as session:
        with proxy.fault(Fault("after_statement", Cut(), is_commit)), pytest.raises(ConnectionLostError):
            TaskRepository(session).every_owner().list()
        with proxy.fault(Fault("after_statement", Cut(), is_commit)), pytest.raises(OutcomeUnknownError):
            TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
    engine.dispose()


def test_a_commit_whose_answer_is_lost_is_unknown(database: Database, proxy: WireProxy) -> None:
    with proxy.fault(Fault("after_statement", Cut(), is_commit)), pytest.raises(OutcomeUnknownError) as raised:
        with database.transaction() as session:
            TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
    assert raised.value.operation == "transaction"


def test_a_call_after_a_lost_connection_belongs_to_a_failed_transaction(database: Database, proxy: WireProxy) -> None:
    with pytest.raises(FailedTransactionError):
        with database.transaction() as session:
            tasks = TaskRepository(session).owned_by("a")
            with proxy.fault(Fault("after_statement", Cut(), "INSERT")), pytest.raises(ConnectionLostError):
                tasks.create(TaskCreate(title="x"))
            with pytest.raises(FailedTransactionError):
                tasks.list()


def test_a_transaction_that_finds_no_server_says_so(proxy: WireProxy) -> None:
    with Database(Settings.from_url(proxy.url).model_copy(update={"connect_retry_s": 0})) as database:
        with proxy.fault(Fault("connect", Cut(), times=9)), pytest.raises(ConnectError):
            with database.transaction() as session:
                TaskRepository(session).every_owner().list()
