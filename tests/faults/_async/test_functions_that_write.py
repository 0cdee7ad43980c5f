"""A SELECT that calls a function may write: a lost answer says that nobody knows, and a run finds out."""

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, Row, func, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.errors import OutcomeUnknownError
from backend.tasks import AsyncTaskRepository, Task
from tests.faults._async.fault_matrix import BEFORE, STEPS, Stage, each_step, is_call, is_commit
from tests.support.wire.faults import Cut, Fault, Step

NEW = ("written", False)


class AsyncWritingRepository(AsyncTaskRepository):
    """Tasks, with calls of a subclass's own that select what a function returns."""

    async def all(self) -> Sequence[Row[int]]:
        return await self._all(self._select(func.write_a_task()))

    async def one_row(self) -> Row[int] | None:
        return await self._one_or_none(self._select(func.write_a_task()))

    async def scalar(self) -> int | None:
        return await self._scalar(self._select(func.write_a_task()))


CALLS: dict[str, Callable[[AsyncWritingRepository], Awaitable[Any]]] = {
    "_all": lambda tasks: tasks.all(),
    "_one_or_none": lambda tasks: tasks.one_row(),
    "_scalar": lambda tasks: tasks.scalar(),
    "list": lambda tasks: tasks.list(func.write_a_task() > 0),
    "list in an order": lambda tasks: tasks.list(order_by=func.write_a_task()),
    "first": lambda tasks: tasks.first(func.write_a_task() > 0),
    "one_or_none": lambda tasks: tasks.one_or_none(func.write_a_task() > 0),
    "count": lambda tasks: tasks.count(func.write_a_task() > 0),
    "exists": lambda tasks: tasks.exists(func.write_a_task() > 0),
}

each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@pytest.fixture(autouse=True)
def function(clean: Engine) -> Generator[None]:
    """A function that creates a task and returns its id."""
    with clean.begin() as connection:
        connection.execute(
            text(
                "CREATE OR REPLACE FUNCTION write_a_task() RETURNS integer LANGUAGE sql AS $$ "
                "INSERT INTO task (title, completed, user_id) VALUES ('written', false, 'a') RETURNING id $$"
            )
        )
    yield
    with clean.begin() as connection:
        connection.execute(text("DROP FUNCTION write_a_task()"))


@each_step
@each_call
async def test_a_lost_answer_of_a_function_leaves_the_outcome_unknown(
    stage: Stage, call: Callable[[AsyncWritingRepository], Awaitable[Any]], step: Step
) -> None:
    async with stage.database.session() as session:
        with stage.proxy.fault(Fault(step, Cut(), is_call)) as armed, pytest.raises(OutcomeUnknownError):
            await call(AsyncWritingRepository(session).every_owner())
    assert armed.fired == 1
    assert stage.rows() == (BEFORE | {NEW} if step in STEPS[2:] else BEFORE)
    await stage.check_whole()


@each_call
async def test_a_lost_commit_of_a_function_at_a_stricter_level_leaves_the_outcome_unknown(
    strict: Stage, call: Callable[[AsyncWritingRepository], Awaitable[Any]]
) -> None:
    async with strict.database.session() as session:
        with strict.proxy.fault(Fault("after_statement", Cut(), is_commit)), pytest.raises(OutcomeUnknownError):
            await call(AsyncWritingRepository(session).every_owner())
    assert strict.rows() == BEFORE | {NEW}
    await strict.check_whole()


@each_call
async def test_a_run_of_a_function_whose_commit_is_lost_happens_once(
    stage: Stage, call: Callable[[AsyncWritingRepository], Awaitable[Any]]
) -> None:
    async def work(session: AsyncSession) -> None:
        await call(AsyncWritingRepository(session).every_owner())

    with stage.proxy.fault(Fault("within_answer", Cut(), is_commit)) as armed:
        await stage.database.run(work)
    assert armed.fired == 1
    async with stage.database.session() as session:
        assert await AsyncTaskRepository(session).every_owner().count(col(Task.title) == "written") == 1


async def test_a_run_of_a_function_in_a_text_or_a_hint_happens_once(stage: Stage) -> None:
    written = select(Task.id).prefix_with(text("write_a_task(),"))

    async def work(session: AsyncSession) -> None:
        await session.exec(written)

    with stage.proxy.fault(Fault("within_answer", Cut(), is_commit)) as armed:
        await stage.database.run(work)
    assert armed.fired == 1
    async with stage.database.session() as session:
        assert await AsyncTaskRepository(session).every_owner().count(col(Task.title) == "written") == 1
