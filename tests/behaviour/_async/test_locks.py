"""A row is locked while it is read: who is kept away, how long, and that it needs a transaction."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Lock
from backend.errors import LockNotAvailableError, NotFoundError, UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.support.models.suite import AsyncProjectRepository, AsyncTicketRepository, ProjectCreate, TicketCreate
from tests.support.wire import WireProxy

NOWAIT = Lock(if_locked="nowait")


@pytest.fixture
async def task(database: AsyncDatabase) -> Task:
    """A task of owner "a"."""
    async with database.session() as session:
        return await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


@pytest.mark.parametrize(
    ("held", "asked", "is_free"),
    [
        (Lock(), NOWAIT, False),
        (Lock(), Lock("share", "nowait"), False),
        (Lock("no key update"), Lock("share", "nowait"), False),
        (Lock("share"), Lock("share", "nowait"), True),
        (Lock("share"), Lock("no key update", "nowait"), False),
    ],
)
async def test_a_lock_keeps_others_away(
    task: Task, database: AsyncDatabase, held: Lock, asked: Lock, is_free: bool
) -> None:
    async with database.transaction() as one, database.transaction(independent=True) as two:
        assert await AsyncTaskRepository(one).owned_by("a").get(task.id, lock=held) == task
        others = AsyncTaskRepository(two).owned_by("a")
        if is_free:
            assert await others.get_one(task.id, lock=asked) == task
        else:
            with pytest.raises(LockNotAvailableError) as raised:
                async with two.begin_nested():
                    await others.get_one(task.id, lock=asked)
            assert (raised.value.retryable, raised.value.operation) == (True, "get_one")
    async with database.transaction() as session:  # nothing is held any more
        assert await AsyncTaskRepository(session).owned_by("a").get(task.id, lock=NOWAIT)


async def test_a_row_that_is_updated_can_be_referred_to_and_one_locked_for_update_cannot(
    database: AsyncDatabase,
) -> None:
    async with database.session() as session:
        project = await AsyncProjectRepository(session).owned_by("a").create(ProjectCreate(name="x"))

    async def refer() -> None:
        async with database.transaction() as session:
            await AsyncProjectRepository(session).owned_by("a").get(project.id, lock=Lock("share", "nowait"))
            await AsyncTicketRepository(session).owned_by("a").create(TicketCreate(project_id=project.id, title="x"))

    await refer()
    async with database.transaction() as session:
        await AsyncProjectRepository(session).owned_by("a").get(project.id, lock=Lock("no key update"))
        async with database.session() as other:
            await AsyncTicketRepository(other).owned_by("a").create(TicketCreate(project_id=project.id, title="y"))


async def test_get_with_lock_skips_a_locked_row_if_asked_to(task: Task, database: AsyncDatabase) -> None:
    skip = Lock(if_locked="skip")
    async with database.transaction() as one, database.transaction(independent=True) as two:
        await AsyncTaskRepository(one).owned_by("a").get(task.id, lock=Lock())
        others = AsyncTaskRepository(two).owned_by("a")
        assert await others.get(task.id, lock=skip) is None
        with pytest.raises(NotFoundError):
            await others.get_one(task.id, lock=skip)


async def test_get_with_lock_locks_no_row_of_another_owner(task: Task, database: AsyncDatabase) -> None:
    async with database.transaction() as one, database.transaction(independent=True) as two:
        assert await AsyncTaskRepository(one).owned_by("b").get(task.id, lock=Lock()) is None
        assert await AsyncTaskRepository(two).owned_by("a").get(task.id, lock=NOWAIT) == task


async def test_get_with_lock_is_one_round_trip(task: Task, database: AsyncDatabase, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        async with database.transaction() as session:
            tasks = AsyncTaskRepository(session).owned_by("a")
            await tasks.get_one(task.id, lock=Lock())
            await tasks.update(task.id, TaskUpdate(title="y"))
    assert seen.round_trips == 4


async def test_get_with_lock_without_a_transaction_is_refused(
    task: Task, database: AsyncDatabase, proxy: WireProxy
) -> None:
    async with database.engine.connect() as connection:
        for session in (database.session(), AsyncSession(database.engine), AsyncSession(connection)):
            tasks = AsyncTaskRepository(session).owned_by("a")
            for call in (tasks.get, tasks.get_one):
                with proxy.watch() as seen, pytest.raises(UsageError, match=r"in none: use db\.transaction\(\)"):
                    await call(task.id, lock=Lock())
                assert seen.statements == []


@pytest.mark.usefixtures("awake")
async def test_get_with_lock_in_autocommit_is_refused(database: AsyncDatabase, proxy: WireProxy) -> None:
    engine = create_async_engine(proxy.url, isolation_level="AUTOCOMMIT")
    async with AsyncSession(engine) as session, session.begin():
        with pytest.raises(UsageError, match="a lock, which lasts as long as its transaction"):
            await AsyncTaskRepository(session).every_owner().get(1, lock=Lock())
    await engine.dispose()


async def test_a_lock_on_a_connection_in_a_transaction_is_held_by_it(task: Task, database: AsyncDatabase) -> None:
    async with database.engine.begin() as connection, AsyncSession(connection) as session:
        assert await AsyncTaskRepository(session).owned_by("a").get(task.id, lock=Lock())
        async with database.transaction() as other:
            with pytest.raises(LockNotAvailableError):
                async with other.begin_nested():
                    await AsyncTaskRepository(other).every_owner().get(task.id, lock=NOWAIT)


@pytest.mark.parametrize("lock", ["update", True, {}])
async def test_a_lock_of_another_type_is_refused(session: AsyncSession, lock: Any) -> None:
    tasks = AsyncTaskRepository(session).every_owner()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: tasks.get(1, lock=lock),
        lambda: tasks.list(lock=lock),
        lambda: tasks.first(lock=lock),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"expected a Lock: lock=Lock\(\)"):
            await call()


async def test_list_and_first_with_lock_lock_the_rows_that_they_return(task: Task, database: AsyncDatabase) -> None:
    async with database.session() as session:
        others = [await AsyncTaskRepository(session).owned_by(owner).create(TaskCreate(title="x")) for owner in "ab"]
    for limit, locked in ((1, {task.id}), (2, {task.id, others[0].id})):
        async with database.transaction() as one, database.transaction(independent=True) as two:
            mine = AsyncTaskRepository(one).owned_by("a")
            found = await mine.list(limit=limit, lock=Lock()) if limit > 1 else [await mine.first(lock=Lock())]
            assert {row.id for row in found if row} == locked
            everyone = AsyncTaskRepository(two).every_owner()
            free = await everyone.list(lock=Lock(if_locked="skip"))
            assert {row.id for row in free} == {task.id, *(other.id for other in others)} - locked
            with pytest.raises(LockNotAvailableError) as raised:
                async with two.begin_nested():
                    await everyone.list(lock=NOWAIT)
            assert raised.value.operation == "list"


async def test_list_with_lock_without_a_transaction_is_refused(session: AsyncSession, proxy: WireProxy) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    calls: list[Callable[[], Awaitable[object]]] = [lambda: tasks.list(lock=Lock()), lambda: tasks.first(lock=Lock())]
    for call, name in zip(calls, ("list", "first"), strict=True):
        with proxy.watch() as seen, pytest.raises(UsageError) as raised:
            await call()
        assert str(raised.value) == (
            f"{name} of Task with a lock, which lasts as long as its transaction, and this session is in none: "
            "use db.transaction(), db.run() or session.begin()"
        )
        assert seen.statements == []


def test_lock_of_an_unknown_strength_or_waiting_is_refused() -> None:
    unknown: Any = "exclusive"
    with pytest.raises(UsageError) as raised:
        Lock(unknown)
    assert str(raised.value) == "strength= of a lock is 'exclusive', expected one of 'update', 'no key update', 'share'"
    with pytest.raises(UsageError) as raised:
        Lock(if_locked=unknown)
    assert str(raised.value) == "if_locked= of a lock is 'exclusive', expected one of 'wait', 'nowait', 'skip'"
