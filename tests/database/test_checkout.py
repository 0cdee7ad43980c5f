"""A connection leaves the pool alive, and in the mode that is asked for: transactions, unless a call is on its own."""

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, func, select
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlmodel import Session

from backend import AsyncDatabase, Database
from backend.errors import RepositoryError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository
from tests.conftest import Server
from tests.support.wire import WireProxy


def test_a_connection_that_was_cut_while_idle_is_replaced(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database, database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.create(TaskCreate(title="before"))
        proxy.cut_all()
        with proxy.watch() as seen:
            tasks.create(TaskCreate(title="after"))
        assert seen.connects == 1
        assert tasks.count() == 2


async def test_a_connection_that_was_cut_while_idle_is_replaced_for_async_too(clean: Engine, proxy: WireProxy) -> None:
    async with AsyncDatabase(proxy.url) as database, database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        await tasks.create(TaskCreate(title="before"))
        proxy.cut_all()
        with proxy.watch() as seen:
            await tasks.create(TaskCreate(title="after"))
        assert seen.connects == 1
        assert await tasks.count() == 2


def test_a_connection_that_the_server_ended_with_a_reason_is_replaced(clean: Engine, server: Server) -> None:
    with Database(server.url) as database:
        with database.engine.connect() as connection:
            pid = connection.scalar(select(func.pg_backend_pid()))
        with clean.connect() as other:
            assert other.scalar(select(func.pg_terminate_backend(pid, 10_000)))
        database.ping()


@pytest.mark.session_state("a caller listens")
def test_a_connection_with_a_notification_is_kept(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database:
        opened: list[object] = []

        def note(connection: object, _record: object) -> None:
            opened.append(connection)

        event.listen(database.engine, "connect", note)
        with database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.execute("LISTEN here")
            driver.commit()
        raw = clean.raw_connection()
        raw.cursor().execute("NOTIFY here")
        raw.commit()
        raw.close()
        for _ in range(3):
            database.ping()
        assert len(opened) == 1


@pytest.mark.parametrize("closes", [True, False])
def test_closing_a_database_closes_its_own_engine_alone(clean: Engine, proxy: WireProxy, closes: bool) -> None:
    own = Database(proxy.url)
    database = own if closes else Database(own.engine)
    own.ping()
    database.close()
    with proxy.watch() as seen:
        own.ping()
    assert seen.connects == int(closes)
    own.close()


def test_a_transaction_after_a_call_in_autocommit_can_be_rolled_back(clean: Engine, server: Server) -> None:
    with Database(server.url) as database:
        with database.session() as session:
            TaskRepository(session).owned_by("a").create(TaskCreate(title="kept"))
        with Session(database.engine) as plain:
            plain.add(Task(title="undone", user_id="a"))
            plain.flush()
            plain.rollback()
        with database.session() as session:
            assert [task.title for task in TaskRepository(session).every_owner().list()] == ["kept"]


def test_a_connection_without_autocommit_requested_is_in_transactions(clean: Engine, server: Server) -> None:
    with Database(server.url) as database:
        with database.session() as session:
            TaskRepository(session).every_owner().count()
        with database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            assert not driver.autocommit


def test_consecutive_calls_do_not_switch_autocommit(clean: Engine, server: Server) -> None:
    with Database(server.url) as database, database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.count()
        switched: list[bool] = []

        def note(connection: "psycopg.Connection[object]", _record: object, _proxy: object) -> None:
            switched.append(connection.autocommit)

        event.listen(database.engine, "checkout", note, insert=True)
        tasks.count()
        tasks.count()
        assert switched == [True, True]


def test_a_connection_that_a_listener_opens_during_a_call_is_in_transactions(clean: Engine, server: Server) -> None:
    with Database(server.url) as database, database.session() as session:
        seen: list[bool] = []

        def take(_connection: object) -> None:
            if not seen:
                seen.append(True)
                with database.engine.connect() as beside:
                    driver = beside.connection.driver_connection
                    assert isinstance(driver, psycopg.Connection)
                    seen.append(driver.autocommit)

        tasks = TaskRepository(session).every_owner()
        tasks.count()
        event.listen(database.engine, "engine_connect", take)
        tasks.count()
        assert seen == [True, False]


@pytest.mark.parametrize("isolation", ["SERIALIZABLE", "REPEATABLE READ"])
def test_an_engine_set_to_another_level_keeps_it_after_calls_in_autocommit(
    clean: Engine, server: Server, isolation: IsolationLevel
) -> None:
    with Database(server.url) as database:
        with database.session() as session:
            TaskRepository(session).every_owner().count()
        strict = database.engine.execution_options(isolation_level=isolation)
        levels: list[str] = []

        def note(connection: Connection, *_: object) -> None:
            levels.append(connection.get_isolation_level())

        event.listen(strict, "before_cursor_execute", note)
        with Session(strict) as session:
            TaskRepository(session).every_owner().count()
        assert levels == [isolation]


class Busy:
    """Keeps the first connection that sends a statement busy: libpq refuses it, and does not count it as closed."""

    def __init__(self, engine: Engine) -> None:
        self.pid = 0
        event.listen(engine, "before_cursor_execute", self)

    def __call__(self, connection: Connection, *_: object) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection | psycopg.AsyncConnection)
        if not self.pid:
            self.pid = driver.info.backend_pid
            driver.pgconn.send_query(b"SELECT pg_sleep(20)")


def in_transaction(database: Database) -> None:
    with database.transaction() as session:
        TaskRepository(session).owned_by("a").count()


def alone(database: Database) -> None:
    with database.session() as session:
        TaskRepository(session).owned_by("a").count()


@pytest.mark.parametrize("use", [alone, in_transaction, Database.ping])
def test_a_connection_that_fails_without_an_answer_is_not_used_again(
    clean: Engine, server: Server, use: Callable[[Database], object]
) -> None:
    with Database(server.url) as database:
        busy = Busy(database.engine)
        with pytest.raises(RepositoryError):
            use(database)
        use(database)
        with database.engine.connect() as connection:
            assert connection.scalar(select(func.pg_backend_pid())) != busy.pid
    with clean.connect() as other:
        other.scalar(select(func.pg_terminate_backend(busy.pid, 10_000)))


async def test_an_asynchronous_connection_that_fails_without_an_answer_is_not_used_again(
    clean: Engine, server: Server
) -> None:
    async with AsyncDatabase(server.url) as database, database.session() as session:
        busy, tasks = Busy(database.engine.sync_engine), AsyncTaskRepository(session).owned_by("a")
        with pytest.raises(RepositoryError):
            await tasks.count()
        assert await tasks.count() == 0
    with clean.connect() as other:
        other.scalar(select(func.pg_terminate_backend(busy.pid, 10_000)))
