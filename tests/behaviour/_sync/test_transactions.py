# Generated from tests/behaviour/_async/test_transactions.py by `python -m tools.generate_sync`: edit that one.
"""What a transaction is held to: failed ones are not committed, and of lost writes, and no others, it warns."""

import gc
import warnings
from collections.abc import Callable, Generator
from contextlib import nullcontext, suppress
from functools import partial

import pytest
from sqlalchemy import Integer, cast
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from backend import Database
from backend.database.sessions.warning import UncommittedWritesWarning
from backend.errors import ConnectionLostError, FailedTransactionError, UniqueViolationError, UsageError
from backend.tasks import Task, TaskCreate, TaskRepository
from tests.support.models.suite import Project, ProjectCreate, ProjectRepository
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault


def create(session: Session) -> Task:
    return TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def count(database: Database) -> int:
    with database.session() as session:
        return TaskRepository(session).every_owner().count()


@pytest.fixture
def lost() -> Generator[list[warnings.WarningMessage]]:
    """The warnings of lost writes that were given in the test."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default", UncommittedWritesWarning)
        yield given


def own_flush(session: Session) -> None:
    session.add(Task(title="x" * 300, user_id="a"))
    with suppress(SQLAlchemyError):
        session.flush()


def own_statement(session: Session) -> None:
    session.add(Task(title="mine", user_id="a"))
    session.flush()
    with suppress(SQLAlchemyError):
        session.exec(select(cast(col(Task.title), Integer)))


def call(session: Session) -> None:
    projects = ProjectRepository(session).owned_by("a")
    projects.create(ProjectCreate(name="same"))
    with suppress(UniqueViolationError):
        projects.create(ProjectCreate(name="same"))


@pytest.mark.parametrize("failing", [own_flush, own_statement, call])
def test_an_error_that_was_swallowed_is_not_committed(database: Database, failing: Callable[[Session], None]) -> None:
    def work(session: Session) -> None:
        failing(session)

    with pytest.raises(FailedTransactionError, match="a statement of this transaction failed"):
        database.run(work)
    with pytest.raises(FailedTransactionError, match="a statement of this transaction failed"):
        with database.transaction() as session:
            failing(session)
    assert count(database) == 0


def test_a_failed_statement_in_a_savepoint_that_is_rolled_back_spoils_nothing(database: Database) -> None:
    def work(session: Session) -> None:
        create(session)
        for failing in (own_flush, own_statement, call):
            with suppress(FailedTransactionError, SQLAlchemyError):
                with session.begin_nested():
                    failing(session)
        create(session)

    database.run(work)
    with database.transaction() as session:
        work(session)
    assert count(database) == 4


def test_a_savepoint_after_an_error_that_was_swallowed_is_refused_for_good(database: Database) -> None:
    runs: list[int] = []

    def work(session: Session, failing: Callable[[Session], None], *, inner: bool) -> None:
        runs.append(len(runs))
        with session.begin_nested() if inner else nullcontext():
            failing(session)
            with session.begin_nested():
                create(session)

    for failing in (own_statement, call):
        for inner in (True, False):
            runs.clear()
            with pytest.raises(FailedTransactionError) as raised:
                database.run(partial(work, failing=failing, inner=inner))
            assert (len(runs), raised.value.retryable) == (1, False)
    assert count(database) == 0


def test_a_savepoint_outside_a_transaction_is_refused(database: Database, proxy: WireProxy) -> None:
    with database.session() as session:
        for _ in range(2):
            with proxy.watch() as seen, pytest.raises(UsageError, match=r"begin_nested\(\) outside a transaction"):
                with session.begin_nested():
                    create(session)
            assert not session.in_transaction()
            assert seen.statements == []
            create(session)
    with database.transaction() as session:
        session.rollback()
        with pytest.raises(UsageError, match=r"begin_nested\(\) outside a transaction"):
            _ = session.begin_nested()
    assert count(database) == 2


def test_a_statement_that_fails_in_the_flush_of_a_commit_is_not_the_commit(
    database: Database, proxy: WireProxy
) -> None:
    with proxy.fault(Fault("within_answer", Cut(), "INSERT")), pytest.raises(ConnectionLostError) as raised:
        with database.transaction() as session:
            session.add(Task(title="x", user_id="a"))
    assert raised.value.outcome == "not_applied"
    assert count(database) == 0
    with pytest.raises(UniqueViolationError):
        with database.transaction() as session:
            session.add_all([Project(name="same", owner_id="a"), Project(name="same", owner_id="a")])


def test_a_session_whose_transaction_has_ended_takes_no_calls(database: Database, proxy: WireProxy) -> None:
    kept: list[TaskRepository] = []

    def work(session: Session) -> None:
        kept.append(TaskRepository(session).owned_by("a"))

    database.run(work)
    with database.transaction() as session:
        work(session)
        session.commit()
        with pytest.raises(UsageError, match="the session of a transaction that has ended: make the call within"):
            kept[-1].create(TaskCreate(title="alone"))
    for tasks in kept:
        with proxy.watch() as seen, pytest.raises(UsageError, match="transaction that has ended"):
            tasks.create(TaskCreate(title="alone"))
        assert seen.statements == []


def test_a_transaction_within_one_of_the_same_database_is_refused(database: Database, proxy: WireProxy) -> None:
    def begin(_session: Session) -> None:
        with (
            proxy.watch() as seen,
            pytest.raises(UsageError, match=r"transaction\(\) within a transaction of"),
        ):
            with database.transaction():
                raise AssertionError
        assert seen.statements == []

    with database.transaction() as session:
        create(session)
        begin(session)
        create(session)
    with database.session() as session, session.begin():
        begin(session)
        with session.begin_nested():
            begin(session)
        create(session)
    database.run(begin)
    with database.transaction(), database.transaction(independent=True) as session:
        begin(session)
        with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
            database.run(create)
    with Database(proxy.url) as other, database.transaction(), other.transaction() as session:
        create(session)
    with database.transaction() as session:
        create(session)
    assert count(database) == 5


def test_a_transaction_that_is_never_entered_warns(database: Database) -> None:
    def forget() -> None:
        _ = database.transaction()

    with pytest.warns(RuntimeWarning, match=r"transaction\(\) was never entered") as given:
        forget()
    assert [one.filename for one in given] == [__file__]
    with warnings.catch_warnings(record=True) as nothing:
        warnings.simplefilter("always")
        with suppress(UsageError):
            with database.transaction(), database.transaction():
                raise AssertionError
        gc.collect()
    assert nothing == []


def test_an_independent_transaction_within_another_is_kept_by_itself(database: Database) -> None:
    with pytest.raises(ValueError, match="outer"):
        with database.transaction() as outer:
            TaskRepository(outer).owned_by("a").create(TaskCreate(title="outer"))
            with database.transaction(independent=True) as inner:
                TaskRepository(inner).owned_by("a").create(TaskCreate(title="inner"))
            raise ValueError("outer")
    assert [task.title for task in TaskRepository(database.session()).every_owner().list()] == ["inner"]


def test_a_session_closed_over_writes_warns_each_time(database: Database, lost: list[warnings.WarningMessage]) -> None:
    for _ in range(2):
        with database.session() as session:
            _ = session.begin()
            create(session)
    assert [one.category for one in lost] == [UncommittedWritesWarning] * 2
    assert count(database) == 0


def test_an_error_that_leaves_the_block_explains_the_loss(
    database: Database, lost: list[warnings.WarningMessage]
) -> None:
    with pytest.raises(ZeroDivisionError):
        with database.session() as session:
            _ = session.begin()
            create(session)
            raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        with database.transaction() as session:
            create(session)
            raise ZeroDivisionError
    assert lost == []


def test_an_error_that_is_handled_around_the_session_explains_nothing(
    database: Database, lost: list[warnings.WarningMessage]
) -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        with database.session() as session:
            _ = session.begin()
            create(session)
    assert len(lost) == 1


def test_writes_of_a_savepoint_are_lost_with_their_transaction(
    database: Database, lost: list[warnings.WarningMessage]
) -> None:
    with database.session() as session:
        _ = session.begin()
        with session.begin_nested(), session.begin_nested():
            create(session)
    assert len(lost) == 1
    with database.session() as session:
        _ = session.begin()
        nested = session.begin_nested()
        assert nested.is_active
        create(session)
    assert len(lost) == 2


def test_writes_of_a_savepoint_that_was_rolled_back_are_not_lost(
    database: Database, lost: list[warnings.WarningMessage]
) -> None:
    with database.session() as session:
        _ = session.begin()
        outer = session.begin_nested()
        with session.begin_nested():
            create(session)
        outer.rollback()
    assert lost == []
    with database.session() as session:
        _ = session.begin()
        create(session)
        nested = session.begin_nested()
        create(session)
        nested.rollback()
    assert len(lost) == 1


def test_a_run_that_is_tried_again_or_fails_warns_of_nothing(
    database: Database, proxy: WireProxy, lost: list[warnings.WarningMessage]
) -> None:
    def failing(session: Session) -> None:
        create(session)
        raise ZeroDivisionError

    for statement in ("INSERT", "pg_current_xact_id", "COMMIT"):
        with proxy.fault(Fault("before_statement", Cut(), statement)) as armed:
            database.run(create)
        assert armed.fired == 1
    with pytest.raises(ZeroDivisionError):
        database.run(failing)
    assert lost == []
    assert count(database) == 3


def test_writes_in_the_transaction_of_a_connection_are_not_lost_with_the_session(
    database: Database, lost: list[warnings.WarningMessage]
) -> None:
    with database.engine.begin() as connection:
        with Session(connection) as session:
            _ = session.begin()
            create(session)
        assert lost == []
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            _ = session.begin()
            create(session)
        assert len(lost) == 1
        with connection.begin_nested(), Session(connection) as session:
            _ = session.begin()
            create(session)
        assert len(lost) == 2
    assert count(database) == 1
