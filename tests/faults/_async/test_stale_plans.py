"""A prepared statement whose table changes elsewhere fails once: nothing is applied, and trying again helps."""

from collections.abc import AsyncGenerator

import psycopg
import pytest
from sqlalchemy import func
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, init_db
from backend.errors import InvalidStatementError, TransientError
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, Task, TaskCreate

pytestmark = pytest.mark.session_state("the statements are prepared")


class Stage:
    """A database that prepares every statement, and another client that changes the table."""

    def __init__(self, url: str, database: AsyncDatabase) -> None:
        self.database = database
        self._url = url.replace("postgresql+psycopg", "postgresql")
        self._length = 300

    def alter(self) -> None:
        self._length += 1
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"ALTER TABLE task ALTER COLUMN description TYPE VARCHAR({self._length})".encode())


@pytest.fixture(params=["own", "given"])
async def stage(own_tables: str, request: pytest.FixtureRequest) -> AsyncGenerator[Stage]:
    if request.param == "own":
        settings = Settings.from_url(own_tables).model_copy(update={"prepare_threshold": 0, "pool_size": 1})
        async with AsyncDatabase(settings) as database:
            await init_db(database, Task.metadata)
            yield Stage(own_tables, database)
        return
    engine = create_async_engine(own_tables, connect_args={"prepare_threshold": 0}, pool_size=1)
    database = AsyncDatabase(engine)
    await init_db(database, Task.metadata)
    yield Stage(own_tables, database)
    await engine.dispose()


async def test_a_call_on_a_stale_plan_applies_nothing_and_can_be_tried_again(stage: Stage) -> None:
    async with stage.database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        await tasks.create(TaskCreate(title="before"))
        stage.alter()
        with pytest.raises(TransientError) as raised:
            await tasks.create(TaskCreate(title="not applied"))
        error = raised.value
        assert (error.sqlstate, error.retryable, error.outcome) == ("0A000", True, "not_applied")
        await tasks.create(TaskCreate(title="after"))
        assert sorted([task.title for task in await tasks.list()]) == ["after", "before"]
        stage.alter()
        with pytest.raises(TransientError):
            await tasks.list()
        assert len(await tasks.list()) == 2


async def test_a_transaction_on_a_stale_plan_can_be_tried_again(stage: Stage) -> None:
    async def create(title: str) -> None:
        async with stage.database.transaction() as session:
            await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title=title))

    await create("before")
    stage.alter()
    with pytest.raises(TransientError):
        await create("not applied")
    await create("after")
    async with stage.database.session() as session:
        assert await AsyncTaskRepository(session).owned_by("a").count() == 2


@pytest.mark.parametrize("by_hand", [False, True])
async def test_run_on_a_stale_plan_runs_again(stage: Stage, by_hand: bool) -> None:
    runs: list[None] = []

    async def work(session: AsyncSession) -> int:
        runs.append(None)
        if by_hand:
            (await session.exec(select(Task))).all()
        await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
        return len(await AsyncTaskRepository(session).owned_by("a").list())

    assert await stage.database.run(work) == 1
    stage.alter()
    assert await stage.database.run(work) == 2
    assert len(runs) == 3


async def test_a_feature_that_is_not_supported_is_not_run_again(stage: Stage) -> None:
    runs: list[None] = []

    async def work(session: AsyncSession) -> None:
        runs.append(None)
        await session.exec(select(func.count()).select_from(Task).with_for_update())

    with pytest.raises(DBAPIError) as raised:
        await stage.database.run(work)
    assert isinstance(raised.value.orig, psycopg.errors.FeatureNotSupported)
    assert len(runs) == 1


class AsyncLocks(AsyncTaskRepository):
    async def locked_count(self) -> object:
        return await self._scalar(self._select(func.count()).with_for_update())


async def test_a_call_of_a_feature_that_is_not_supported_is_an_invalid_statement(stage: Stage) -> None:
    async with stage.database.session() as session:
        with pytest.raises(InvalidStatementError) as raised:
            await AsyncLocks(session).owned_by("a").locked_count()
    assert (raised.value.sqlstate, raised.value.retryable) == ("0A000", False)
