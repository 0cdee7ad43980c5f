# Generated from tests/testing/_async/test_counted_round_trips.py by `python -m tools.generate_sync`: edit that one.
"""`round_trips()` counts what the wire shows, and lists it without parameters."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from sqlmodel import Session, col, select

from backend import Database
from backend.errors import UsageError
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from backend.testing import round_trips
from backend.testing.database import rolled_back
from tests.support.wire import WireProxy

TITLE = "the title that nobody may read"


@pytest.fixture
def session(database: Database) -> Generator[Session]:
    with rolled_back(database) as session:
        yield session


def create(session: Session) -> None:
    TaskRepository(session).owned_by("a").create(TaskCreate(title=TITLE))


def create_in_a_block(session: Session) -> None:
    with session.begin():
        create(session)
        with session.begin_nested():
            create(session)


def roll_back(session: Session) -> None:
    with session.begin() as transaction:
        create(session)
        transaction.rollback()


def fail(session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        with session.begin():
            create(session)
            _ = 1 // 0


def create_many(session: Session) -> None:
    TaskRepository(session).owned_by("a").create_many([TaskCreate(title=TITLE)] * 3)


def create_in_two_statements(session: Session) -> None:
    many = [TaskCreate(title=TITLE)] * 10_001
    TaskRepository(session).owned_by("a").create_many(many, returning=False)


def select_directly(session: Session) -> None:
    with session.begin():
        assert (session.exec(select(Task).where(col(Task.title) == TITLE))).all() == []


def begin_nothing(session: Session) -> None:
    with session.begin():
        _ = session.connection()


def flush(session: Session) -> None:
    with session.begin():
        session.add_all([Task(title=TITLE, user_id="a") for _ in range(3)])


BLOCKS = (
    create,
    create_in_a_block,
    roll_back,
    fail,
    create_many,
    create_in_two_statements,
    select_directly,
    begin_nothing,
    flush,
)


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize("block", BLOCKS)
def test_as_many_are_counted_as_the_wire_shows(
    database: Database, proxy: WireProxy, block: Callable[[Session], None]
) -> None:
    with database.session() as session:
        with proxy.watch() as seen, round_trips(session) as trips:
            block(session)
        assert trips.count == seen.round_trips
        assert [sent.split()[0] for sent in trips] == [statement.sql.split()[0] for statement in seen.statements]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_rolled_back_session_counts_as_in_production(
    database: Database,
    session: Session,
    block: Callable[[Session], None],
) -> None:
    with database.session() as durable:
        with round_trips(database) as expected:
            block(durable)
    with round_trips(session) as trips:
        block(session)
    if block is not begin_nothing:  # there psycopg sends nothing, and SQLAlchemy a savepoint
        assert trips.count == expected.count, f"{trips}\n{expected}"


def test_another_number_fails_with_the_statements_and_no_parameter(database: Database) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        task = tasks.create(TaskCreate(title=TITLE))
        with pytest.raises(AssertionError) as raised, round_trips(database, expected=1):
            tasks.get(task.id)
            tasks.update(task.id, TaskUpdate(title=TITLE))
    text = str(raised.value)
    assert text.startswith("expected 1, got 2 round trips\n  1. SELECT task.id")
    assert "\n  2. UPDATE task SET title=" in text
    assert TITLE not in text


def test_an_error_of_the_block_is_raised_as_it_is(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), round_trips(database, expected=1):
        _ = 1 // 0


def test_nothing_is_counted_after_the_block(database: Database) -> None:
    with round_trips(database.engine, expected=0) as trips:
        pass
    database.ping()
    assert trips.count == 0


def test_only_the_sessions_own_connection_is_counted(database: Database, session: Session) -> None:
    with round_trips(session, expected=0), round_trips(database, expected=1):
        database.ping()


def test_another_target_is_refused() -> None:
    target: Any = "url"
    with pytest.raises(UsageError, match="takes a database, a session or an engine, got a str"), round_trips(target):
        pass
