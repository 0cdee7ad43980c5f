"""What a session that is rolled back does as in production, and each way in which it differs that the page names."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Lock
from backend.errors import FailedTransactionError, NotFoundError, UniqueViolationError, UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from backend.testing.database import async_rolled_back
from tests.support.models.suite import AsyncProjectRepository, ProjectCreate

ONE = TaskCreate(title="one")
HOME = ProjectCreate(name="home")


@pytest.fixture
async def undone(async_db: AsyncDatabase) -> AsyncGenerator[AsyncSession]:
    async with async_rolled_back(async_db) as session:
        yield session


async def test_nothing_is_kept(async_db: AsyncDatabase) -> None:
    async with async_rolled_back(async_db) as session:
        task = await AsyncTaskRepository(session).owned_by("a").create(ONE)
        async with session.begin():
            await AsyncTaskRepository(session).owned_by("a").update(task.id, TaskUpdate(title="two"))
            session.add(Task(title="three", user_id="a"))
        assert await AsyncTaskRepository(session).every_owner().count() == 2
    async with async_db.session() as other:
        assert await AsyncTaskRepository(other).every_owner().count() == 0


async def test_a_failed_call_spoils_nothing(undone: AsyncSession) -> None:
    projects = AsyncProjectRepository(undone).owned_by("a")
    await projects.create(HOME)
    with pytest.raises(UniqueViolationError):
        await projects.create(HOME)
    with pytest.raises(NotFoundError):
        await projects.get_one(0)
    assert await projects.count() == 1


async def test_a_failed_block_is_rolled_back_as_in_production(undone: AsyncSession) -> None:
    projects = AsyncProjectRepository(undone).owned_by("a")
    with pytest.raises(UniqueViolationError):
        async with undone.begin():
            await projects.create(HOME)
            await projects.create(HOME)
    with pytest.raises(FailedTransactionError):
        async with undone.begin():
            await projects.create(HOME)
            with pytest.raises(UniqueViolationError):
                await projects.create(HOME)
    assert await projects.count() == 0


async def test_it_begins_nothing_by_itself(undone: AsyncSession) -> None:
    with pytest.raises(InvalidRequestError, match="Autobegin is disabled"):
        await undone.exec(select(Task))
    with pytest.raises(UsageError):
        await undone.commit()


async def test_all_rows_have_the_time_of_the_test(undone: AsyncSession) -> None:
    tasks = AsyncTaskRepository(undone).owned_by("a")
    first, second = await tasks.create(ONE), await tasks.create(ONE)
    assert first.created_at == second.created_at
    assert (await tasks.update(first.id, TaskUpdate(title="two"))).updated_at > first.updated_at


async def test_a_lock_is_taken_outside_of_a_block(async_db: AsyncDatabase, undone: AsyncSession) -> None:
    task = await AsyncTaskRepository(undone).owned_by("a").create(ONE)
    assert await AsyncTaskRepository(undone).owned_by("a").get(task.id, lock=Lock()) is not None
    async with async_db.session() as other:
        with pytest.raises(UsageError):
            await AsyncTaskRepository(other).owned_by("a").get(task.id, lock=Lock())


async def test_a_transaction_of_the_database_sees_nothing_of_it(async_db: AsyncDatabase, undone: AsyncSession) -> None:
    async with undone.begin():
        task = await AsyncTaskRepository(undone).owned_by("a").create(ONE)
        async with async_db.transaction() as other:
            assert await AsyncTaskRepository(other).owned_by("a").get(task.id) is None
