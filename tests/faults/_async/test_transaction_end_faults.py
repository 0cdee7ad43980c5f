"""The fault matrix at a transaction's end: COMMIT, what it flushes before, ROLLBACK; and whose transaction it is."""

from contextlib import suppress
from typing import Literal

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Retry
from backend.errors import (
    ConnectionLostError,
    FailedTransactionError,
    OutcomeUnknownError,
    RepositoryError,
    UniqueViolationError,
)
from backend.tasks import Task
from tests.faults._async.fault_matrix import (
    BEFORE,
    CALLS,
    CREATE,
    LIST,
    Matching,
    RepositoryCall,
    Stage,
    each_call,
    each_step,
    in_use,
    is_begin,
    is_call,
    is_commit,
    is_rollback,
    new_row,
    url_of,
)
from tests.support.models.suite import AsyncProjectRepository, ProjectCreate
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Refuse, Statement, Step

a_write_and_a_read = pytest.mark.parametrize("call", [CREATE, LIST], ids=lambda call: call.name)

Mode = Literal["conditional_savepoint", "create_savepoint"]


class MineError(Exception):
    """What the caller's block raises."""


async def create_project(session: AsyncSession) -> None:
    await AsyncProjectRepository(session).owned_by("a").create(ProjectCreate(name="same"))


@each_step
@each_call
async def test_a_transaction_says_unknown_from_the_first_byte_of_its_commit_on(
    stage: Stage, call: RepositoryCall, step: Step
) -> None:
    with stage.proxy.fault(Fault(step, Cut(), is_commit)) as armed, pytest.raises(OutcomeUnknownError) as raised:
        async with stage.database.transaction() as session:
            await call.make(stage.tasks(session), stage.row)
    assert armed.fired == 1
    assert not raised.value.retryable
    await stage.check(call, raised.value, "unknown", step)


@each_step
async def test_a_transaction_whose_begin_is_lost_has_done_nothing(stage: Stage, step: Step) -> None:
    with stage.proxy.fault(Fault(step, Cut(), is_begin)) as armed, pytest.raises(ConnectionLostError) as raised:
        async with stage.database.transaction() as session:
            await CREATE.make(stage.tasks(session), stage.row)
    assert armed.fired == 1
    await stage.check(CREATE, raised.value, "not_applied", step)


@each_step
async def test_a_cut_flush_of_a_commit_is_not_applied(stage: Stage, step: Step) -> None:
    with stage.proxy.fault(Fault(step, Cut(), "INSERT")) as armed, pytest.raises(ConnectionLostError) as raised:
        async with stage.database.transaction() as session:
            session.add(Task(title="new", user_id="a"))
    assert armed.fired == 1
    await stage.check(CREATE, raised.value, "not_applied", step)


async def test_a_flush_that_the_table_refuses_raises_as_a_call_does(stage: Stage) -> None:
    with pytest.raises(RepositoryError) as raised:
        async with stage.database.transaction() as session:
            session.add(Task(title="x" * 300, user_id="a"))
    await stage.check(CREATE, raised.value, "not_applied", "within_answer")


@each_step
async def test_a_lost_rollback_does_not_hide_what_the_block_raised(stage: Stage, step: Step) -> None:
    mine = MineError()
    with stage.proxy.fault(Fault(step, Cut(), is_rollback)) as armed, pytest.raises(MineError) as raised:
        async with stage.database.transaction() as session:
            await CREATE.make(stage.tasks(session), stage.row)
            raise mine
    assert armed.fired == 1
    assert raised.value is mine
    assert stage.rows() == BEFORE
    await stage.check_whole()


@each_step
async def test_a_lost_rollback_does_not_hide_what_a_run_raised(stage: Stage, step: Step) -> None:
    async def work(session: AsyncSession) -> None:
        await CREATE.make(stage.tasks(session), stage.row)
        raise MineError

    with stage.proxy.fault(Fault(step, Cut(), is_rollback)) as armed, pytest.raises(MineError):
        await stage.database.run(work)
    assert armed.fired == 1
    assert stage.rows() == BEFORE
    await stage.check_whole()


@each_step
async def test_a_lost_rollback_does_not_hide_that_a_statement_had_failed(stage: Stage, step: Step) -> None:
    async def swallow(session: AsyncSession) -> None:
        await create_project(session)
        with pytest.raises(UniqueViolationError):
            await create_project(session)

    with stage.proxy.fault(Fault(step, Cut(), is_rollback, times=2)) as armed:
        with pytest.raises(FailedTransactionError):
            async with stage.database.transaction() as session:
                await swallow(session)
        with pytest.raises(FailedTransactionError):
            await stage.database.run(swallow)
    assert armed.fired == 2
    await stage.check_whole()


@each_step
async def test_a_lost_rollback_does_not_hide_why_a_call_at_a_stricter_level_failed(strict: Stage, step: Step) -> None:
    async with strict.database.session() as session:
        await create_project(session)
        with strict.proxy.fault(Fault(step, Cut(), is_rollback)) as armed, pytest.raises(UniqueViolationError):
            await create_project(session)
    assert armed.fired == 1
    await strict.check_whole()


async def test_a_refused_call_gives_its_connection_back_while_its_error_is_kept(stage: Stage, strict: Stage) -> None:
    for each in (strict, stage):
        async with each.database.session() as session:
            if each is strict:
                await create_project(session)
            with pytest.raises(UniqueViolationError) as raised:
                await create_project(session)
        assert raised.value.outcome == "not_applied"
        assert in_use(each) == 0


def is_savepoint(statement: Statement) -> bool:
    return statement.sql.startswith("SAVEPOINT")


SAVEPOINTS: tuple[str | Matching, ...] = (is_savepoint, "INSERT", "RELEASE", "ROLLBACK TO")
ENDED = Refuse("57P01", "terminating connection due to administrator command")

each_statement_of_a_savepoint = pytest.mark.parametrize(
    "matching", SAVEPOINTS, ids=["SAVEPOINT", "INSERT", "RELEASE", "ROLLBACK TO"]
)


async def create_in_savepoints(stage: Stage, session: AsyncSession) -> None:
    """One that is rolled back, and one in another that are kept."""
    with suppress(MineError):
        async with session.begin_nested():
            await LIST.make(stage.tasks(session), stage.row)
            raise MineError
    async with session.begin_nested(), session.begin_nested():
        await CREATE.make(stage.tasks(session), stage.row)


@pytest.mark.parametrize("action", [Cut(), ENDED], ids=["cut", "ended by the server"])
@each_statement_of_a_savepoint
@each_step
async def test_a_savepoint_that_loses_its_connection_has_done_nothing(
    stage: Stage, step: Step, matching: str | Matching, action: Cut | Refuse
) -> None:
    with stage.proxy.fault(Fault(step, action, matching)) as armed, pytest.raises(RepositoryError) as raised:
        async with stage.database.transaction() as session:
            await create_in_savepoints(stage, session)
    assert armed.fired == 1
    assert type(raised.value) is ConnectionLostError
    await stage.check(CREATE, raised.value, "not_applied", step)


@each_statement_of_a_savepoint
async def test_a_savepoint_that_loses_its_connection_is_run_again(stage: Stage, matching: str | Matching) -> None:
    runs: list[int] = []

    async def work(session: AsyncSession) -> None:
        runs.append(len(runs))
        await create_in_savepoints(stage, session)

    with stage.proxy.fault(Fault("after_statement", Cut(), matching)) as armed:
        await stage.database.run(work)
    assert (armed.fired, len(runs)) == (1, 2)
    assert stage.rows() == CREATE.after
    with (
        stage.proxy.fault(Fault("after_statement", Cut(), matching, times=9)),
        pytest.raises(ConnectionLostError),
    ):
        await stage.database.run(work, retry=Retry(attempts=2))
    assert stage.rows() == CREATE.after
    await stage.check_whole()


@each_step
@a_write_and_a_read
async def test_an_autocommit_engine_has_no_transaction_that_a_call_could_join(
    proxy: WireProxy, clean: Engine, call: RepositoryCall, step: Step
) -> None:
    engine = create_async_engine(url_of(proxy), isolation_level="AUTOCOMMIT", use_native_hstore=False)
    stage = Stage(AsyncDatabase(engine), proxy, clean, new_row(clean))
    await stage.database.ping()
    async with AsyncSession(engine) as session:
        root = await session.begin()
        assert root.is_active
        with proxy.fault(Fault(step, Cut(), is_call)) as armed, pytest.raises(RepositoryError) as raised:
            await call.make(stage.tasks(session), stage.row)
    assert armed.fired == 1
    await stage.check(call, raised.value, "unknown" if call.writes else "not_applied", step)
    await engine.dispose()


@each_step
@pytest.mark.parametrize(("mode", "matching"), [("conditional_savepoint", "INSERT"), ("create_savepoint", "RELEASE")])
async def test_a_call_on_a_connection_of_the_callers_is_kept_by_the_callers_commit(
    stage: Stage, step: Step, mode: Mode, matching: str
) -> None:
    async with stage.database.engine.connect() as connection:
        transaction = await connection.begin()
        async with AsyncSession(connection, join_transaction_mode=mode) as session:
            fault = Fault(step, Cut(), matching)
            with stage.proxy.fault(fault) as armed, pytest.raises(ConnectionLostError) as raised:
                await CREATE.make(stage.tasks(session), stage.row)
        if transaction.is_active:
            await transaction.rollback()
    assert armed.fired == 1
    await stage.check(CREATE, raised.value, "not_applied", step)


@each_step
@a_write_and_a_read
async def test_a_call_on_a_connection_without_a_transaction_says_unknown_from_its_commit_on(
    stage: Stage, call: RepositoryCall, step: Step
) -> None:
    async with stage.database.engine.connect() as connection, AsyncSession(connection) as session:
        with stage.proxy.fault(Fault(step, Cut(), is_commit)) as armed, pytest.raises(RepositoryError) as raised:
            await call.make(stage.tasks(session), stage.row)
    assert armed.fired == 1
    await stage.check(call, raised.value, "unknown" if call.writes else "not_applied", step)


UNLOADABLE = update(Task).values(created_at="infinity")
"""A time that PostgreSQL holds and Python has no value for."""

returning = pytest.mark.parametrize(
    "call", [call for call in CALLS if call.writes and call.returns_task], ids=lambda call: call.name
)


@returning
async def test_a_row_that_cannot_be_loaded_is_written_all_the_same(stage: Stage, call: RepositoryCall) -> None:
    with stage.beside.begin() as connection:
        connection.execute(UNLOADABLE.values(updated_at=stage.row.updated_at))
    async with stage.database.session() as session:
        with pytest.raises(RepositoryError) as raised:
            await call.make(stage.tasks(session), stage.row)
    assert not raised.value.retryable
    await stage.check(call, raised.value, "applied", "within_answer")


@returning
async def test_a_row_that_cannot_be_loaded_is_not_written_before_a_commit(strict: Stage, call: RepositoryCall) -> None:
    with strict.beside.begin() as connection:
        connection.execute(UNLOADABLE.values(updated_at=strict.row.updated_at))
    async with strict.database.session() as session:
        with pytest.raises(RepositoryError) as raised:
            await call.make(strict.tasks(session), strict.row)
    await strict.check(call, raised.value, "not_applied", "within_answer")
