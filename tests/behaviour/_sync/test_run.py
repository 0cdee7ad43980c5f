# Generated from tests/behaviour/_async/test_run.py by `python -m tools.generate_sync`: edit that one.
"""A transaction that is run again: when, how often, what it costs, and what becomes of a COMMIT without an answer."""

import gc
import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func
from sqlalchemy.orm import Session as PlainSession
from sqlmodel import Session, col, select

from backend import Database, Retry
from backend.database.bridge import run_on_session
from backend.errors import (
    ConnectionLostError,
    DeadlockError,
    FailedTransactionError,
    OutcomeUnknownError,
    SerializationError,
    UniqueViolationError,
    UsageError,
)
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import Project, ProjectCreate, ProjectRepository
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Statement

Work = Callable[[Session], Any]


def is_commit(statement: Statement) -> bool:
    return statement.sql == "COMMIT"


def create(session: Session) -> Task:
    return TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def count(session: Session) -> int:
    return TaskRepository(session).every_owner().count()


def lower(session: Session) -> object:
    return (session.exec(select(func.lower("A")))).one()


def pending(session: Session) -> None:
    session.add(Task(title="pending", user_id="a"))


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("calls", [0, 1], ids=["at its end", "before a call"])
def test_work_that_ends_the_transaction_on_the_drivers_connection_is_refused(
    database: Database, end: str, calls: int
) -> None:
    def ended(session: PlainSession) -> None:
        getattr(session.connection().connection, end)()

    def work(session: Session) -> None:
        create(session)
        run_on_session(session, ended)
        for _ in range(calls):
            create(session)

    with pytest.raises(UsageError, match=r"the work of run\(\) ended its transaction: leave commit and ro") as raised:
        database.run(work)
    assert raised.value.outcome == "unknown"
    with database.session() as session:
        assert count(session) == (end == "commit")


@pytest.mark.parametrize(
    ("work", "round_trips"),
    [(create, 4), (count, 3), (lower, 4), (pending, 4)],
    ids=["a write", "a read", "a read by a function that may write", "what the commit would flush"],
)
@pytest.mark.usefixtures("awake")
def test_run_that_wrote_reads_its_transaction_id(
    database: Database, proxy: WireProxy, work: Work, round_trips: int
) -> None:
    with proxy.watch() as seen:
        database.run(work)
    assert (seen.round_trips, seen.connects) == (round_trips, 0)
    assert seen.statements[0].sql.startswith("BEGIN")
    assert seen.statements[-1].sql == "COMMIT"


def test_run_commits_and_returns_the_result_of_the_function(database: Database) -> None:
    task = database.run(create)
    with database.session() as session:
        assert TaskRepository(session).owned_by("a").get(task.id) == task


def test_run_repeats_a_serialization_failure_in_a_new_session(database: Database) -> None:
    task = database.run(create)
    sessions: list[object] = []

    def rename(session: Session) -> Task:
        sessions.append(session)
        tasks = TaskRepository(session).owned_by("a")
        before = tasks.get_one(task.id)
        if len(sessions) == 1:
            with database.session() as other:
                TaskRepository(other).owned_by("a").update(task.id, TaskUpdate(title="meanwhile"))
        return tasks.update(task.id, TaskUpdate(title=f"{before.title}!"))

    assert (database.run(rename, isolation="REPEATABLE READ")).title == "meanwhile!"
    assert len(set(map(id, sessions))) == 2


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_run_sets_the_isolation_level_for_itself_alone(database: Database, isolation: Any) -> None:
    def level(session: Session) -> str:
        return str((session.exec(select(func.current_setting("transaction_isolation")))).one())

    assert database.run(level, isolation=isolation) == isolation.lower()
    assert database.run(level) == "read committed"


@pytest.mark.parametrize("isolation", ["AUTOCOMMIT", "serializable", "READ UNCOMMITTED", True])
def test_run_with_an_unknown_isolation_level_is_refused(database: Database, isolation: Any) -> None:
    with pytest.raises(UsageError, match=r"expected one of 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'"):
        database.run(create, isolation=isolation)
    assert database.run(count) == 0


def test_run_raises_a_retryable_error_after_the_last_attempt(database: Database) -> None:
    runs: list[int] = []

    def fail(session: Session) -> None:
        runs.append(count(session))
        raise SerializationError("again")

    with pytest.raises(SerializationError, match="again"):
        database.run(fail, retry=Retry(attempts=3))
    assert len(runs) == 3
    with pytest.raises(SerializationError):
        database.run(fail, retry=Retry(within_s=0))
    assert len(runs) == 4


def test_run_begins_no_attempt_after_its_time(database: Database) -> None:
    runs: list[int] = []

    def slow(session: Session) -> None:
        runs.append(count(session))
        up = time.monotonic() + 0.1
        while time.monotonic() < up:
            pass
        raise SerializationError("again")

    with pytest.raises(SerializationError, match="again") as raised:
        database.run(slow, retry=Retry(within_s=0.1))
    assert len(runs) == 1
    assert raised.traceback[-1].name == "slow"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("mine"),
        FailedTransactionError("x"),
        OutcomeUnknownError("x"),
        KeyboardInterrupt(),
        CancelledError(),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_run_raises_another_error_at_once_and_commits_nothing(database: Database, error: BaseException) -> None:
    def fail(session: Session) -> None:
        create(session)
        raise error

    with pytest.raises(type(error)) as raised:
        database.run(fail)
    assert raised.value is error
    assert database.run(count) == 0


def test_run_repeats_a_conflict_of_the_callers_own_statement(database: Database) -> None:
    task = database.run(create)
    runs: list[int] = []

    def rename(session: Session) -> None:
        runs.append(len(runs))
        found = (session.exec(select(Task).where(col(Task.id) == task.id))).one()
        if len(runs) == 1:
            with database.session() as other:
                TaskRepository(other).every_owner().update(task.id, TaskUpdate(title="meanwhile"))
        found.title = "mine"

    database.run(rename, isolation="SERIALIZABLE")
    assert len(runs) == 2


def test_run_commits_nothing_after_an_error_that_the_function_caught(database: Database) -> None:
    def swallow(session: Session) -> None:
        projects = ProjectRepository(session).owned_by("a")
        projects.create(ProjectCreate(name="same"))
        try:
            projects.create(ProjectCreate(name="same"))
        except Exception:
            return

    with pytest.raises(FailedTransactionError):
        database.run(swallow)
    assert database.run(lambda session: ProjectRepository(session).every_owner().count()) == 0


def test_run_refuses_a_function_that_commits_or_rolls_back(database: Database) -> None:
    for ends in (Session.commit, Session.rollback):
        with pytest.raises(UsageError, match=r"leave commit and rollback to run\(\)"):
            database.run(ends)


def test_run_refuses_a_function_that_commits_and_begins_again(database: Database) -> None:
    def commits(session: Session) -> None:
        create(session)
        session.commit()
        _ = session.begin()

    def begins_again(session: Session) -> None:
        session.rollback()
        _ = session.begin()
        create(session)

    for work in (commits, begins_again):
        with pytest.raises(UsageError, match=r"leave commit and rollback to run\(\)"):
            database.run(work)
    assert database.run(count) == 0


def test_run_refuses_a_generator(database: Database) -> None:
    def lazily(session: Session) -> object:
        tasks = TaskRepository(session).every_owner().list()
        return (task.title for task in tasks)

    with pytest.raises(UsageError, match="would run after its transaction: return a list"):
        database.run(lazily)
    assert database.run(count) == 0


def test_run_within_a_transaction_is_allowed_on_another_pool_alone(database: Database, proxy: WireProxy) -> None:
    same = Database(database.engine.execution_options(stream_results=False))
    with Database(proxy.url) as other, database.transaction():
        other.run(create)
        with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
            same.run(create)
    assert database.run(count) == 1


def test_run_is_allowed_after_an_open_session_was_garbage_collected(database: Database) -> None:
    session = database.session()
    _ = session.begin()
    with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
        database.run(count)
    del session, _
    gc.collect()
    assert database.run(count) == 0


def test_run_within_a_transaction_is_refused(database: Database, clean: Engine) -> None:
    def nested(_session: Session) -> object:
        return database.run(create)

    with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
        database.run(nested)
    with database.transaction():
        with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
            database.run(create)
    with database.session() as session:
        with session.begin():
            with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
                database.run(create)
        database.run(create)
    assert database.run(count) == 1


@pytest.mark.usefixtures("awake")
def test_run_on_an_engine_in_autocommit_is_refused(proxy: WireProxy, clean: Engine) -> None:
    engine = create_engine(proxy.url, isolation_level="AUTOCOMMIT")
    database = Database(engine)
    with pytest.raises(UsageError, match="this engine is set to AUTOCOMMIT"):
        database.run(create)
    with pytest.raises(UsageError, match="this engine is set to AUTOCOMMIT"):
        with database.transaction() as session:
            create(session)
    assert TaskRepository(database.session()).every_owner().count() == 0
    engine.dispose()


@pytest.mark.parametrize("at", ["before_statement", "within_statement", "after_statement", "within_answer"])
@pytest.mark.parametrize("statement", ["BEGIN", "INSERT", "pg_current_xact_id", is_commit])
def test_run_over_a_lost_connection_happens_exactly_once(
    database: Database, proxy: WireProxy, at: Any, statement: Any
) -> None:
    runs: list[int] = []

    def work(session: Session) -> Task:
        runs.append(len(runs))
        return create(session)

    with proxy.fault(Fault(at, Cut(), statement)) as armed:
        task = database.run(work)
    assert armed.fired == 1
    assert len(runs) == (1 if statement is is_commit and at in ("after_statement", "within_answer") else 2)
    with database.session() as session:
        assert TaskRepository(session).every_owner().list() == [task]


def test_run_of_a_commit_without_a_status_is_unknown(database: Database, proxy: WireProxy) -> None:
    with (
        proxy.fault(Fault("after_statement", Cut(), is_commit)),
        proxy.fault(Fault("before_statement", Cut(), "pg_xact_status", times=1000)) as silent,
        pytest.raises(OutcomeUnknownError) as raised,
    ):
        database.run(create, retry=Retry(within_s=0.2))
    assert (raised.value.outcome, raised.value.retryable) == ("unknown", False)
    assert silent.fired >= 1
    assert database.run(count) == 1


def test_run_asks_again_for_a_commit_status_that_it_did_not_get(database: Database, proxy: WireProxy) -> None:
    with (
        proxy.fault(Fault("after_statement", Cut(), is_commit)),
        proxy.fault(Fault("before_statement", Cut(), "pg_xact_status", times=2)) as silent,
    ):
        database.run(create)
    assert silent.fired == 2
    assert database.run(count) == 1


def test_run_repeats_a_read_whose_commit_was_lost(database: Database, proxy: WireProxy) -> None:
    with proxy.fault(Fault("after_statement", Cut(), is_commit)) as armed:
        assert database.run(count) == 0
    assert armed.fired == 1
    with (
        proxy.fault(Fault("after_statement", Cut(), is_commit, times=10)),
        pytest.raises(ConnectionLostError) as raised,
    ):
        database.run(count, retry=Retry(attempts=2))
    assert raised.value.outcome == "not_applied"


def test_run_translates_an_error_of_its_flush(database: Database) -> None:
    def twice(session: Session) -> None:
        session.add_all([Project(owner_id="a", name="same"), Project(owner_id="a", name="same")])

    with pytest.raises(UniqueViolationError):
        database.run(twice)


def test_run_repeats_deadlocks(database: Database) -> None:
    one, two = database.run(create), database.run(create)

    def crossed(session: Session) -> None:
        tasks = TaskRepository(session).every_owner()
        tasks.update(one.id, TaskUpdate(title="mine"))
        raise DeadlockError("as the server would say")

    with pytest.raises(DeadlockError):
        database.run(crossed, retry=Retry(attempts=2))
    with database.session() as session:
        assert {task.title for task in TaskRepository(session).every_owner().list()} == {two.title}


@pytest.mark.parametrize("retry", [3, None, 0.5])
def test_run_takes_a_retry_alone(database: Database, retry: Any) -> None:
    with pytest.raises(UsageError, match=r"expected a Retry: retry=Retry\(attempts=…\)"):
        database.run(count, retry=retry)


def test_a_retry_allows_at_least_one_run() -> None:
    for wrong in ({"attempts": 0}, {"within_s": -1.0}):
        values: Any = wrong
        with pytest.raises(UsageError, match="allows no run"):
            Retry(**values)
