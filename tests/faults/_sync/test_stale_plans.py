# Generated from tests/faults/_async/test_stale_plans.py by `python -m tools.generate_sync`: edit that one.
"""A prepared statement whose table changes elsewhere fails once: nothing is applied, and trying again helps."""

from collections.abc import Generator

import psycopg
import pytest
from sqlalchemy import create_engine, func
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from backend import Database, init_db
from backend.errors import InvalidStatementError, TransientError
from backend.settings import Settings
from backend.tasks import Task, TaskCreate, TaskRepository

pytestmark = pytest.mark.session_state("the statements are prepared")


class Stage:
    """A database that prepares every statement, and another client that changes the table."""

    def __init__(self, url: str, database: Database) -> None:
        self.database = database
        self._url = url.replace("postgresql+psycopg", "postgresql")
        self._length = 300

    def alter(self) -> None:
        self._length += 1
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"ALTER TABLE task ALTER COLUMN description TYPE VARCHAR({self._length})".encode())


@pytest.fixture(params=["own", "given"])
def stage(own_tables: str, request: pytest.FixtureRequest) -> Generator[Stage]:
    if request.param == "own":
        settings = Settings.from_url(own_tables).model_copy(update={"prepare_threshold": 0, "pool_size": 1})
        with Database(settings) as database:
            init_db(database, Task.metadata)
            yield Stage(own_tables, database)
        return
    engine = create_engine(own_tables, connect_args={"prepare_threshold": 0}, pool_size=1)
    database = Database(engine)
    init_db(database, Task.metadata)
    yield Stage(own_tables, database)
    engine.dispose()


def test_a_call_on_a_stale_plan_applies_nothing_and_can_be_tried_again(stage: Stage) -> None:
    with stage.database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.create(TaskCreate(title="before"))
        stage.alter()
        with pytest.raises(TransientError) as raised:
            tasks.create(TaskCreate(title="not applied"))
        error = raised.value
        assert (error.sqlstate, error.retryable, error.outcome) == ("0A000", True, "not_applied")
        tasks.create(TaskCreate(title="after"))
        assert sorted([task.title for task in tasks.list()]) == ["after", "before"]
        stage.alter()
        with pytest.raises(TransientError):
            tasks.list()
        assert len(tasks.list()) == 2


def test_a_transaction_on_a_stale_plan_can_be_tried_again(stage: Stage) -> None:
    def create(title: str) -> None:
        with stage.database.transaction() as session:
            TaskRepository(session).owned_by("a").create(TaskCreate(title=title))

    create("before")
    stage.alter()
    with pytest.raises(TransientError):
        create("not applied")
    create("after")
    with stage.database.session() as session:
        assert TaskRepository(session).owned_by("a").count() == 2


@pytest.mark.parametrize("by_hand", [False, True])
def test_run_on_a_stale_plan_runs_again(stage: Stage, by_hand: bool) -> None:
    runs: list[None] = []

    def work(session: Session) -> int:
        runs.append(None)
        if by_hand:
            (session.exec(select(Task))).all()
        TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
        return len(TaskRepository(session).owned_by("a").list())

    assert stage.database.run(work) == 1
    stage.alter()
    assert stage.database.run(work) == 2
    assert len(runs) == 3


def test_a_feature_that_is_not_supported_is_not_run_again(stage: Stage) -> None:
    runs: list[None] = []

    def work(session: Session) -> None:
        runs.append(None)
        session.exec(select(func.count()).select_from(Task).with_for_update())

    with pytest.raises(DBAPIError) as raised:
        stage.database.run(work)
    assert isinstance(raised.value.orig, psycopg.errors.FeatureNotSupported)
    assert len(runs) == 1


class Locks(TaskRepository):
    def locked_count(self) -> object:
        return self._scalar(self._select(func.count()).with_for_update())


def test_a_call_of_a_feature_that_is_not_supported_is_an_invalid_statement(stage: Stage) -> None:
    with stage.database.session() as session:
        with pytest.raises(InvalidStatementError) as raised:
            Locks(session).owned_by("a").locked_count()
    assert (raised.value.sqlstate, raised.value.retryable) == ("0A000", False)
