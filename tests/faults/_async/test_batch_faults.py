"""A call on more rows than one statement takes: wherever its connection breaks, every row is written or none."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import typed
from backend.errors import ConnectionLostError, OutcomeUnknownError
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.faults._async.fault_matrix import (
    BEFORE,
    OLD,
    STEPS,
    AsyncReportRepository,
    Matching,
    Rows,
    Stage,
    each_step,
    is_commit,
    shelves_become,
    tasks_become,
)
from tests.support.models.suite import Shelf, ShelfCreate
from tests.support.wire.faults import Cut, Fault, Statement, Step

SECOND = ("second", False)


async def create_many(tasks: AsyncReportRepository) -> None:
    await tasks.create_many([TaskCreate(title="new"), TaskCreate(title="newer")])


async def update_many(tasks: AsyncReportRepository) -> None:
    ids = [row.id for row in await tasks.list(order_by=typed(Task.id).asc())]
    await tasks.update_many({ids[0]: TaskUpdate(title="new"), ids[1]: TaskUpdate(completed=True)})


async def delete_many(tasks: AsyncReportRepository) -> None:
    await tasks.delete_many([row.id for row in await tasks.list()])


async def upsert_many(tasks: AsyncReportRepository) -> None:
    data = [ShelfCreate(code="shelf", note="new"), ShelfCreate(code="new", note="new")]
    await tasks.shelves.upsert_many(data, on=col(Shelf.code))


Call = Callable[[AsyncReportRepository], Awaitable[None]]

AFTER: dict[Call, Rows] = {
    create_many: tasks_become(OLD, SECOND, ("new", False), ("newer", False)),
    update_many: tasks_become(("new", False), ("second", True)),
    delete_many: tasks_become(),
    upsert_many: shelves_become(("shelf", "new"), ("new", "new")) | {SECOND},
}

each_call = pytest.mark.parametrize("call", AFTER, ids=lambda call: call.__name__)


@pytest.fixture(autouse=True)
def small_statements(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks, and one row a statement."""
    monkeypatch.setattr("backend.repository.batches.MAX_ROWS", 1)
    with stage.beside.begin() as connection:
        connection.execute(insert(Task).values(title=SECOND[0], completed=SECOND[1], user_id="a"))


def is_write(number: int) -> Matching:
    """Chooses the first, second, … statement that writes."""
    counted = 0

    def is_it(statement: Statement) -> bool:
        nonlocal counted
        counted += statement.kind == "execute" and "unnest" in statement.sql
        return counted == number

    return is_it


async def check_call(stage: Stage, call: Call, rows: Rows) -> None:
    assert stage.rows() == rows
    await stage.check_whole()
    if rows == BEFORE | {SECOND}:
        async with stage.database.session() as session:
            await call(stage.tasks(session))
        assert stage.rows() == AFTER[call]


@pytest.mark.parametrize("number", [1, 2])
@each_step
@each_call
async def test_a_call_that_loses_a_statement_has_done_nothing(
    stage: Stage, call: Call, step: Step, number: int
) -> None:
    with stage.proxy.fault(Fault(step, Cut(), is_write(number))) as armed, pytest.raises(ConnectionLostError) as raised:
        async with stage.database.session() as session:
            await call(stage.tasks(session))
    assert armed.fired == 1
    assert (raised.value.outcome, raised.value.operation) == ("not_applied", call.__name__)
    await check_call(stage, call, BEFORE | {SECOND})


@each_step
@each_call
async def test_a_call_that_loses_its_commit_leaves_the_outcome_unknown(stage: Stage, call: Call, step: Step) -> None:
    second = is_write(2)

    def is_its_commit(statement: Statement) -> bool:
        return second(statement) and is_commit(statement)

    with stage.proxy.fault(Fault(step, Cut(), is_its_commit)) as armed, pytest.raises(OutcomeUnknownError) as raised:
        async with stage.database.session() as session:
            await call(stage.tasks(session))
    assert armed.fired == 1
    assert raised.value.outcome == "unknown"
    await check_call(stage, call, AFTER[call] if step in STEPS[2:] else BEFORE | {SECOND})


@each_step
@each_call
async def test_a_call_in_a_transaction_that_loses_a_statement_has_done_nothing(
    stage: Stage, call: Call, step: Step
) -> None:
    with stage.proxy.fault(Fault(step, Cut(), is_write(2))) as armed, pytest.raises(ConnectionLostError) as raised:
        async with stage.database.transaction() as session:
            await call(stage.tasks(session))
    assert armed.fired == 1
    assert (raised.value.outcome, raised.value.operation) == ("not_applied", call.__name__)
    await check_call(stage, call, BEFORE | {SECOND})


@pytest.mark.parametrize("step", ["before_statement", "within_answer"])
@each_call
async def test_a_run_of_a_call_that_loses_a_statement_happens_once(stage: Stage, call: Call, step: Step) -> None:
    async def work(session: AsyncSession) -> None:
        await call(stage.tasks(session))

    with stage.proxy.fault(Fault(step, Cut(), is_write(2))) as armed:
        await stage.database.run(work)
    assert armed.fired == 1
    await check_call(stage, call, AFTER[call])
