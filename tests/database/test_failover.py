"""After a failover: a connection that leads to a standby is given up, and the next one finds the writer."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Database, init_db
from backend.embedded import EmbeddedServer
from backend.errors import ConnectError, ConnectionLostError, NotPermittedError
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository
from tests.support.clusters import demote, durable_server, fence, promote, standby_of, wait_until
from tests.support.wire import WireProxy

NEW = TaskCreate(title="x")


@pytest.fixture(scope="module")
def primary() -> Generator[EmbeddedServer]:
    with durable_server() as server, Database(server.url) as database:
        init_db(database)
        yield server


@pytest.fixture(scope="module")
def standby(primary: EmbeddedServer) -> Generator[EmbeddedServer]:
    with standby_of(primary) as server:
        yield server


@pytest.fixture
def name(standby: EmbeddedServer) -> Generator[WireProxy]:
    """What the application connects to; it still leads to what is a standby now."""
    with WireProxy(standby.socket_folder) as proxy:
        yield proxy


@pytest.fixture
def pair() -> Generator[tuple[EmbeddedServer, EmbeddedServer]]:
    """A primary and its standby, which the test may promote."""
    with durable_server() as server:
        with Database(server.url) as database:
            init_db(database)
        with standby_of(server) as follower:
            yield server, follower


def url_of(pair: tuple[EmbeddedServer, EmbeddedServer]) -> str:
    hosts = ",".join(str(server.socket_folder) for server in pair)
    return f"postgresql://postgres@/postgres?host={hosts}&target_session_attrs=read-write"


def create(session: Session) -> Task:
    return TaskRepository(session).owned_by("a").create(NEW)


async def create_async(session: AsyncSession) -> Task:
    return await AsyncTaskRepository(session).owned_by("a").create(NEW)


def create_by_hand(session: Session) -> object:
    return session.exec(insert(Task).values(user_id="a", title="x"))


def create_in_a_savepoint(session: Session) -> object:
    with session.begin_nested():
        return create(session)


def in_session(database: Database) -> object:
    with database.session() as session:
        return create(session)


def in_transaction(database: Database) -> object:
    with database.transaction() as session:
        return create(session)


async def in_session_async(database: AsyncDatabase) -> object:
    async with database.session() as session:
        return await create_async(session)


async def in_transaction_async(database: AsyncDatabase) -> object:
    async with database.transaction() as session:
        return await create_async(session)


def count(session: Session) -> int:
    return TaskRepository(session).owned_by("a").count()


def is_read_only(database: Database) -> bool:
    with database.engine.connect() as connection:
        setting = func.current_setting("default_transaction_read_only")
        return connection.scalar(select(setting)) == "on"


def idle_connections(engine: Engine, number: int) -> None:
    """Leaves this many connections in the pool."""
    for connection in [engine.connect() for _ in range(number)]:
        connection.close()


@pytest.mark.parametrize("call", [in_session, in_transaction])
def test_a_write_on_a_standby_gives_the_connections_up(
    name: WireProxy, primary: EmbeddedServer, call: Callable[[Database], object]
) -> None:
    with Database(name.url) as database:
        idle_connections(database.engine, 3)
        with pytest.raises(ConnectionLostError, match="a server that takes no writes") as raised:
            call(database)
        error = raised.value
        assert (error.sqlstate, error.retryable, error.outcome) == ("25006", True, "not_applied")
        name.lead_to(primary.socket_folder)
        with name.watch() as seen:
            for _ in range(4):
                call(database)
        assert seen.connects == 1


@pytest.mark.parametrize("call", [in_session_async, in_transaction_async])
async def test_a_write_on_a_standby_gives_the_connections_up_for_async_too(
    name: WireProxy, primary: EmbeddedServer, call: Callable[[AsyncDatabase], Awaitable[object]]
) -> None:
    async with AsyncDatabase(name.url) as database:
        with pytest.raises(ConnectionLostError) as raised:
            await call(database)
        error = raised.value
        assert (error.sqlstate, error.retryable, error.outcome) == ("25006", True, "not_applied")
        name.lead_to(primary.socket_folder)
        with name.watch() as seen:
            await call(database)
        assert seen.connects == 1


@pytest.mark.parametrize("write", [create, create_by_hand, create_in_a_savepoint])
def test_a_run_goes_on_with_the_writer(
    name: WireProxy, primary: EmbeddedServer, write: Callable[[Session], object]
) -> None:
    runs: list[Session] = []

    def work(session: Session) -> object:
        runs.append(session)
        try:
            return write(session)
        finally:
            name.lead_to(primary.socket_folder)

    with Database(name.url) as database:
        assert database.run(work)
    assert len(runs) == 2


async def test_a_run_goes_on_with_the_writer_for_async_too(name: WireProxy, primary: EmbeddedServer) -> None:
    runs: list[AsyncSession] = []

    async def work(session: AsyncSession) -> object:
        runs.append(session)
        try:
            return await create_async(session)
        finally:
            name.lead_to(primary.socket_folder)

    async with AsyncDatabase(name.url) as database:
        assert await database.run(work)
    assert len(runs) == 2


def read_only(database: Database) -> object:
    reading = database.engine.execution_options(postgresql_readonly=True)
    with Session(reading) as session:
        return create(session)


def read_only_by_statement(database: Database) -> object:
    with database.transaction() as session:
        session.connection().exec_driver_sql("SET TRANSACTION READ ONLY")
        return create(session)


@pytest.mark.parametrize("call", [read_only, read_only_by_statement])
@pytest.mark.parametrize("options", ["", "&target_session_attrs=read-write"])
def test_a_transaction_that_is_read_only_on_purpose_is_refused_and_its_connection_kept(
    primary: EmbeddedServer, call: Callable[[Database], object], options: str
) -> None:
    with WireProxy(primary.socket_folder) as proxy, Database(proxy.url + options) as database:
        with proxy.watch() as seen:
            for _ in range(2):
                with pytest.raises(NotPermittedError):
                    call(database)
            in_session(database)
        assert seen.connects == 1


@pytest.mark.parametrize(
    "options",
    ["target_session_attrs=standby", "target_session_attrs=read-only", "target_session_attrs=prefer-standby"],
)
def test_a_write_on_a_standby_that_the_url_asks_for_is_refused(name: WireProxy, options: str) -> None:
    with Database(f"{name.url}&{options}") as database, name.watch() as seen:
        for _ in range(2):
            with pytest.raises(NotPermittedError):
                in_session(database)
    assert seen.connects == 1


def test_a_session_that_the_url_makes_read_only_is_refused_its_writes(primary: EmbeddedServer) -> None:
    url = f"{primary.url}&options=-c%20default_transaction_read_only=on"
    with Database(url) as database, pytest.raises(NotPermittedError):
        in_session(database)


def test_a_transaction_that_is_read_only_on_purpose_on_a_standby_is_refused(name: WireProxy) -> None:
    with Database(name.url) as database, pytest.raises(NotPermittedError):
        read_only(database)


def test_an_open_connection_leaves_a_primary_that_was_made_read_only(
    pair: tuple[EmbeddedServer, EmbeddedServer],
) -> None:
    old, new = pair
    with Database(url_of(pair)) as database:
        in_session(database)
        fence(old)
        wait_until(lambda: is_read_only(database))
        promote(new)
        with pytest.raises(ConnectionLostError) as raised:
            in_session(database)
        assert (raised.value.retryable, raised.value.outcome) == (True, "not_applied")
        in_session(database)
    with Database(new.url) as writer:
        assert writer.run(count) == 2


def test_a_run_goes_on_after_a_promotion_and_the_old_primary_comes_back_as_a_standby(
    pair: tuple[EmbeddedServer, EmbeddedServer],
) -> None:
    old, new = pair
    runs: list[Session] = []

    def work(session: Session) -> Task:
        runs.append(session)
        if len(runs) == 2:
            promote(new)
        return create(session)

    with Database(url_of(pair)) as database:
        in_session(database)
        demote(old)
        assert database.run(work).title == NEW.title
        assert len(runs) >= 2
        in_session(database)
        assert database.run(count) == 3
    with Database(old.url) as standby:
        assert standby.run(count) == 1


def test_a_call_waits_while_no_host_takes_writes(pair: tuple[EmbeddedServer, EmbeddedServer]) -> None:
    _, new = pair
    with WireProxy(new.socket_folder) as proxy, ThreadPoolExecutor(2) as threads:
        url = f"{proxy.url}&target_session_attrs=read-write"
        waiting = Settings.from_url(url).model_copy(update={"connect_retry_s": 60})
        with proxy.watch() as seen:
            calls = [threads.submit(sync_call, waiting), threads.submit(lambda: asyncio.run(async_call(waiting)))]
            wait_until(lambda: seen.connects >= 8)
            promote(new)
            for call in calls:
                call.result()
    with Database(new.url) as writer:
        assert writer.run(count) == 2


def sync_call(settings: Settings) -> None:
    with Database(settings) as database:
        in_session(database)


async def async_call(settings: Settings) -> None:
    async with AsyncDatabase(settings) as database:
        await in_session_async(database)


def test_an_error_says_that_no_host_takes_writes(standby: EmbeddedServer) -> None:
    url = f"{standby.url}&target_session_attrs=read-write"
    settings = Settings.from_url(url).model_copy(update={"connect_retry_s": 0})
    with Database(settings) as database, pytest.raises(ConnectError, match="is not what target_session_attrs asks for"):
        database.ping()
