"""What a transaction is held to: failed ones are not committed, and of lost writes, and no others, it warns."""

import gc
import warnings
from collections.abc import Awaitable, Callable, Generator
from contextlib import nullcontext, suppress
from functools import partial

import pytest
from sqlalchemy import Integer, cast
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.database.sessions.warning import UncommittedWritesWarning
from backend.errors import ConnectionLostError, FailedTransactionError, UniqueViolationError, UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate
from tests.support.models.suite import AsyncProjectRepository, Project, ProjectCreate
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault


async def create(session: AsyncSession) -> Task:
    return await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


async def count(database: AsyncDatabase) -> int:
    async with database.session() as session:
        return await AsyncTaskRepository(session).every_owner().count()


@pytest.fixture
def lost() -> Generator[list[warnings.WarningMessage]]:
    """The warnings of lost writes that were given in the test."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default", UncommittedWritesWarning)
        yield given


async def own_flush(session: AsyncSession) -> None:
    session.add(Task(title="x" * 300, user_id="a"))
    with suppress(SQLAlchemyError):
        await session.flush()


async def own_statement(session: AsyncSession) -> None:
    session.add(Task(title="mine", user_id="a"))
    await session.flush()
    with suppress(SQLAlchemyError):
        await session.exec(select(cast(col(Task.title), Integer)))


async def call(session: AsyncSession) -> None:
    projects = AsyncProjectRepository(session).owned_by("a")
    await projects.create(ProjectCreate(name="same"))
    with suppress(UniqueViolationError):
        await projects.create(ProjectCreate(name="same"))


@pytest.mark.parametrize("failing", [own_flush, own_statement, call])
async def test_an_error_that_was_swallowed_is_not_committed(
    database: AsyncDatabase, failing: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    async def work(session: AsyncSession) -> None:
        await failing(session)

    with pytest.raises(FailedTransactionError, match="a statement of this transaction failed"):
        await database.run(work)
    with pytest.raises(FailedTransactionError, match="a statement of this transaction failed"):
        async with database.transaction() as session:
            await failing(session)
    assert await count(database) == 0


async def test_a_failed_statement_in_a_savepoint_that_is_rolled_back_spoils_nothing(database: AsyncDatabase) -> None:
    async def work(session: AsyncSession) -> None:
        await create(session)
        for failing in (own_flush, own_statement, call):
            with suppress(FailedTransactionError, SQLAlchemyError):
                async with session.begin_nested():
                    await failing(session)
        await create(session)

    await database.run(work)
    async with database.transaction() as session:
        await work(session)
    assert await count(database) == 4


async def test_a_savepoint_after_an_error_that_was_swallowed_is_refused_for_good(database: AsyncDatabase) -> None:
    runs: list[int] = []

    async def work(session: AsyncSession, failing: Callable[[AsyncSession], Awaitable[None]], *, inner: bool) -> None:
        runs.append(len(runs))
        async with session.begin_nested() if inner else nullcontext():
            await failing(session)
            async with session.begin_nested():
                await create(session)

    for failing in (own_statement, call):
        for inner in (True, False):
            runs.clear()
            with pytest.raises(FailedTransactionError) as raised:
                await database.run(partial(work, failing=failing, inner=inner))
            assert (len(runs), raised.value.retryable) == (1, False)
    assert await count(database) == 0


async def test_a_savepoint_outside_a_transaction_is_refused(database: AsyncDatabase, proxy: WireProxy) -> None:
    async with database.session() as session:
        for _ in range(2):
            with proxy.watch() as seen, pytest.raises(UsageError, match=r"begin_nested\(\) outside a transaction"):
                async with session.begin_nested():
                    await create(session)
            assert not session.in_transaction()
            assert seen.statements == []
            await create(session)
    async with database.transaction() as session:
        await session.rollback()
        with pytest.raises(UsageError, match=r"begin_nested\(\) outside a transaction"):
            _ = await session.begin_nested()
    assert await count(database) == 2


async def test_a_statement_that_fails_in_the_flush_of_a_commit_is_not_the_commit(
    database: AsyncDatabase, proxy: WireProxy
) -> None:
    with proxy.fault(Fault("within_answer", Cut(), "INSERT")), pytest.raises(ConnectionLostError) as raised:
        async with database.transaction() as session:
            session.add(Task(title="x", user_id="a"))
    assert raised.value.outcome == "not_applied"
    assert await count(database) == 0
    with pytest.raises(UniqueViolationError):
        async with database.transaction() as session:
            session.add_all([Project(name="same", owner_id="a"), Project(name="same", owner_id="a")])


async def test_a_session_whose_transaction_has_ended_takes_no_calls(database: AsyncDatabase, proxy: WireProxy) -> None:
    kept: list[AsyncTaskRepository] = []

    async def work(session: AsyncSession) -> None:
        kept.append(AsyncTaskRepository(session).owned_by("a"))

    await database.run(work)
    async with database.transaction() as session:
        await work(session)
        await session.commit()
        with pytest.raises(UsageError, match="the session of a transaction that has ended: make the call within"):
            await kept[-1].create(TaskCreate(title="alone"))
    for tasks in kept:
        with proxy.watch() as seen, pytest.raises(UsageError, match="transaction that has ended"):
            await tasks.create(TaskCreate(title="alone"))
        assert seen.statements == []


async def test_a_transaction_within_one_of_the_same_database_is_refused(
    database: AsyncDatabase, proxy: WireProxy
) -> None:
    async def begin(_session: AsyncSession) -> None:
        with (
            proxy.watch() as seen,
            pytest.raises(UsageError, match=r"transaction\(\) within a transaction of"),
        ):
            async with database.transaction():
                raise AssertionError
        assert seen.statements == []

    async with database.transaction() as session:
        await create(session)
        await begin(session)
        await create(session)
    async with database.session() as session, session.begin():
        await begin(session)
        async with session.begin_nested():
            await begin(session)
        await create(session)
    await database.run(begin)
    async with database.transaction(), database.transaction(independent=True) as session:
        await begin(session)
        with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
            await database.run(create)
    async with AsyncDatabase(proxy.url) as other, database.transaction(), other.transaction() as session:
        await create(session)
    async with database.transaction() as session:
        await create(session)
    assert await count(database) == 5


async def test_a_transaction_that_is_never_entered_warns(database: AsyncDatabase) -> None:
    def forget() -> None:
        _ = database.transaction()

    with pytest.warns(RuntimeWarning, match=r"transaction\(\) was never entered") as given:
        forget()
    assert [one.filename for one in given] == [__file__]
    with warnings.catch_warnings(record=True) as nothing:
        warnings.simplefilter("always")
        with suppress(UsageError):
            async with database.transaction(), database.transaction():
                raise AssertionError
        gc.collect()
    assert nothing == []


async def test_an_independent_transaction_within_another_is_kept_by_itself(database: AsyncDatabase) -> None:
    with pytest.raises(ValueError, match="outer"):
        async with database.transaction() as outer:
            await AsyncTaskRepository(outer).owned_by("a").create(TaskCreate(title="outer"))
            async with database.transaction(independent=True) as inner:
                await AsyncTaskRepository(inner).owned_by("a").create(TaskCreate(title="inner"))
            raise ValueError("outer")
    assert [task.title for task in await AsyncTaskRepository(database.session()).every_owner().list()] == ["inner"]


async def test_a_session_closed_over_writes_warns_each_time(
    database: AsyncDatabase, lost: list[warnings.WarningMessage]
) -> None:
    for _ in range(2):
        async with database.session() as session:
            _ = await session.begin()
            await create(session)
    assert [one.category for one in lost] == [UncommittedWritesWarning] * 2
    assert await count(database) == 0


async def test_an_error_that_leaves_the_block_explains_the_loss(
    database: AsyncDatabase, lost: list[warnings.WarningMessage]
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.session() as session:
            _ = await session.begin()
            await create(session)
            raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await create(session)
            raise ZeroDivisionError
    assert lost == []


async def test_an_error_that_is_handled_around_the_session_explains_nothing(
    database: AsyncDatabase, lost: list[warnings.WarningMessage]
) -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        async with database.session() as session:
            _ = await session.begin()
            await create(session)
    assert len(lost) == 1


async def test_writes_of_a_savepoint_are_lost_with_their_transaction(
    database: AsyncDatabase, lost: list[warnings.WarningMessage]
) -> None:
    async with database.session() as session:
        _ = await session.begin()
        async with session.begin_nested(), session.begin_nested():
            await create(session)
    assert len(lost) == 1
    async with database.session() as session:
        _ = await session.begin()
        nested = await session.begin_nested()
        assert nested.is_active
        await create(session)
    assert len(lost) == 2


async def test_writes_of_a_savepoint_that_was_rolled_back_are_not_lost(
    database: AsyncDatabase, lost: list[warnings.WarningMessage]
) -> None:
    async with database.session() as session:
        _ = await session.begin()
        outer = await session.begin_nested()
        async with session.begin_nested():
            await create(session)
        await outer.rollback()
    assert lost == []
    async with database.session() as session:
        _ = await session.begin()
        await create(session)
        nested = await session.begin_nested()
        await create(session)
        await nested.rollback()
    assert len(lost) == 1


async def test_a_run_that_is_tried_again_or_fails_warns_of_nothing(
    database: AsyncDatabase, proxy: WireProxy, lost: list[warnings.WarningMessage]
) -> None:
    async def failing(session: AsyncSession) -> None:
        await create(session)
        raise ZeroDivisionError

    for statement in ("INSERT", "pg_current_xact_id", "COMMIT"):
        with proxy.fault(Fault("before_statement", Cut(), statement)) as armed:
            await database.run(create)
        assert armed.fired == 1
    with pytest.raises(ZeroDivisionError):
        await database.run(failing)
    assert lost == []
    assert await count(database) == 3


async def test_writes_in_the_transaction_of_a_connection_are_not_lost_with_the_session(
    database: AsyncDatabase, lost: list[warnings.WarningMessage]
) -> None:
    async with database.engine.begin() as connection:
        async with AsyncSession(connection) as session:
            _ = await session.begin()
            await create(session)
        assert lost == []
        async with AsyncSession(connection, join_transaction_mode="create_savepoint") as session:
            _ = await session.begin()
            await create(session)
        assert len(lost) == 1
        async with connection.begin_nested(), AsyncSession(connection) as session:
            _ = await session.begin()
            await create(session)
        assert len(lost) == 2
    assert await count(database) == 1
