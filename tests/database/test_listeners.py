"""An event listener of the application's own may do whatever it may do on a plain SQLAlchemy engine."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Database, init_db
from backend.commands.check import check
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository
from tests.conftest import Server

pytestmark = pytest.mark.session_state("a listener of the application calls set_config")

EVENTS = ("connect", "checkout", "checkin", "engine_connect")


class ApplicationError(Exception):
    """The application's own error."""


class Listener:
    """Runs a statement at an event, or raises, as soon as it is armed."""

    def __init__(self, engine: Engine, name: str, error: Exception | None = None) -> None:
        self.calls = 0
        self.is_armed = True
        self._error = error
        event.listen(engine, name, self._on_connection if name == "engine_connect" else self._on_pool)

    def _on_pool(self, connection: Any, *_: object) -> None:
        if self._is_called():
            cursor = connection.cursor()
            cursor.execute("SELECT set_config('search_path', current_setting('search_path'), false)")
            cursor.close()

    def _on_connection(self, connection: Connection) -> None:
        if self._is_called():
            connection.execute(select(func.set_config("search_path", func.current_setting("search_path"), False)))

    def _is_called(self) -> bool:
        self.calls += self.is_armed
        if self.is_armed and self._error is not None:
            raise self._error
        return self.is_armed


def alone(database: Database) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        made = tasks.create(TaskCreate(title="x"))
        tasks.toggle_complete(made.id)
        tasks.count()


def plain(database: Database) -> None:
    with Session(database.engine) as session:
        TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def joined(database: Database) -> None:
    with database.session() as session, session.begin():
        TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def transaction(database: Database) -> None:
    with database.transaction() as session:
        TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def run(database: Database) -> None:
    database.run(lambda session: TaskRepository(session).owned_by("a").create(TaskCreate(title="x")))


def ping(database: Database) -> None:
    database.ping()


def init(database: Database) -> None:
    init_db(database, Task.metadata)


async def async_alone(database: AsyncDatabase) -> None:
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        made = await tasks.create(TaskCreate(title="x"))
        await tasks.toggle_complete(made.id)
        await tasks.count()


async def async_plain(database: AsyncDatabase) -> None:
    async with AsyncSession(database.engine) as session:
        await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


async def async_joined(database: AsyncDatabase) -> None:
    async with database.session() as session, session.begin():
        await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


async def async_transaction(database: AsyncDatabase) -> None:
    async with database.transaction() as session:
        await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


async def async_run(database: AsyncDatabase) -> None:
    async def work(session: AsyncSession) -> None:
        await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))

    await database.run(work)


async def async_ping(database: AsyncDatabase) -> None:
    await database.ping()


async def async_init(database: AsyncDatabase) -> None:
    await init_db(database, Task.metadata)


WRITES = (alone, plain, joined, transaction, run)
CALLS: tuple[Callable[[Database], None], ...] = (*WRITES, ping, init)
ASYNC_WRITES = (async_alone, async_plain, async_joined, async_transaction, async_run)
ASYNC_CALLS: tuple[Callable[[AsyncDatabase], Awaitable[None]], ...] = (*ASYNC_WRITES, async_ping, async_init)


@contextmanager
def opened(url: str, kind: str) -> Generator[Database]:
    if kind == "own":
        with Database(url) as database:
            yield database
        return
    engine = create_engine(url)
    yield Database(engine)
    engine.dispose()


@asynccontextmanager
async def async_opened(url: str, kind: str) -> AsyncGenerator[AsyncDatabase]:
    if kind == "own":
        async with AsyncDatabase(url) as database:
            yield database
        return
    engine: AsyncEngine = create_async_engine(url)
    yield AsyncDatabase(engine)
    await engine.dispose()


of_each_engine = pytest.mark.parametrize("kind", ["own", "given"])
at_each_event = pytest.mark.parametrize("name", EVENTS)


@of_each_engine
@at_each_event
def test_a_listener_may_run_a_statement(clean: Engine, server: Server, kind: str, name: str) -> None:
    for call in CALLS:
        with opened(server.url, kind) as database:
            listener = Listener(database.engine, name)
            call(database)
            call(database)
            assert listener.calls
    with Session(clean) as session:
        assert TaskRepository(session).owned_by("a").count() == 2 * len(WRITES)


@of_each_engine
@at_each_event
async def test_a_listener_may_run_a_statement_of_an_async_engine(
    clean: Engine, server: Server, kind: str, name: str
) -> None:
    for call in ASYNC_CALLS:
        async with async_opened(server.url, kind) as database:
            listener = Listener(database.engine.sync_engine, name)
            await call(database)
            await call(database)
            assert listener.calls
    with Session(clean) as session:
        assert TaskRepository(session).owned_by("a").count() == 2 * len(ASYNC_WRITES)


@of_each_engine
@at_each_event
def test_an_error_of_a_listener_comes_out_as_it_is(clean: Engine, server: Server, kind: str, name: str) -> None:
    for call in CALLS:
        with opened(server.url, kind) as database:
            listener = Listener(database.engine, name, ApplicationError("by the application"))
            with pytest.raises(ApplicationError, match="by the application"):
                call(database)
            listener.is_armed = False
            call(database)


@of_each_engine
@at_each_event
async def test_an_error_of_a_listener_comes_out_as_it_is_of_an_async_engine(
    clean: Engine, server: Server, kind: str, name: str
) -> None:
    for call in ASYNC_CALLS:
        async with async_opened(server.url, kind) as database:
            listener = Listener(database.engine.sync_engine, name, ValueError("by the application"))
            with pytest.raises(ValueError, match="by the application"):
                await call(database)
            listener.is_armed = False
            await call(database)


@of_each_engine
@pytest.mark.parametrize("name", ["connect", "checkout"])
def test_a_failed_statement_of_a_listener_is_no_connect_error(
    clean: Engine, server: Server, kind: str, name: str
) -> None:
    def fail(connection: Any, *_: object) -> None:
        connection.cursor().execute("SELECT missing")

    for call in CALLS:
        with opened(server.url, kind) as database:
            event.listen(database.engine, name, fail)
            with pytest.raises(DBAPIError) as raised:
                call(database)
            assert isinstance(raised.value.orig, psycopg.errors.UndefinedColumn)


@of_each_engine
@pytest.mark.parametrize("name", ["connect", "checkout"])
async def test_a_failed_statement_of_a_listener_is_no_connect_error_of_an_async_engine(
    clean: Engine, server: Server, kind: str, name: str
) -> None:
    def fail(connection: Any, *_: object) -> None:
        connection.cursor().execute("SELECT missing")

    for call in ASYNC_CALLS:
        async with async_opened(server.url, kind) as database:
            event.listen(database.engine.sync_engine, name, fail)
            with pytest.raises(DBAPIError) as raised:
                await call(database)
            assert isinstance(raised.value.orig, psycopg.errors.UndefinedColumn)


@at_each_event
def test_a_check_takes_listeners(
    clean: Engine, server: Server, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url)
    with event_on_every_engine(name) as calls:
        assert check() == 0
    assert calls
    assert "all there" in capsys.readouterr().out


@contextmanager
def event_on_every_engine(name: str) -> Generator[list[object]]:
    calls: list[object] = []

    def on_pool(connection: Any, *_: object) -> None:
        calls.append(connection)
        connection.cursor().execute("SELECT 1")

    def on_connection(connection: Connection) -> None:
        calls.append(connection)
        connection.execute(select(1))

    listener = on_connection if name == "engine_connect" else on_pool
    event.listen(Engine, name, listener)
    try:
        yield calls
    finally:
        event.remove(Engine, name, listener)
