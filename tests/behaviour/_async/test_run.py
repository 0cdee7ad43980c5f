"""A transaction that is run again: when, how often, what it costs, and what becomes of a COMMIT without an answer."""

import gc
import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Engine, func
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session as PlainSession
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Retry
from backend.database.bridge import async_run_on_session
from backend.errors import (
    ConnectionLostError,
    DeadlockError,
    FailedTransactionError,
    OutcomeUnknownError,
    SerializationError,
    UniqueViolationError,
    UsageError,
)
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.support.models.suite import AsyncProjectRepository, Project, ProjectCreate
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Statement

Work = Callable[[AsyncSession], Awaitable[Any]]


def is_commit(statement: Statement) -> bool:
    return statement.sql == "COMMIT"


async def create(session: AsyncSession) -> Task:
    return await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


async def count(session: AsyncSession) -> int:
    return await AsyncTaskRepository(session).every_owner().count()


async def lower(session: AsyncSession) -> object:
    return (await session.exec(select(func.lower("A")))).one()


async def pending(session: AsyncSession) -> None:
    session.add(Task(title="pending", user_id="a"))


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("calls", [0, 1], ids=["at its end", "before a call"])
async def test_work_that_ends_the_transaction_on_the_drivers_connection_is_refused(
    database: AsyncDatabase, end: str, calls: int
) -> None:
    def ended(session: PlainSession) -> None:
        getattr(session.connection().connection, end)()

    async def work(session: AsyncSession) -> None:
        await create(session)
        await async_run_on_session(session, ended)
        for _ in range(calls):
            await create(session)

    with pytest.raises(UsageError, match=r"the work of run\(\) ended its transaction: leave commit and ro") as raised:
        await database.run(work)
    assert raised.value.outcome == "unknown"
    async with database.session() as session:
        assert await count(session) == (end == "commit")


@pytest.mark.parametrize(
    ("work", "round_trips"),
    [(create, 4), (count, 3), (lower, 4), (pending, 4)],
    ids=["a write", "a read", "a read by a function that may write", "what the commit would flush"],
)
@pytest.mark.usefixtures("awake")
async def test_run_that_wrote_reads_its_transaction_id(
    database: AsyncDatabase, proxy: WireProxy, work: Work, round_trips: int
) -> None:
    with proxy.watch() as seen:
        await database.run(work)
    assert (seen.round_trips, seen.connects) == (round_trips, 0)
    assert seen.statements[0].sql.startswith("BEGIN")
    assert seen.statements[-1].sql == "COMMIT"


async def test_run_commits_and_returns_the_result_of_the_function(database: AsyncDatabase) -> None:
    task = await database.run(create)
    async with database.session() as session:
        assert await AsyncTaskRepository(session).owned_by("a").get(task.id) == task


async def test_run_repeats_a_serialization_failure_in_a_new_session(database: AsyncDatabase) -> None:
    task = await database.run(create)
    sessions: list[object] = []

    async def rename(session: AsyncSession) -> Task:
        sessions.append(session)
        tasks = AsyncTaskRepository(session).owned_by("a")
        before = await tasks.get_one(task.id)
        if len(sessions) == 1:
            async with database.session() as other:
                await AsyncTaskRepository(other).owned_by("a").update(task.id, TaskUpdate(title="meanwhile"))
        return await tasks.update(task.id, TaskUpdate(title=f"{before.title}!"))

    assert (await database.run(rename, isolation="REPEATABLE READ")).title == "meanwhile!"
    assert len(set(map(id, sessions))) == 2


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def test_run_sets_the_isolation_level_for_itself_alone(database: AsyncDatabase, isolation: Any) -> None:
    async def level(session: AsyncSession) -> str:
        return str((await session.exec(select(func.current_setting("transaction_isolation")))).one())

    assert await database.run(level, isolation=isolation) == isolation.lower()
    assert await database.run(level) == "read committed"


@pytest.mark.parametrize("isolation", ["AUTOCOMMIT", "serializable", "READ UNCOMMITTED", True])
async def test_run_with_an_unknown_isolation_level_is_refused(database: AsyncDatabase, isolation: Any) -> None:
    with pytest.raises(UsageError, match=r"expected one of 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'"):
        await database.run(create, isolation=isolation)
    assert await database.run(count) == 0


async def test_run_raises_a_retryable_error_after_the_last_attempt(database: AsyncDatabase) -> None:
    runs: list[int] = []

    async def fail(session: AsyncSession) -> None:
        runs.append(await count(session))
        raise SerializationError("again")

    with pytest.raises(SerializationError, match="again"):
        await database.run(fail, retry=Retry(attempts=3))
    assert len(runs) == 3
    with pytest.raises(SerializationError):
        await database.run(fail, retry=Retry(within_s=0))
    assert len(runs) == 4


async def test_run_begins_no_attempt_after_its_time(database: AsyncDatabase) -> None:
    runs: list[int] = []

    async def slow(session: AsyncSession) -> None:
        runs.append(await count(session))
        up = time.monotonic() + 0.1
        while time.monotonic() < up:
            pass
        raise SerializationError("again")

    with pytest.raises(SerializationError, match="again") as raised:
        await database.run(slow, retry=Retry(within_s=0.1))
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
async def test_run_raises_another_error_at_once_and_commits_nothing(
    database: AsyncDatabase, error: BaseException
) -> None:
    async def fail(session: AsyncSession) -> None:
        await create(session)
        raise error

    with pytest.raises(type(error)) as raised:
        await database.run(fail)
    assert raised.value is error
    assert await database.run(count) == 0


async def test_run_repeats_a_conflict_of_the_callers_own_statement(database: AsyncDatabase) -> None:
    task = await database.run(create)
    runs: list[int] = []

    async def rename(session: AsyncSession) -> None:
        runs.append(len(runs))
        found = (await session.exec(select(Task).where(col(Task.id) == task.id))).one()
        if len(runs) == 1:
            async with database.session() as other:
                await AsyncTaskRepository(other).every_owner().update(task.id, TaskUpdate(title="meanwhile"))
        found.title = "mine"

    await database.run(rename, isolation="SERIALIZABLE")
    assert len(runs) == 2


async def test_run_commits_nothing_after_an_error_that_the_function_caught(database: AsyncDatabase) -> None:
    async def swallow(session: AsyncSession) -> None:
        projects = AsyncProjectRepository(session).owned_by("a")
        await projects.create(ProjectCreate(name="same"))
        try:
            await projects.create(ProjectCreate(name="same"))
        except Exception:
            return

    with pytest.raises(FailedTransactionError):
        await database.run(swallow)
    assert await database.run(lambda session: AsyncProjectRepository(session).every_owner().count()) == 0


async def test_run_refuses_a_function_that_commits_or_rolls_back(database: AsyncDatabase) -> None:
    for ends in (AsyncSession.commit, AsyncSession.rollback):
        with pytest.raises(UsageError, match=r"leave commit and rollback to run\(\)"):
            await database.run(ends)


async def test_run_refuses_a_function_that_commits_and_begins_again(database: AsyncDatabase) -> None:
    async def commits(session: AsyncSession) -> None:
        await create(session)
        await session.commit()
        _ = await session.begin()

    async def begins_again(session: AsyncSession) -> None:
        await session.rollback()
        _ = await session.begin()
        await create(session)

    for work in (commits, begins_again):
        with pytest.raises(UsageError, match=r"leave commit and rollback to run\(\)"):
            await database.run(work)
    assert await database.run(count) == 0


async def test_run_refuses_a_generator(database: AsyncDatabase) -> None:
    async def lazily(session: AsyncSession) -> object:
        tasks = await AsyncTaskRepository(session).every_owner().list()
        return (task.title for task in tasks)

    with pytest.raises(UsageError, match="would run after its transaction: return a list"):
        await database.run(lazily)
    assert await database.run(count) == 0


async def test_run_within_a_transaction_is_allowed_on_another_pool_alone(
    database: AsyncDatabase, proxy: WireProxy
) -> None:
    same = AsyncDatabase(database.engine.execution_options(stream_results=False))
    async with AsyncDatabase(proxy.url) as other, database.transaction():
        await other.run(create)
        with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
            await same.run(create)
    assert await database.run(count) == 1


async def test_run_is_allowed_after_an_open_session_was_garbage_collected(database: AsyncDatabase) -> None:
    session = database.session()
    _ = await session.begin()
    with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
        await database.run(count)
    del session, _
    gc.collect()
    assert await database.run(count) == 0


async def test_run_within_a_transaction_is_refused(database: AsyncDatabase, clean: Engine) -> None:
    async def nested(_session: AsyncSession) -> object:
        return await database.run(create)

    with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
        await database.run(nested)
    async with database.transaction():
        with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
            await database.run(create)
    async with database.session() as session:
        async with session.begin():
            with pytest.raises(UsageError, match=r"run\(\) within a transaction"):
                await database.run(create)
        await database.run(create)
    assert await database.run(count) == 1


@pytest.mark.usefixtures("awake")
async def test_run_on_an_engine_in_autocommit_is_refused(proxy: WireProxy, clean: Engine) -> None:
    engine = create_async_engine(proxy.url, isolation_level="AUTOCOMMIT")
    database = AsyncDatabase(engine)
    with pytest.raises(UsageError, match="this engine is set to AUTOCOMMIT"):
        await database.run(create)
    with pytest.raises(UsageError, match="this engine is set to AUTOCOMMIT"):
        async with database.transaction() as session:
            await create(session)
    assert await AsyncTaskRepository(database.session()).every_owner().count() == 0
    await engine.dispose()


@pytest.mark.parametrize("at", ["before_statement", "within_statement", "after_statement", "within_answer"])
@pytest.mark.parametrize("statement", ["BEGIN", "INSERT", "pg_current_xact_id", is_commit])
async def test_run_over_a_lost_connection_happens_exactly_once(
    database: AsyncDatabase, proxy: WireProxy, at: Any, statement: Any
) -> None:
    runs: list[int] = []

    async def work(session: AsyncSession) -> Task:
        runs.append(len(runs))
        return await create(session)

    with proxy.fault(Fault(at, Cut(), statement)) as armed:
        task = await database.run(work)
    assert armed.fired == 1
    assert len(runs) == (1 if statement is is_commit and at in ("after_statement", "within_answer") else 2)
    async with database.session() as session:
        assert await AsyncTaskRepository(session).every_owner().list() == [task]


async def test_run_of_a_commit_without_a_status_is_unknown(database: AsyncDatabase, proxy: WireProxy) -> None:
    with (
        proxy.fault(Fault("after_statement", Cut(), is_commit)),
        proxy.fault(Fault("before_statement", Cut(), "pg_xact_status", times=1000)) as silent,
        pytest.raises(OutcomeUnknownError) as raised,
    ):
        await database.run(create, retry=Retry(within_s=0.2))
    assert (raised.value.outcome, raised.value.retryable) == ("unknown", False)
    assert silent.fired >= 1
    assert await database.run(count) == 1


async def test_run_asks_again_for_a_commit_status_that_it_did_not_get(
    database: AsyncDatabase, proxy: WireProxy
) -> None:
    with (
        proxy.fault(Fault("after_statement", Cut(), is_commit)),
        proxy.fault(Fault("before_statement", Cut(), "pg_xact_status", times=2)) as silent,
    ):
        await database.run(create)
    assert silent.fired == 2
    assert await database.run(count) == 1


async def test_run_repeats_a_read_whose_commit_was_lost(database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.fault(Fault("after_statement", Cut(), is_commit)) as armed:
        assert await database.run(count) == 0
    assert armed.fired == 1
    with (
        proxy.fault(Fault("after_statement", Cut(), is_commit, times=10)),
        pytest.raises(ConnectionLostError) as raised,
    ):
        await database.run(count, retry=Retry(attempts=2))
    assert raised.value.outcome == "not_applied"


async def test_run_translates_an_error_of_its_flush(database: AsyncDatabase) -> None:
    async def twice(session: AsyncSession) -> None:
        session.add_all([Project(owner_id="a", name="same"), Project(owner_id="a", name="same")])

    with pytest.raises(UniqueViolationError):
        await database.run(twice)


async def test_run_repeats_deadlocks(database: AsyncDatabase) -> None:
    one, two = await database.run(create), await database.run(create)

    async def crossed(session: AsyncSession) -> None:
        tasks = AsyncTaskRepository(session).every_owner()
        await tasks.update(one.id, TaskUpdate(title="mine"))
        raise DeadlockError("as the server would say")

    with pytest.raises(DeadlockError):
        await database.run(crossed, retry=Retry(attempts=2))
    async with database.session() as session:
        assert {task.title for task in await AsyncTaskRepository(session).every_owner().list()} == {two.title}


@pytest.mark.parametrize("retry", [3, None, 0.5])
async def test_run_takes_a_retry_alone(database: AsyncDatabase, retry: Any) -> None:
    with pytest.raises(UsageError, match=r"expected a Retry: retry=Retry\(attempts=…\)"):
        await database.run(count, retry=retry)


def test_a_retry_allows_at_least_one_run() -> None:
    for wrong in ({"attempts": 0}, {"within_s": -1.0}):
        values: Any = wrong
        with pytest.raises(UsageError, match="allows no run"):
            Retry(**values)
