"""A session belongs to one task at a time: what shares it in a transaction is refused, and says what to do.

Each database here is new, so that the first statement connects while the others start.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import pytest
from sqlalchemy import AsyncAdaptedQueuePool, Engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.errors import UsageError
from backend.tasks import AsyncTaskRepository

SHARED = "while another task or thread uses the same session: give each of them a session of its own"


@pytest.fixture
async def database(route: str, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    del clean
    async with AsyncDatabase(route) as database:
        yield database


async def gathered(session: AsyncSession, *, return_exceptions: bool = False) -> Sequence[object]:
    tasks = AsyncTaskRepository(session).owned_by("a")
    return await asyncio.gather(tasks.list(), tasks.list(), return_exceptions=return_exceptions)


async def counted(session: AsyncSession) -> int:
    return await AsyncTaskRepository(session).owned_by("a").count()


async def in_transaction(database: AsyncDatabase) -> None:
    async with database.transaction() as session:
        await gathered(session)


async def in_begin(database: AsyncDatabase) -> None:
    async with database.session() as session, session.begin():
        await gathered(session)


async def in_run(database: AsyncDatabase) -> None:
    await database.run(gathered)


async def left_running(database: AsyncDatabase) -> None:
    async with asyncio.TaskGroup() as group, database.transaction() as session:
        group.create_task(counted(session))
        await asyncio.sleep(0)


@pytest.mark.parametrize("share", [in_transaction, in_begin, in_run, left_running])
async def test_tasks_that_share_a_session_in_a_transaction_are_refused(
    database: AsyncDatabase, share: Callable[[AsyncDatabase], Awaitable[None]]
) -> None:
    with pytest.raises((UsageError, ExceptionGroup)) as raised:
        await share(database)
    found = raised.value.exceptions if isinstance(raised.value, ExceptionGroup) else [raised.value]
    assert found
    assert all(isinstance(one, UsageError) and str(one).endswith(SHARED) for one in found)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(database.engine.pool, AsyncAdaptedQueuePool)
    assert database.engine.pool.checkedout() == 0


async def test_the_error_of_a_shared_session_names_the_second_call(database: AsyncDatabase) -> None:
    async with database.transaction() as session:
        first, second = await gathered(session, return_exceptions=True)
    assert first == []
    assert isinstance(second, UsageError)
    assert str(second).startswith("list of Task while another task")
    assert (second.model, second.operation, second.outcome) == ("Task", "list", "not_applied")


async def test_a_call_while_another_task_commits_is_refused(database: AsyncDatabase) -> None:
    async with database.session() as session:
        _ = await session.begin()
        await counted(session)
        committed, second = await asyncio.gather(session.commit(), counted(session), return_exceptions=True)
    assert committed is None
    assert isinstance(second, UsageError)
    assert str(second) == f"count of Task {SHARED}"


async def test_what_the_block_raised_is_shown_beside_the_refused_end(database: AsyncDatabase) -> None:
    with pytest.raises(UsageError, match=r"^close\(\) while another") as raised:
        await in_transaction(database)
    assert str(raised.value.__context__).startswith("list of Task while another task")
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)


async def test_outside_of_a_transaction_each_call_has_a_connection_of_its_own(database: AsyncDatabase) -> None:
    async with database.session() as session:
        assert list(await gathered(session)) == [[], []]
