"""A hot standby: what reads runs there as on its primary, and what writes is refused."""

from collections.abc import Generator

import pytest
from sqlalchemy import func
from sqlmodel import Session, select

from backend import Database, init_db
from backend.database.retrying.identity import commit_status, read_identity
from backend.database.sessions.state import ensure_state
from backend.embedded import EmbeddedServer
from backend.errors import NotPermittedError
from backend.tasks import Task, TaskCreate, TaskRepository
from tests.support.clusters import durable_server, standby_of
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Statement


@pytest.fixture(scope="module")
def primary() -> Generator[EmbeddedServer]:
    with durable_server() as server, Database(server.url) as database:
        init_db(database)
        yield server


@pytest.fixture(scope="module")
def standby(primary: EmbeddedServer) -> Generator[EmbeddedServer]:
    with standby_of(primary) as server:
        yield server


def is_commit(statement: Statement) -> bool:
    return statement.sql == "COMMIT"


def count(session: Session) -> int:
    return TaskRepository(session).owned_by("a").count()


def upper(session: Session) -> str:
    """A read, by a function that could write."""
    return str(session.exec(select(func.upper("read"))).one())


def create(session: Session) -> Task:
    return TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def test_a_run_that_reads_succeeds(standby: EmbeddedServer) -> None:
    with Database(standby.url) as database:
        assert database.run(count) == 0
        assert database.run(upper) == "READ"
        with database.transaction() as session:
            assert upper(session) == "READ"


def test_a_read_whose_commit_is_lost_is_run_again(standby: EmbeddedServer) -> None:
    with WireProxy(standby.socket_folder) as proxy, Database(proxy.url) as database:
        with proxy.fault(Fault("within_answer", Cut(), is_commit)) as armed:
            assert database.run(upper) == "READ"
        assert armed.fired == 1


def test_a_run_that_writes_is_refused_once_where_a_standby_is_asked_for(standby: EmbeddedServer) -> None:
    runs: list[Session] = []

    def work(session: Session) -> None:
        runs.append(session)
        create(session)

    with Database(f"{standby.url}&target_session_attrs=standby") as database, pytest.raises(NotPermittedError):
        database.run(work)
    assert len(runs) == 1


def test_neither_a_standby_nor_what_it_becomes_tells_the_fate_of_its_primarys_transaction(
    primary: EmbeddedServer,
) -> None:
    with Database(primary.url) as database, standby_of(primary) as follower, Database(follower.url) as other:
        with database.session() as session:
            ensure_state(session).may_have_written = False
            session.begin()
            create(session)
            receipt = read_identity(session)
            session.commit()
        assert receipt is not None
        assert commit_status(database.engine, receipt) == "committed"
        assert commit_status(other.engine, receipt) == "unknowable"
        with other.session() as session, session.begin():
            assert session.exec(select(func.pg_promote())).one()
        assert other.run(create).id
        assert commit_status(other.engine, receipt) == "unknowable"
