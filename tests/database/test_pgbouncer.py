"""Everything works behind PgBouncer in transaction mode, where each transaction may be on another server connection."""

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import col

from backend import AsyncDatabase, Database, init_db
from backend.errors import NotFoundError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.pgbouncer import SERVERS, PgBouncer
from tests.support.wire import WireProxy

THREADS, ROUNDS = 4 * SERVERS, 25


@pytest.fixture
def wire(pooler: PgBouncer, clean: Engine) -> Iterator[WireProxy]:
    """Between the client and PgBouncer."""
    with WireProxy(pooler.folder) as proxy:
        yield proxy


@pytest.fixture
def database(wire: WireProxy) -> Iterator[Database]:
    with Database(wire.url) as database:
        database.ping()
        yield database


def calls(tasks: TaskRepository, id: int) -> dict[str, Callable[[], object]]:
    """Every call; `update` gives the task the title that others ask for, and the last deletes it."""
    titled = col(Task.title) == "one"
    return {
        "create": lambda: tasks.create(TaskCreate(title="two")),
        "get": lambda: tasks.get(id),
        "get_one": lambda: tasks.get_one(id),
        "update": lambda: tasks.update(id, TaskUpdate(title="one")),
        "toggle": lambda: tasks.toggle_complete(id),
        "list": lambda: tasks.list(titled, order_by=col(Task.title), limit=3),
        "first": tasks.first,
        "one": lambda: tasks.one(titled),
        "one_or_none": lambda: tasks.one_or_none(titled),
        "count": tasks.count,
        "exists": lambda: tasks.exists(titled),
        "delete": lambda: tasks.delete(id),
    }


def async_calls(tasks: AsyncTaskRepository, id: int) -> dict[str, Callable[[], Awaitable[object]]]:
    """`calls`, awaited."""
    titled = col(Task.title) == "one"
    return {
        "create": lambda: tasks.create(TaskCreate(title="two")),
        "get": lambda: tasks.get(id),
        "get_one": lambda: tasks.get_one(id),
        "update": lambda: tasks.update(id, TaskUpdate(title="one")),
        "toggle": lambda: tasks.toggle_complete(id),
        "list": lambda: tasks.list(titled, order_by=col(Task.title), limit=3),
        "first": tasks.first,
        "one": lambda: tasks.one(titled),
        "one_or_none": lambda: tasks.one_or_none(titled),
        "count": tasks.count,
        "exists": lambda: tasks.exists(titled),
        "delete": lambda: tasks.delete(id),
    }


def test_every_call_is_one_round_trip(database: Database, wire: WireProxy) -> None:
    trips: dict[str, int] = {}
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        for name, call in calls(tasks, tasks.create(TaskCreate(title="one")).id).items():
            with wire.watch() as seen:
                call()
            trips[name] = seen.round_trips
    assert trips == dict.fromkeys(trips, 1)


async def test_every_awaited_call_is_one_round_trip(wire: WireProxy) -> None:
    trips: dict[str, int] = {}
    async with AsyncDatabase(wire.url) as database, database.session() as session:
        await database.ping()
        tasks = AsyncTaskRepository(session).owned_by("a")
        for name, call in async_calls(tasks, (await tasks.create(TaskCreate(title="one"))).id).items():
            with wire.watch() as seen:
                await call()
            trips[name] = seen.round_trips
    assert trips == dict.fromkeys(trips, 1)


def test_nothing_is_prepared(database: Database, wire: WireProxy) -> None:
    with database.session() as session, wire.watch() as seen:
        for _ in range(20):
            TaskRepository(session).owned_by("a").count()
    assert {one.kind for one in seen.statements} == {"execute"}


def test_many_threads_share_few_server_connections(pooler: PgBouncer, clean: Engine) -> None:
    def work(owner: str) -> list[int]:
        with Database(pooler.url) as own, own.session() as session:
            tasks = TaskRepository(session).owned_by(owner)
            backends: set[int] = set()
            for number in range(ROUNDS):
                task = tasks.create(TaskCreate(title=f"{owner} {number}"))
                for call in calls(tasks, task.id).values():
                    call()
                with own.engine.connect() as connection:
                    backends.add(connection.scalar(select(func.pg_backend_pid())) or 0)
            return [tasks.count(), *backends]

    with ThreadPoolExecutor(THREADS) as executor:
        found = list(executor.map(work, [f"owner {number}" for number in range(THREADS)]))
    assert [count for count, *_ in found] == [ROUNDS] * THREADS
    assert len({backend for _, *backends in found for backend in backends}) <= SERVERS


def test_a_transaction_is_committed_whole_or_not_at_all(database: Database, clean: Engine) -> None:
    with database.transaction() as session:
        TaskRepository(session).owned_by("a").create(TaskCreate(title="kept"))
        TaskRepository(session).owned_by("a").create(TaskCreate(title="kept too"))

    def lose() -> None:
        with database.transaction() as session:
            TaskRepository(session).owned_by("a").create(TaskCreate(title="lost"))
            raise KeyError

    with pytest.raises(KeyError):
        lose()
    with Database(clean).session() as session:
        assert [task.title for task in TaskRepository(session).every_owner().list()] == ["kept", "kept too"]


def test_a_transaction_of_n_calls_is_n_plus_two(database: Database, wire: WireProxy) -> None:
    with wire.watch() as seen, database.transaction() as session:
        for _ in range(3):
            TaskRepository(session).owned_by("a").count()
    assert seen.round_trips == 5


def test_an_owner_sees_and_touches_its_own_rows_alone(database: Database) -> None:
    with database.session() as session:
        mine, theirs = (TaskRepository(session).owned_by(owner) for owner in ("a", "b"))
        task = mine.create(TaskCreate(title="mine"))
        with pytest.raises(NotFoundError):
            theirs.delete(task.id)
        assert (len(theirs.list()), theirs.get(task.id), mine.get_one(task.id).title) == (0, None, "mine")


def test_a_connection_that_pgbouncer_closed_while_idle_is_replaced(
    database: Database, wire: WireProxy, pooler: PgBouncer
) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.create(TaskCreate(title="before"))
        pooler.close_clients()
        with wire.watch() as seen:
            tasks.create(TaskCreate(title="after"))
        assert (seen.connects, tasks.count()) == (1, 2)


async def test_an_asynchronous_connection_that_pgbouncer_closed_while_idle_is_replaced(
    wire: WireProxy, pooler: PgBouncer
) -> None:
    async with AsyncDatabase(wire.url) as database, database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        await tasks.create(TaskCreate(title="before"))
        pooler.close_clients()
        with wire.watch() as seen:
            await tasks.create(TaskCreate(title="after"))
        assert (seen.connects, await tasks.count()) == (1, 2)


def test_init_db_creates_tables_through_pgbouncer(database: Database) -> None:
    init_db(database, Task.metadata)
