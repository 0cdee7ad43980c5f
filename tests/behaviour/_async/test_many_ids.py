"""`get_many` and `require_many`: one array of ids, for keys of every type."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.errors import NotFoundError, UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate
from tests.behaviour._async.cases import Case, Rows
from tests.support.models.suite import AsyncNoteRepository, NoteCreate
from tests.support.wire import WireProxy

CANARY = "canary-1c"


@pytest.fixture
async def tasks(session: AsyncSession) -> AsyncTaskRepository:
    return AsyncTaskRepository(session).owned_by("a")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_many_are_the_owners_rows_in_the_order_of_the_ids(database: AsyncDatabase, data: st.DataObject) -> None:
    async with database.session() as session:
        mine, theirs = (AsyncTaskRepository(session).owned_by(owner) for owner in "ab")
        own = {row.id: row for row in [await mine.create(TaskCreate(title="x")) for _ in range(3)]}
        other = await theirs.create(TaskCreate(title="x"))
        ids = data.draw(st.lists(st.sampled_from([*own, other.id, -1, 2**31, 2**70]), max_size=8))
        found = await mine.get_many(id for id in ids)
        assert [*found.items()] == [(id, own[id]) for id in dict.fromkeys(ids) if id in own]
        missing = tuple(position for position, id in enumerate(ids) if id not in own)
        if missing:
            with pytest.raises(NotFoundError) as raised:
                await mine.require_many(ids)
            assert raised.value.positions == missing
        else:
            assert await mine.require_many(ids) == [own[id] for id in ids]


async def test_many_of_every_entity(rows: Rows, case: Case) -> None:
    one, two = await rows.create("one"), await rows.create("two")
    first, second = case.id_of(one), case.id_of(two)
    assert await rows.repository.get_many({second}) == {second: two}
    assert await rows.repository.require_many([second, first, second]) == [two, one, two]


async def test_require_many_gives_one_entity_for_one_id(tasks: AsyncTaskRepository) -> None:
    task = await tasks.create(TaskCreate(title="x"))
    one, again = await tasks.require_many([task.id, task.id])
    assert one is again


async def test_require_many_names_the_missing_ids(tasks: AsyncTaskRepository) -> None:
    task = await tasks.create(TaskCreate(title="x"))
    for ids, message, positions in (
        ([task.id, -7], "no Task with id -7", (1,)),
        ([-7, task.id, -7], "no Task with id -7", (0, 2)),
        ([-7, task.id, -8, -7], "no Task with the ids -7, -8", (0, 2, 3)),
        ([2**80], "no Task with id a whole number of more than 64 bits", (0,)),
        (range(-12, 0), "no Task with the ids -12, -11, -10, -9, -8, -7, -6, -5, -4, -3 and 2 more", tuple(range(12))),
    ):
        with pytest.raises(NotFoundError) as raised:
            await tasks.require_many(ids)
        assert (str(raised.value), raised.value.positions) == (message, positions)
        assert (raised.value.model, raised.value.operation) == ("Task", "require_many")


async def test_get_one_has_no_positions(tasks: AsyncTaskRepository) -> None:
    with pytest.raises(NotFoundError) as raised:
        await tasks.get_one(-1)
    assert raised.value.positions == ()


async def test_require_many_names_missing_uuids(session: AsyncSession) -> None:
    notes = AsyncNoteRepository(session)
    note = await notes.create(NoteCreate(text="x"))
    absent = [UUID(int=1), UUID(int=2)]
    with pytest.raises(NotFoundError, match=f"^no Note with the ids {absent[0]}, {absent[1]}$"):
        await notes.require_many([note.id, *absent])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, CANARY], "an id of Task is an int, got a str at position 1: pass an int"),
        ([True], "an id of Task is an int, got a bool at position 0: pass an int"),
        ([1, 2, None], "an id of Task is an int, got None at position 2: pass an int"),
        ([[1]], "an id of Task is an int, got a list at position 0: pass an int"),
        (CANARY, "ids is a str, expected ids of Task: pass a list of them"),
        (b"12", "ids is a bytes, expected ids of Task: pass a list of them"),
        (7, "ids is an int, expected ids of Task: pass a list of them"),
        (None, "ids is None, expected ids of Task: pass a list of them"),
        (Task, "ids is the class Task, expected ids of Task: pass a list of them"),
    ],
)
async def test_many_refuse_what_are_no_ids(
    tasks: AsyncTaskRepository, proxy: WireProxy, ids: Any, message: str
) -> None:
    for call in (tasks.get_many, tasks.require_many):
        with proxy.watch() as seen, pytest.raises(UsageError) as raised:
            await call(ids)
        assert str(raised.value) == message
        assert seen.statements == []


async def test_many_ids_that_no_column_holds_send_nothing(tasks: AsyncTaskRepository, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        assert await tasks.get_many([2**63, -(2**70)]) == {}
    assert seen.statements == []


async def test_many_ids_are_one_parameter(tasks: AsyncTaskRepository) -> None:
    task = await tasks.create(TaskCreate(title="x"))
    assert await tasks.get_many(range(task.id - 100_000, task.id + 1)) == {task.id: task}
