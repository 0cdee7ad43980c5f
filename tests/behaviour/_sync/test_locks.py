# Generated from tests/behaviour/_async/test_locks.py by `python -m tools.generate_sync`: edit that one.
"""A row is locked while it is read: who is kept away, how long, and that it needs a transaction."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session

from backend import Database, Lock
from backend.errors import LockNotAvailableError, NotFoundError, UsageError
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import ProjectCreate, ProjectRepository, TicketCreate, TicketRepository
from tests.support.wire import WireProxy

NOWAIT = Lock(if_locked="nowait")


@pytest.fixture
def task(database: Database) -> Task:
    """A task of owner "a"."""
    with database.session() as session:
        return TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


@pytest.mark.parametrize(
    ("held", "asked", "is_free"),
    [
        (Lock(), NOWAIT, False),
        (Lock(), Lock("share", "nowait"), False),
        (Lock("no key update"), Lock("share", "nowait"), False),
        (Lock("share"), Lock("share", "nowait"), True),
        (Lock("share"), Lock("no key update", "nowait"), False),
    ],
)
def test_a_lock_keeps_others_away(task: Task, database: Database, held: Lock, asked: Lock, is_free: bool) -> None:
    with database.transaction() as one, database.transaction(independent=True) as two:
        assert TaskRepository(one).owned_by("a").get(task.id, lock=held) == task
        others = TaskRepository(two).owned_by("a")
        if is_free:
            assert others.get_one(task.id, lock=asked) == task
        else:
            with pytest.raises(LockNotAvailableError) as raised:
                with two.begin_nested():
                    others.get_one(task.id, lock=asked)
            assert (raised.value.retryable, raised.value.operation) == (True, "get_one")
    with database.transaction() as session:  # nothing is held any more
        assert TaskRepository(session).owned_by("a").get(task.id, lock=NOWAIT)


def test_a_row_that_is_updated_can_be_referred_to_and_one_locked_for_update_cannot(
    database: Database,
) -> None:
    with database.session() as session:
        project = ProjectRepository(session).owned_by("a").create(ProjectCreate(name="x"))

    def refer() -> None:
        with database.transaction() as session:
            ProjectRepository(session).owned_by("a").get(project.id, lock=Lock("share", "nowait"))
            TicketRepository(session).owned_by("a").create(TicketCreate(project_id=project.id, title="x"))

    refer()
    with database.transaction() as session:
        ProjectRepository(session).owned_by("a").get(project.id, lock=Lock("no key update"))
        with database.session() as other:
            TicketRepository(other).owned_by("a").create(TicketCreate(project_id=project.id, title="y"))


def test_get_with_lock_skips_a_locked_row_if_asked_to(task: Task, database: Database) -> None:
    skip = Lock(if_locked="skip")
    with database.transaction() as one, database.transaction(independent=True) as two:
        TaskRepository(one).owned_by("a").get(task.id, lock=Lock())
        others = TaskRepository(two).owned_by("a")
        assert others.get(task.id, lock=skip) is None
        with pytest.raises(NotFoundError):
            others.get_one(task.id, lock=skip)


def test_get_with_lock_locks_no_row_of_another_owner(task: Task, database: Database) -> None:
    with database.transaction() as one, database.transaction(independent=True) as two:
        assert TaskRepository(one).owned_by("b").get(task.id, lock=Lock()) is None
        assert TaskRepository(two).owned_by("a").get(task.id, lock=NOWAIT) == task


def test_get_with_lock_is_one_round_trip(task: Task, database: Database, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        with database.transaction() as session:
            tasks = TaskRepository(session).owned_by("a")
            tasks.get_one(task.id, lock=Lock())
            tasks.update(task.id, TaskUpdate(title="y"))
    assert seen.round_trips == 4


def test_get_with_lock_without_a_transaction_is_refused(task: Task, database: Database, proxy: WireProxy) -> None:
    with database.engine.connect() as connection:
        for session in (database.session(), Session(database.engine), Session(connection)):
            tasks = TaskRepository(session).owned_by("a")
            for call in (tasks.get, tasks.get_one):
                with proxy.watch() as seen, pytest.raises(UsageError, match=r"in none: use db\.transaction\(\)"):
                    call(task.id, lock=Lock())
                assert seen.statements == []


@pytest.mark.usefixtures("awake")
def test_get_with_lock_in_autocommit_is_refused(database: Database, proxy: WireProxy) -> None:
    engine = create_engine(proxy.url, isolation_level="AUTOCOMMIT")
    with Session(engine) as session, session.begin():
        with pytest.raises(UsageError, match="a lock, which lasts as long as its transaction"):
            TaskRepository(session).every_owner().get(1, lock=Lock())
    engine.dispose()


def test_a_lock_on_a_connection_in_a_transaction_is_held_by_it(task: Task, database: Database) -> None:
    with database.engine.begin() as connection, Session(connection) as session:
        assert TaskRepository(session).owned_by("a").get(task.id, lock=Lock())
        with database.transaction() as other:
            with pytest.raises(LockNotAvailableError):
                with other.begin_nested():
                    TaskRepository(other).every_owner().get(task.id, lock=NOWAIT)


@pytest.mark.parametrize("lock", ["update", True, {}])
def test_a_lock_of_another_type_is_refused(session: Session, lock: Any) -> None:
    tasks = TaskRepository(session).every_owner()
    calls: list[Callable[[], object]] = [
        lambda: tasks.get(1, lock=lock),
        lambda: tasks.list(lock=lock),
        lambda: tasks.first(lock=lock),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"expected a Lock: lock=Lock\(\)"):
            call()


def test_list_and_first_with_lock_lock_the_rows_that_they_return(task: Task, database: Database) -> None:
    with database.session() as session:
        others = [TaskRepository(session).owned_by(owner).create(TaskCreate(title="x")) for owner in "ab"]
    for limit, locked in ((1, {task.id}), (2, {task.id, others[0].id})):
        with database.transaction() as one, database.transaction(independent=True) as two:
            mine = TaskRepository(one).owned_by("a")
            found = mine.list(limit=limit, lock=Lock()) if limit > 1 else [mine.first(lock=Lock())]
            assert {row.id for row in found if row} == locked
            everyone = TaskRepository(two).every_owner()
            free = everyone.list(lock=Lock(if_locked="skip"))
            assert {row.id for row in free} == {task.id, *(other.id for other in others)} - locked
            with pytest.raises(LockNotAvailableError) as raised:
                with two.begin_nested():
                    everyone.list(lock=NOWAIT)
            assert raised.value.operation == "list"


def test_list_with_lock_without_a_transaction_is_refused(session: Session, proxy: WireProxy) -> None:
    tasks = TaskRepository(session).owned_by("a")
    calls: list[Callable[[], object]] = [lambda: tasks.list(lock=Lock()), lambda: tasks.first(lock=Lock())]
    for call, name in zip(calls, ("list", "first"), strict=True):
        with proxy.watch() as seen, pytest.raises(UsageError) as raised:
            call()
        assert str(raised.value) == (
            f"{name} of Task with a lock, which lasts as long as its transaction, and this session is in none: "
            "use db.transaction(), db.run() or session.begin()"
        )
        assert seen.statements == []


def test_lock_of_an_unknown_strength_or_waiting_is_refused() -> None:
    unknown: Any = "exclusive"
    with pytest.raises(UsageError) as raised:
        Lock(unknown)
    assert str(raised.value) == "strength= of a lock is 'exclusive', expected one of 'update', 'no key update', 'share'"
    with pytest.raises(UsageError) as raised:
        Lock(if_locked=unknown)
    assert str(raised.value) == "if_locked= of a lock is 'exclusive', expected one of 'wait', 'nowait', 'skip'"
