"""What a connection is when it goes back to the pool: a table of how it was used, and of how that ended.

After each: it is the same connection, in autocommit after a call of its own and else not; no isolation level, read only
or deferrable mode is left on it, no transaction, nothing unread; on the server its session is idle, and as new.
A notice of the server is read as it comes. A cancelled task and an interrupted thread close their connection:
`test_returned_cancelled`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, event, func, text
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Retry, init_db
from backend.errors import InvalidDataError, LockNotAvailableError, StatementTimeoutError, UsageError
from backend.tasks import AsyncTaskRepository, Task
from tests.faults._async.fault_matrix import Stage, check_settled, new_row, url_of
from tests.support.returned import NEW, SESSION, ReturnWatch, sync_engine
from tests.support.wire import WireProxy

pytestmark = pytest.mark.direct("it compares what is left in one session on the server")

Act = Callable[[AsyncSession], Awaitable[object]]


class ApplicationError(Exception):
    """The application's own error."""


async def call(database: AsyncDatabase, act: Act) -> None:
    async with database.session() as session:
        await act(session)


async def serializable_call(database: AsyncDatabase, act: Act) -> None:
    await call(AsyncDatabase(database.engine.execution_options(isolation_level="SERIALIZABLE")), act)


async def read_only_call(database: AsyncDatabase, act: Act) -> None:
    await call(AsyncDatabase(database.engine.execution_options(postgresql_readonly=True)), act)


async def deferrable_call(database: AsyncDatabase, act: Act) -> None:
    await call(AsyncDatabase(database.engine.execution_options(postgresql_deferrable=True)), act)


async def transaction(database: AsyncDatabase, act: Act) -> None:
    async with database.transaction() as session:
        await act(session)


async def savepoint(database: AsyncDatabase, act: Act) -> None:
    async with database.transaction() as session, session.begin_nested():
        await act(session)


async def begun(database: AsyncDatabase, act: Act) -> None:
    async with database.session() as session, session.begin():
        await act(session)


async def run(database: AsyncDatabase, act: Act) -> None:
    await database.run(act, retry=Retry(attempts=1))


async def serializable_run(database: AsyncDatabase, act: Act) -> None:
    await database.run(act, isolation="SERIALIZABLE", retry=Retry(attempts=1))


async def ping(database: AsyncDatabase, act: Act) -> None:
    await database.ping()


async def create_tables(database: AsyncDatabase, act: Act) -> None:
    await init_db(database)


USES = (
    call, serializable_call, read_only_call, deferrable_call, transaction, savepoint, begun, run, serializable_run,
    ping, create_tables,
)  # fmt: skip
IN_AUTOCOMMIT = (call, ping)
WITHOUT_ACT = (ping, create_tables)


async def act(session: AsyncSession) -> None:
    await AsyncTaskRepository(session).every_owner().list()


async def fail_before_sql(session: AsyncSession) -> None:
    await act(session)
    await AsyncTaskRepository(session).every_owner().list(limit=-1)


async def fail_on_server(session: AsyncSession) -> None:
    await act(session)
    await AsyncTaskRepository(session).every_owner().list(col(Task.id) / 0 == 1)


async def sleep_on_server(session: AsyncSession) -> None:
    await act(session)
    await AsyncTaskRepository(session).every_owner().list(func.pg_sleep(600).is_not(None))


async def be_noticed(session: AsyncSession) -> None:
    await AsyncTaskRepository(session).every_owner().list(func.noticed() == 1)


async def raise_own(session: AsyncSession) -> None:
    await act(session)
    raise ApplicationError


@dataclass(frozen=True)
class Ending:
    """How a use ends."""

    name: str
    act: Act = act
    error: type[Exception] | None = None
    listener: str = ""
    """An event of the engine whose listener raises."""
    is_locked: bool = False
    """The tables are locked, for longer than the server waits."""
    limit: str = "lock_timeout=0"
    """The server's, in milliseconds; 0 is none: any statement may wait a moment for a lock, of autovacuum's for one."""


ENDINGS = (
    Ending("success"),
    Ending("error before SQL", fail_before_sql, UsageError),
    Ending("error of the server", fail_on_server, InvalidDataError),
    Ending("success with a notice", be_noticed),
    Ending("lock timeout", act, LockNotAvailableError, is_locked=True, limit="lock_timeout=1"),
    Ending("statement timeout", sleep_on_server, StatementTimeoutError, limit="statement_timeout=300"),
    Ending("error of the block", raise_own, ApplicationError),
    Ending("error of a listener before", act, ApplicationError, "before_cursor_execute"),
    Ending("error of a listener after", act, ApplicationError, "after_cursor_execute"),
    Ending("error of a listener at commit", act, ApplicationError, "commit"),
    Ending("error of a listener at rollback", raise_own, ApplicationError, "rollback"),
)


NOTICED = """
    CREATE OR REPLACE FUNCTION noticed() RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''x''; RETURN 1; END'
"""


@pytest.fixture
async def stage(proxy: WireProxy, clean: Engine, ending: Ending) -> AsyncGenerator[Stage]:
    """A database whose server has the limit of the ending, and a function that raises a notice."""
    with clean.begin() as connection:
        connection.execute(text(NOTICED))
    async with AsyncDatabase(f"{url_of(proxy)}&options=-c{quote(ending.limit)}") as database:
        await database.ping()
        row = new_row(clean)
        yield Stage(database, proxy, clean, row)
        await check_settled(database.engine, proxy, clean)
        assert proxy.status == ("I",)


@asynccontextmanager
async def raising(stage: Stage, name: str) -> AsyncGenerator[None]:
    """A listener of the application raises while the block runs."""

    def listener(*_: object) -> None:
        raise ApplicationError

    engine = sync_engine(stage.database.engine)
    event.listen(engine, name, listener)
    try:
        yield
    finally:
        event.remove(engine, name, listener)


@asynccontextmanager
async def locked(stage: Stage) -> AsyncGenerator[None]:
    """The tables, and the making of tables, are locked while the block runs."""
    with stage.beside.begin() as connection:
        connection.execute(text("LOCK TABLE task"))
        connection.execute(text("SELECT pg_advisory_xact_lock(x'7265706F7369746F'::bigint)"))
        yield


def circumstances(stage: Stage, ending: Ending) -> AbstractAsyncContextManager[None]:
    if ending.listener:
        return raising(stage, ending.listener)
    return locked(stage) if ending.is_locked else nullcontext()


def applies(use: object, ending: Ending) -> bool:
    """Whether the use comes so far: `ping` takes no lock, and in autocommit there is neither COMMIT nor ROLLBACK."""
    if use in WITHOUT_ACT and (ending.act is not act or (use is ping and ending.is_locked)):
        return False
    return not (use in IN_AUTOCOMMIT and ending.listener in ("commit", "rollback"))


@pytest.mark.parametrize(
    ("use", "ending"),
    [
        pytest.param(use, ending, id=f"{use.__name__}-{ending.name}")
        for use in USES
        for ending in ENDINGS
        if applies(use, ending)
    ],
)
async def test_a_connection_goes_back_as_new(
    stage: Stage, use: Callable[[AsyncDatabase, Act], Awaitable[None]], ending: Ending
) -> None:
    watch = ReturnWatch(stage.database.engine)
    async with circumstances(stage, ending):
        if ending.error is None:
            await use(stage.database, ending.act)
        else:
            with pytest.raises(ending.error):
                await use(stage.database, ending.act)
    returned = watch.take()[-1]
    with stage.proxy.watch() as seen:
        async with stage.database.engine.connect() as connection:
            *session, backend = (await connection.execute(SESSION)).one()
    begin = seen.statements[0].sql
    assert begin.startswith("BEGIN")
    assert "READ WRITE" not in begin
    assert tuple(session) == NEW
    assert returned is not None
    assert (returned.autocommit, returned.backend) == (use in IN_AUTOCOMMIT, backend)
    assert (returned.is_idle, returned.has_modes, returned.has_unread) == (True, False, False)
