"""`update_where`, `delete_where` and `_change_where`: every row that meets the conditions, in one statement."""

from typing import Any

import pytest
from sqlalchemy import Text, bindparam, func, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Change, typed
from backend.errors import InvalidDataError, OwnerRequiredError, UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.behaviour._async.cases import Case, Rows
from tests.support.wire import WireProxy

_NAME = Change(typed(Task.title).to(bindparam("new", type_=Text())))
_CLOSE = Change(typed(Task.completed).to(True), where=typed(Task.title) == "b")
_SHOUT = Change(typed(Task.title).to(func.upper(col(Task.title))))


class AsyncNamingRepository(AsyncTaskRepository):
    """Changes of a team's own."""

    async def name(self, title: str, *where: Any) -> int:
        return await self._change_where(_NAME, *where, parameters={"new": title})

    async def close(self) -> int:
        return await self._change_where(_CLOSE)


@pytest.fixture
async def tasks(session: AsyncSession) -> AsyncNamingRepository:
    """The rows a, b and c of an owner; another has a row too."""
    for owner in "yx":
        mine = AsyncNamingRepository(session).owned_by(owner)
        await mine.create_many([TaskCreate(title=title) for title in "cba"])
    return AsyncNamingRepository(session).owned_by("x")


def titles(rows: Any) -> list[str]:
    return [row.title for row in rows]


async def test_change_where_of_every_entity(rows: Rows, case: Case) -> None:
    of = rows.repository
    created = await of.create_many([rows.new(name) for name in "abb"])
    changed = await of.update_where_returning(case.change("c"), case.has_text("b"))
    assert [case.text_of(row) for row in changed] == ["c", "c"]
    assert [*map(of.id_of, changed)] == sorted(map(of.id_of, created[1:]))
    assert await of.update_where(case.change("d"), case.has_text("c")) == 2
    assert await of.update_where(case.nothing, all_rows=True) == 3
    before = await of.list(case.has_text("d"))
    assert await of.update_where_returning(case.nothing, case.has_text("d")) == before
    assert await of.delete_where_returning(case.has_text("d")) == before
    assert await of.delete_where(all_rows=True) == 1
    assert await of.count() == 0


async def test_update_where_writes_the_set_fields_of_the_owners_rows(tasks: AsyncNamingRepository) -> None:
    before = await tasks.list()
    assert await tasks.update_where(TaskUpdate(completed=True), typed(Task.title) != "b") == 2
    after = await tasks.list()
    assert [(row.title, row.completed) for row in after] == [("c", True), ("b", False), ("a", True)]
    assert [new.updated_at > old.updated_at for new, old in zip(after, before, strict=True)] == [True, False, True]
    everyone = await AsyncTaskRepository(tasks.session).every_owner().list(typed(Task.completed).is_true())
    assert {row.user_id for row in everyone} == {"x"}


async def test_update_where_takes_a_change(tasks: AsyncNamingRepository) -> None:
    assert titles(await tasks.update_where_returning(_SHOUT, typed(Task.title) < "c")) == ["B", "A"]
    assert await tasks.update_where(_CLOSE, all_rows=True) == 0
    assert await tasks.update_where(_SHOUT, typed(Task.title) == "c") == 1
    both = Change(typed(Task.completed).to(True), where=typed(Task.title) != "A")
    assert titles(await tasks.update_where_returning(both, typed(Task.title) != "B")) == ["C"]
    with pytest.raises(UsageError, match="lacks a value for a bound parameter"):
        await tasks.update_where(_NAME, all_rows=True)


async def test_a_change_of_a_subclass_takes_parameters(tasks: AsyncNamingRepository) -> None:
    assert await tasks.close() == 1
    assert await tasks.name("z", typed(Task.completed).is_false()) == 2
    assert titles(await tasks.list()) == ["z", "b", "z"]
    with pytest.raises(UsageError, match=r"a change sets task\.title to"):
        await tasks.name(3, typed(Task.title) == "z")  # type: ignore[arg-type]


@pytest.mark.usefixtures("awake")
async def test_all_rows_are_written_only_where_that_is_said(tasks: AsyncNamingRepository, proxy: WireProxy) -> None:
    calls: Any = tasks
    data, condition = TaskUpdate(completed=True), typed(Task.title) == "a"
    with proxy.watch() as seen:
        for call in (calls.update_where, calls.update_where_returning):
            for all_rows in (False, None, 1):
                with pytest.raises(UsageError, match="without a condition would write every row: pass a condition, or"):
                    await call(data, all_rows=all_rows)
            with pytest.raises(UsageError, match=r"has conditions and all_rows=True: leave out one of them$"):
                await call(data, condition, all_rows=True)
        for call in (calls.delete_where, calls.delete_where_returning):
            with pytest.raises(UsageError, match="without a condition would write every row"):
                await call()
            with pytest.raises(UsageError, match="has conditions and all_rows=True"):
                await call(condition, all_rows=True)
            with pytest.raises(UsageError, match="a condition is a bool"):
                await call(False)
        with pytest.raises(UsageError, match="change_where of Task without a condition"):
            await tasks.name("z")
        with pytest.raises(InvalidDataError):
            await tasks.update_where(TaskUpdate.model_construct({"title"}, title=""), condition)
        with pytest.raises(OwnerRequiredError):
            await AsyncTaskRepository(tasks.session).delete_where(all_rows=True)
        unscoped: Any = AsyncTaskRepository(tasks.session)
        with pytest.raises(OwnerRequiredError):
            await unscoped.delete_where()
    assert seen.round_trips == 0


async def test_a_call_that_writes_nothing_leaves_nothing_to_warn_of(
    tasks: AsyncNamingRepository, database: AsyncDatabase, recwarn: pytest.WarningsRecorder
) -> None:
    row = (await tasks.list())[0]
    none = typed(Task.title) == "none"
    async with AsyncSession(database.engine) as session:
        await session.exec(select(Task))
        mine = AsyncNamingRepository(session).owned_by("x")
        assert await mine.update_many({row.id: TaskUpdate()}) == [row]
        assert await mine.update_where(TaskUpdate(), all_rows=True) == 3
        assert await mine.update_where(TaskUpdate(title="y"), none) == await mine.update_where(_SHOUT, none) == 0
        assert await mine.name("y", none) == await mine.delete_where(none) == 0
        assert await mine.update_where_returning(_SHOUT, none) == await mine.delete_where_returning(none) == []
    assert [str(one.message) for one in recwarn] == []


async def test_rows_are_judged_once_they_are_locked(tasks: AsyncNamingRepository, database: AsyncDatabase) -> None:
    """In one transaction, so that nothing waits: the second statement sees what the first wrote."""
    async with database.transaction() as session:
        mine = AsyncNamingRepository(session).owned_by("x")
        assert await mine.update_where(TaskUpdate(title="d"), typed(Task.title) == "a") == 1
        assert await mine.delete_where(typed(Task.title) == "a") == 0
        await session.exec(text("SELECT 1"))  # type: ignore[call-overload]  # of the test's own
    assert titles(await tasks.list()) == ["c", "b", "d"]
