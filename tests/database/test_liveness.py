"""A connection that was closed while it lay in the pool is replaced before it is used, at no round trip."""

import psycopg
import pytest
from sqlalchemy import Engine, event

from backend import AsyncDatabase, Database
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository
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


def test_a_notification_is_no_sign_of_death(clean: Engine, proxy: WireProxy) -> None:
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
