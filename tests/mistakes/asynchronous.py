"""Asynchronous code."""

from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository


async def await_forgotten(atasks: AsyncTaskRepository) -> None:
    """`await` forgotten: nothing is sent."""
    atasks.create(TaskCreate(title="Pack"))


async def await_forgotten_for_a_value(atasks: AsyncTaskRepository) -> None:
    """`await` forgotten where the row is used."""
    print(atasks.get_one(1).title)


async def await_forgotten_in_a_condition(atasks: AsyncTaskRepository) -> None:
    """`await` forgotten in a condition, which then is always true."""
    if atasks.exists():
        print("there are tasks")


async def synchronous_with(adb: AsyncDatabase) -> None:
    """`with` for `async with`."""
    with adb.session() as session:
        AsyncTaskRepository(session)


async def synchronous_repository(asession: AsyncSession) -> None:
    """The synchronous repository on an asynchronous session."""
    TaskRepository(asession).owned_by("ada").list()


async def asynchronous_repository(session: Session) -> None:
    """The asynchronous repository on a synchronous session."""
    await AsyncTaskRepository(session).owned_by("ada").list()


async def synchronous_work(adb: AsyncDatabase) -> None:
    """A function for `run` that is not asynchronous."""
    await adb.run(lambda session: 7)


async def synchronous_for(atasks: AsyncTaskRepository) -> None:
    """`for` for `async for`."""
    async with atasks.stream() as rows:
        for row in rows:
            print(row.title)
