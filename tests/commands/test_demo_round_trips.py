"""The demo's own count of round trips is what crosses the wire."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, literal, select
from sqlmodel import Session

from backend import Database
from backend.commands.wire import RoundTrips
from backend.tasks import Task, TaskCreate, TaskRepository
from tests.support.wire import WireProxy

_ONE = select(literal(1))


def _call(database: Database) -> None:
    with database.session() as session:
        TaskRepository(session).owned_by("a").create(TaskCreate(title="one"))


def _transaction(database: Database) -> None:
    with database.transaction() as session:
        for _ in range(3):
            TaskRepository(session).owned_by("a").count()


def _flush(database: Database) -> None:
    with Session(database.engine) as session:
        session.add_all([Task(title="one", user_id="a"), Task(title="two", user_id="a")])
        session.commit()


def _large_result(database: Database) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.create(TaskCreate(title="one", description="x" * 300_000))
        tasks.list()


def _nothing(_: Database) -> None: ...


@pytest.mark.parametrize("work", [_call, _transaction, _flush, _large_result, _nothing])
def test_a_count_is_that_of_the_wire(clean: Engine, proxy: WireProxy, work: Callable[[Database], None]) -> None:
    with Database(proxy.url) as database:
        trips = RoundTrips(database.engine)
        database.ping()
        with proxy.watch() as seen, trips.counted():
            work(database)
        assert trips.last == seen.round_trips


def test_round_trips_of_several_connections_are_summed(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database:
        trips = RoundTrips(database.engine)
        with database.engine.connect() as one, database.engine.connect() as other, proxy.watch() as seen:
            with trips.counted():
                for connection in (one, other, one):
                    connection.execute(_ONE)
            round_trips = seen.round_trips
        assert (trips.last, round_trips) == (5, 5)


def test_each_count_begins_anew(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database:
        trips = RoundTrips(database.engine)
        database.ping()
        for _ in range(2):
            with trips.counted():
                database.ping()
            assert trips.last == 1


def test_what_opens_a_connection_is_not_counted(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database:
        trips = RoundTrips(database.engine)
        with trips.counted():
            database.ping()
        assert trips.last is None


def test_a_connection_that_was_replaced_is_counted(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database:
        trips = RoundTrips(database.engine)
        database.ping()
        database.engine.dispose()
        database.ping()
        with trips.counted():
            database.ping()
        assert trips.last == 1


def test_a_connection_that_is_closed_while_it_is_counted_is_no_error(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database:
        trips = RoundTrips(database.engine)
        database.ping()
        with trips.counted():
            database.ping()
            database.engine.dispose()
        assert trips.last == 1
