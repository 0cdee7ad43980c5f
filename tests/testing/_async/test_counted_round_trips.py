"""`round_trips()` counts what the wire shows, and lists it without parameters."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.errors import UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from backend.testing import round_trips
from backend.testing.database import async_rolled_back
from tests.support.wire import WireProxy

TITLE = "the title that nobody may read"


@pytest.fixture
async def async_session(database: AsyncDatabase) -> AsyncGenerator[AsyncSession]:
    async with async_rolled_back(database) as session:
        yield session


async def create(session: AsyncSession) -> None:
    await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title=TITLE))


async def create_in_a_block(session: AsyncSession) -> None:
    async with session.begin():
        await create(session)
        async with session.begin_nested():
            await create(session)


async def roll_back(session: AsyncSession) -> None:
    async with session.begin() as transaction:
        await create(session)
        await transaction.rollback()


async def fail(session: AsyncSession) -> None:
    with pytest.raises(ZeroDivisionError):
        async with session.begin():
            await create(session)
            _ = 1 // 0


async def create_many(session: AsyncSession) -> None:
    await AsyncTaskRepository(session).owned_by("a").create_many([TaskCreate(title=TITLE)] * 3)


async def create_in_two_statements(session: AsyncSession) -> None:
    many = [TaskCreate(title=TITLE)] * 10_001
    await AsyncTaskRepository(session).owned_by("a").create_many(many, returning=False)


async def select_directly(session: AsyncSession) -> None:
    async with session.begin():
        assert (await session.exec(select(Task).where(col(Task.title) == TITLE))).all() == []


async def begin_nothing(session: AsyncSession) -> None:
    async with session.begin():
        _ = await session.connection()


async def flush(session: AsyncSession) -> None:
    async with session.begin():
        session.add_all([Task(title=TITLE, user_id="a") for _ in range(3)])


BLOCKS = (
    create,
    create_in_a_block,
    roll_back,
    fail,
    create_many,
    create_in_two_statements,
    select_directly,
    begin_nothing,
    flush,
)


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize("block", BLOCKS)
async def test_as_many_are_counted_as_the_wire_shows(
    database: AsyncDatabase, proxy: WireProxy, block: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    async with database.session() as session:
        with proxy.watch() as seen, round_trips(session) as trips:
            await block(session)
        assert trips.count == seen.round_trips
        assert [sent.split()[0] for sent in trips] == [statement.sql.split()[0] for statement in seen.statements]


@pytest.mark.parametrize("block", BLOCKS)
async def test_a_rolled_back_session_counts_as_in_production(
    database: AsyncDatabase,
    async_session: AsyncSession,
    block: Callable[[AsyncSession], Awaitable[None]],
) -> None:
    async with database.session() as durable:
        with round_trips(database) as expected:
            await block(durable)
    with round_trips(async_session) as trips:
        await block(async_session)
    if block is not begin_nothing:  # there psycopg sends nothing, and SQLAlchemy a savepoint
        assert trips.count == expected.count, f"{trips}\n{expected}"


async def test_another_number_fails_with_the_statements_and_no_parameter(database: AsyncDatabase) -> None:
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        task = await tasks.create(TaskCreate(title=TITLE))
        with pytest.raises(AssertionError) as raised, round_trips(database, expected=1):
            await tasks.get(task.id)
            await tasks.update(task.id, TaskUpdate(title=TITLE))
    text = str(raised.value)
    assert text.startswith("expected 1, got 2 round trips\n  1. SELECT task.id")
    assert "\n  2. UPDATE task SET title=" in text
    assert TITLE not in text


async def test_an_error_of_the_block_is_raised_as_it_is(database: AsyncDatabase) -> None:
    with pytest.raises(ZeroDivisionError), round_trips(database, expected=1):
        _ = 1 // 0


async def test_nothing_is_counted_after_the_block(database: AsyncDatabase) -> None:
    with round_trips(database.engine, expected=0) as trips:
        pass
    await database.ping()
    assert trips.count == 0


async def test_only_the_sessions_own_connection_is_counted(
    database: AsyncDatabase, async_session: AsyncSession
) -> None:
    with round_trips(async_session, expected=0), round_trips(database, expected=1):
        await database.ping()


def test_another_target_is_refused() -> None:
    target: Any = "url"
    with pytest.raises(UsageError, match="takes a database, a session or an engine, got a str"), round_trips(target):
        pass
