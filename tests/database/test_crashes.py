"""A COMMIT that a crash answers: an id that left no trace is given out again, and then tells of another transaction."""

import threading
from collections.abc import Callable, Generator

import psycopg
import pytest
from sqlalchemy import Engine, String, cast, func
from sqlmodel import Session, col, select

from backend import Database, init_db
from backend.database.retrying.identity import TransactionIdentity, commit_status, read_identity
from backend.database.sessions.state import ensure_state
from backend.embedded import EmbeddedServer
from backend.errors import OutcomeUnknownError
from backend.tasks import Task, TaskCreate, TaskRepository
from tests.support.clusters import crash, crash_a_backend, durable_server
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Stall, Statement

Crash = Callable[[EmbeddedServer], None]

each_crash = pytest.mark.parametrize("crashed", [crash, crash_a_backend])


@pytest.fixture(scope="module")
def durable() -> Generator[EmbeddedServer]:
    with durable_server() as server, Database(server.url) as database:
        init_db(database)
        yield server


def take_an_id(session: Session) -> str:
    """Makes the transaction one that has written, though nothing of it reaches the write-ahead log."""
    return str(session.exec(select(cast(func.pg_current_xact_id(), String))).one())


def create(session: Session, title: str = "x") -> Task:
    return TaskRepository(session).owned_by("a").create(TaskCreate(title=title))


def is_commit(statement: Statement) -> bool:
    return statement.sql == "COMMIT"


def give_out(engine: Engine, id: str) -> None:
    """Commits transactions until one has had this id."""
    with Database(engine).session() as session:
        given = 0
        while given < int(id):
            with session.begin():
                given = int(take_an_id(session))


def receipt_before(database: Database, crashed: Callable[[], None]) -> TransactionIdentity:
    """The receipt of a transaction that the crash ends, while its id leaves no trace."""
    with database.session() as session:
        ensure_state(session).may_have_written = False
        session.begin()
        take_an_id(session)
        receipt = read_identity(session)
        crashed()
        session.invalidate()
    assert receipt is not None
    return receipt


@each_crash
def test_an_id_that_was_given_out_again_after_a_crash_tells_nothing(durable: EmbeddedServer, crashed: Crash) -> None:
    with Database(durable.url) as database:
        receipt = receipt_before(database, lambda: crashed(durable))
        give_out(database.engine, receipt.transaction)
        assert commit_status(database.engine, receipt) == "unknowable"


@each_crash
def test_a_run_whose_id_was_given_out_again_after_a_crash_is_unknown(durable: EmbeddedServer, crashed: Crash) -> None:
    ids: list[str] = []
    raised: list[Exception] = []

    def run(database: Database) -> None:
        try:
            database.run(lambda session: ids.append(take_an_id(session)))
        except OutcomeUnknownError as error:
            raised.append(error)

    with WireProxy(durable.socket_folder) as proxy, Database(proxy.url) as database, Database(durable.url) as direct:
        thread = threading.Thread(target=run, args=(database,))
        with (
            proxy.fault(Fault("before_statement", Stall(), is_commit)) as sent,
            proxy.fault(Fault("before_statement", Stall(), "pg_xact_status")) as asked,
        ):
            thread.start()
            sent.wait()
            crashed(durable)
            asked.wait()
            give_out(direct.engine, ids[0])
        thread.join()
    assert len(ids) == len(raised) == 1


@each_crash
def test_a_run_whose_id_is_in_the_log_is_rolled_back_by_a_crash_and_run_again(
    durable: EmbeddedServer, crashed: Crash
) -> None:
    runs: list[int] = []
    made: list[Task] = []

    def work(session: Session) -> Task:
        runs.append(len(runs))
        return create(session, crashed.__name__)

    with WireProxy(durable.socket_folder) as proxy, Database(proxy.url) as database, Database(durable.url) as direct:
        thread = threading.Thread(target=lambda: made.append(database.run(work)))
        with proxy.fault(Fault("before_statement", Stall(), is_commit)) as sent:
            thread.start()
            sent.wait()
            direct.run(create)  # its COMMIT brings the log of both to the disk
            crashed(durable)
        thread.join()
        assert len(runs) == 2
        with direct.session() as session:
            assert TaskRepository(session).owned_by("a").list(col(Task.title) == crashed.__name__) == made


def test_a_role_without_privileges_learns_the_fate(durable: EmbeddedServer) -> None:
    with psycopg.connect(f"host={durable.socket_folder} user=postgres") as connection:
        connection.execute("CREATE ROLE ordinary LOGIN")
    runs: list[str] = []
    with WireProxy(durable.socket_folder, user="ordinary") as proxy, Database(proxy.url) as database:
        with proxy.fault(Fault("within_answer", Cut(), is_commit)) as armed:
            database.run(lambda session: runs.append(take_an_id(session)))
        assert armed.fired == len(runs) == 1
