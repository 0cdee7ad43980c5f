"""What a connection that breaks, or that the server ends, means for the work that was under way."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.errors import (
    ConnectError,
    ConnectionLostError,
    CredentialsError,
    FailedTransactionError,
    OutcomeUnknownError,
    RepositoryError,
    StatementTimeoutError,
    UnknownDatabaseError,
)
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskUpdate
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Refuse, Statement

CANARY = "canary-of-a-server"


@pytest.mark.parametrize(
    ("sqlstate", "for_a_write", "for_a_read"),
    [
        ("57P01", OutcomeUnknownError, ConnectionLostError),
        ("08P01", OutcomeUnknownError, ConnectionLostError),
        ("XX000", OutcomeUnknownError, ConnectionLostError),
        ("25P04", OutcomeUnknownError, StatementTimeoutError),
        ("57P05", ConnectionLostError, ConnectionLostError),  # closed before it read the statement
        ("28P01", CredentialsError, CredentialsError),  # a pooler that connects late
        ("3D000", UnknownDatabaseError, UnknownDatabaseError),
        ("53300", ConnectError, ConnectError),
    ],
)
async def test_the_sqlstate_of_an_ended_session_decides_the_error(
    session: AsyncSession,
    proxy: WireProxy,
    sqlstate: str,
    for_a_write: type[RepositoryError],
    for_a_read: type[RepositoryError],
) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    task = await tasks.create(TaskCreate(title="x"))

    async def write() -> object:
        return await tasks.update(task.id, TaskUpdate(title="y"))

    async def read() -> object:
        return await tasks.get(task.id)

    for call, expected in ((write, for_a_write), (read, for_a_read)):
        with proxy.fault(Fault("before_statement", Refuse(sqlstate, CANARY))), pytest.raises(RepositoryError) as raised:
            await call()
        assert (type(raised.value), raised.value.sqlstate) == (expected, sqlstate)
        assert raised.value.outcome == ("unknown" if expected is OutcomeUnknownError else "not_applied")
        assert CANARY not in f"{raised.value!r}"


async def test_a_lost_answer_leaves_a_write_unknown_and_a_read_undone(session: AsyncSession, proxy: WireProxy) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    with proxy.fault(Fault("after_statement", Cut())), pytest.raises(OutcomeUnknownError):
        await tasks.create(TaskCreate(title="x"))
    with proxy.fault(Fault("after_statement", Cut())), pytest.raises(ConnectionLostError) as raised:
        await tasks.list()
    assert raised.value.retryable


def is_commit(statement: Statement) -> bool:
    return statement.sql == "COMMIT"


async def test_a_read_at_another_isolation_level_is_never_unknown(proxy: WireProxy, clean: Engine) -> None:
    engine = create_async_engine(proxy.url, isolation_level="SERIALIZABLE")
    async with AsyncDatabase(engine).session() as session:
        with proxy.fault(Fault("after_statement", Cut(), is_commit)), pytest.raises(ConnectionLostError):
            await AsyncTaskRepository(session).every_owner().list()
        with proxy.fault(Fault("after_statement", Cut(), is_commit)), pytest.raises(OutcomeUnknownError):
            await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
    await engine.dispose()


async def test_a_commit_whose_answer_is_lost_is_unknown(database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.fault(Fault("after_statement", Cut(), is_commit)), pytest.raises(OutcomeUnknownError) as raised:
        async with database.transaction() as session:
            await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
    assert raised.value.operation == "transaction"


async def test_a_call_after_a_lost_connection_belongs_to_a_failed_transaction(
    database: AsyncDatabase, proxy: WireProxy
) -> None:
    with pytest.raises(FailedTransactionError):
        async with database.transaction() as session:
            tasks = AsyncTaskRepository(session).owned_by("a")
            with proxy.fault(Fault("after_statement", Cut(), "INSERT")), pytest.raises(ConnectionLostError):
                await tasks.create(TaskCreate(title="x"))
            with pytest.raises(FailedTransactionError):
                await tasks.list()


async def test_a_transaction_that_finds_no_server_says_so(proxy: WireProxy) -> None:
    async with AsyncDatabase(Settings.from_url(proxy.url).model_copy(update={"connect_retry_s": 0})) as database:
        with proxy.fault(Fault("connect", Cut(), times=9)), pytest.raises(ConnectError):
            async with database.transaction() as session:
                await AsyncTaskRepository(session).every_owner().list()
