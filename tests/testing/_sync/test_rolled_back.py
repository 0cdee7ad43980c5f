# Generated from tests/testing/_async/test_rolled_back.py by `python -m tools.generate_sync`: edit that one.
"""What a session that is rolled back does as in production, and each way in which it differs that the page names."""

from collections.abc import Generator

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlmodel import Session, select

from backend import Database, Lock
from backend.errors import FailedTransactionError, NotFoundError, UniqueViolationError, UsageError
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from backend.testing.database import rolled_back
from tests.support.models.suite import ProjectCreate, ProjectRepository

ONE = TaskCreate(title="one")
HOME = ProjectCreate(name="home")


@pytest.fixture
def undone(db: Database) -> Generator[Session]:
    with rolled_back(db) as session:
        yield session


def test_nothing_is_kept(db: Database) -> None:
    with rolled_back(db) as session:
        task = TaskRepository(session).owned_by("a").create(ONE)
        with session.begin():
            TaskRepository(session).owned_by("a").update(task.id, TaskUpdate(title="two"))
            session.add(Task(title="three", user_id="a"))
        assert TaskRepository(session).every_owner().count() == 2
    with db.session() as other:
        assert TaskRepository(other).every_owner().count() == 0


def test_a_failed_call_spoils_nothing(undone: Session) -> None:
    projects = ProjectRepository(undone).owned_by("a")
    projects.create(HOME)
    with pytest.raises(UniqueViolationError):
        projects.create(HOME)
    with pytest.raises(NotFoundError):
        projects.get_one(0)
    assert projects.count() == 1


def test_a_failed_block_is_rolled_back_as_in_production(undone: Session) -> None:
    projects = ProjectRepository(undone).owned_by("a")
    with pytest.raises(UniqueViolationError):
        with undone.begin():
            projects.create(HOME)
            projects.create(HOME)
    with pytest.raises(FailedTransactionError):
        with undone.begin():
            projects.create(HOME)
            with pytest.raises(UniqueViolationError):
                projects.create(HOME)
    assert projects.count() == 0


def test_it_begins_nothing_by_itself(undone: Session) -> None:
    with pytest.raises(InvalidRequestError, match="Autobegin is disabled"):
        undone.exec(select(Task))
    with pytest.raises(UsageError):
        undone.commit()


def test_all_rows_have_the_time_of_the_test(undone: Session) -> None:
    tasks = TaskRepository(undone).owned_by("a")
    first, second = tasks.create(ONE), tasks.create(ONE)
    assert first.created_at == second.created_at
    assert (tasks.update(first.id, TaskUpdate(title="two"))).updated_at > first.updated_at


def test_a_lock_is_taken_outside_of_a_block(db: Database, undone: Session) -> None:
    task = TaskRepository(undone).owned_by("a").create(ONE)
    assert TaskRepository(undone).owned_by("a").get(task.id, lock=Lock()) is not None
    with db.session() as other:
        with pytest.raises(UsageError):
            TaskRepository(other).owned_by("a").get(task.id, lock=Lock())


def test_a_transaction_of_the_database_sees_nothing_of_it(db: Database, undone: Session) -> None:
    with undone.begin():
        task = TaskRepository(undone).owned_by("a").create(ONE)
        with db.transaction() as other:
            assert TaskRepository(other).owned_by("a").get(task.id) is None
