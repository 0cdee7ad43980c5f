"""A session that holds nothing is closed without work; one that holds something lets it go."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Engine, inspect

from backend import AsyncDatabase, Database
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository
from tests.conftest import Server


@pytest.mark.parametrize("flushed", [False, True])
def test_a_session_lets_its_instances_go(clean: Engine, flushed: bool) -> None:
    with Database(clean) as database:
        session = database.session()
        task, other = Task(title="own", user_id="a"), Task(title="pending", user_id="a")
        with session.begin():
            session.add(task)
        assert not session.in_transaction()
        other = Task(title="pending", user_id="a")
        if not flushed:
            session.begin()
            session.add(other)
        session.close()
        assert inspect(task).detached
        assert flushed or inspect(other).transient
        assert not session.in_transaction()
        assert TaskRepository(session).owned_by("a").count() == 1


@pytest.mark.usefixtures("clean")
async def test_an_asynchronous_session_lets_its_instances_go(server: Server) -> None:
    async with AsyncDatabase(server.url) as database:
        async with database.session() as session:
            async with session.begin():
                task = Task(title="own", user_id="a")
                session.add(task)
            assert inspect(task).persistent
        assert inspect(task).detached
        async with database.session() as session:
            _ = await session.begin()
            session.add(task)
            await session.close()
            assert inspect(task).detached
            assert not session.in_transaction()


@pytest.mark.usefixtures("clean")
async def test_the_session_of_a_call_is_closed_without_a_task(server: Server) -> None:
    made: list[object] = []

    def make(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(work)
        return asyncio.Task(work, loop=loop, **options)

    async with AsyncDatabase(server.url) as database:
        async with database.session() as session:
            await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
            asyncio.get_running_loop().set_task_factory(make)
        asyncio.get_running_loop().set_task_factory(None)
    assert made == []
