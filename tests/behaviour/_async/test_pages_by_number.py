"""`page`: its rows and its total against a plain Python list of them, for two owners, past the end too."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import Engine, SQLColumnExpression, delete, func, insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Page
from backend.errors import UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate
from tests.conftest import Server
from tests.support.models.suite import Project
from tests.support.wire import WireProxy

Row = tuple[str, str | None, bool]
"""Title, description, completed."""

ROWS = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from([None, "d", "e", "é"]), st.booleans()), max_size=12)
COLUMNS: list[tuple[Any, Callable[[Task], Any]]] = [
    (col(Task.title), lambda task: task.title),
    (col(Task.description).collate("C"), lambda task: task.description),
    (func.length(col(Task.description)), lambda task: None if task.description is None else len(task.description)),
    (col(Task.completed), lambda task: task.completed),
    (col(Task.id), lambda task: task.id),
    (select(func.count(col(Project.id))).scalar_subquery(), lambda _task: 0),
]


def _is_described(task: Task) -> bool:
    return task.title != "x" and task.description is not None


WHERE: list[tuple[list[Any], Callable[[Task], bool]]] = [
    ([], lambda _task: True),
    ([col(Task.completed).is_(False)], lambda task: not task.completed),
    (
        [col(Task.title) != "x", col(Task.description).is_not(None)],
        _is_described,
    ),
]


class Sort(BaseModel):
    """One expression of an order, by its position in `COLUMNS`."""

    column: int
    descending: bool
    nulls: str | None

    @property
    def sql(self) -> SQLColumnExpression[object]:
        expression: Any = COLUMNS[self.column][0]
        expression = expression.desc() if self.descending else expression
        placed: SQLColumnExpression[object] = expression if self.nulls is None else getattr(expression, self.nulls)()
        return placed

    def apply(self, tasks: list[Task]) -> list[Task]:
        value = COLUMNS[self.column][1]
        some = [task for task in tasks if value(task) is not None]
        none = [task for task in tasks if value(task) is None]
        some.sort(key=value, reverse=self.descending)
        first = self.descending if self.nulls is None else self.nulls == "nulls_first"
        return none + some if first else some + none


SORTS = st.builds(
    Sort,
    column=st.integers(0, len(COLUMNS) - 1),
    descending=st.booleans(),
    nulls=st.sampled_from([None, "nulls_first", "nulls_last"]),
)


@pytest.fixture
async def plain(server: Server, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    """A database without the proxy: many examples."""
    async with AsyncDatabase(server.url) as database:
        yield database


async def _fill(session: AsyncSession, rows: dict[str, list[Row]]) -> None:
    await session.exec(delete(Task))
    values = [
        {"user_id": owner, "title": title, "description": description, "completed": completed}
        for owner, given_rows in rows.items()
        for title, description, completed in given_rows
    ]
    if values:
        await session.exec(insert(Task).values(values))
    await session.commit()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mine=ROWS,
    theirs=ROWS,
    where=st.sampled_from(WHERE),
    order=st.lists(SORTS, max_size=3),
    size=st.sampled_from([1, 2, 3, 5, 1000]),
    past=st.integers(1, 3),
)
async def test_pages_are_the_parts_of_the_full_order_with_the_total_of_one_owner(
    plain: AsyncDatabase,
    *,
    mine: list[Row],
    theirs: list[Row],
    where: tuple[list[Any], Callable[[Task], bool]],
    order: list[Sort],
    size: int,
    past: int,
) -> None:
    conditions, holds = where
    async with AsyncSession(plain.engine) as session:
        await _fill(session, {"a": mine, "b": theirs})
        for owner, count in (("a", len(mine)), ("b", len(theirs))):
            tasks = AsyncTaskRepository(session).owned_by(owner)
            stored = list(await tasks.list())
            assert len(stored) == count
            expected = [task for task in stored if holds(task)]
            for sort in reversed(order):
                expected = sort.apply(expected)
            by = [sort.sql for sort in order]
            assert await tasks.list(*conditions, order_by=by) == expected
            last = -(-len(expected) // size)
            for number in range(1, last + past + 1):
                page = await tasks.page(*conditions, order_by=by, page=number, size=size)
                assert page == Page(tuple(expected[(number - 1) * size : number * size]), len(expected), number, size)
                assert page.pages == last
                assert (page.has_previous, page.has_next) == (number > 1, number < last)


async def test_page_without_rows_has_no_pages(session: AsyncSession) -> None:
    page = await AsyncTaskRepository(session).owned_by("a").page()
    assert (page.items, page.total, page.pages, page.has_next, page.has_previous) == ((), 0, 0, False, False)


async def test_page_far_past_the_end_is_empty_with_the_right_total(session: AsyncSession) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    await tasks.create(TaskCreate(title="x"))
    page = await tasks.page(page=2**62, size=1)
    assert (page.items, page.total, page.pages, page.has_next, page.has_previous) == ((), 1, 1, False, True)


async def test_page_out_of_bounds_sends_nothing(session: AsyncSession, proxy: WireProxy) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    with proxy.watch() as seen:
        with pytest.raises(UsageError, match=r"^page size is 5000, at most 1000: use stream\(\) for more$"):
            await tasks.page(size=5000)
        with pytest.raises(UsageError, match=r"^page number is 0, expected a whole number from 1 to"):
            await tasks.page(page=0)
    assert seen.statements == []


async def test_page_of_a_view_may_be_sorted_by_a_column_that_it_lacks(session: AsyncSession) -> None:
    class Line(BaseModel):
        title: str
        description: str | None

    tasks = AsyncTaskRepository(session).owned_by("a")
    for title, completed in (("x", True), ("y", False), ("z", True)):
        await tasks.create(TaskCreate(title=title, completed=completed))
    lines = tasks.as_(Line)
    page = await lines.page(order_by=[col(Task.completed).desc(), col(Task.title).desc()], size=2)
    assert page == Page((Line(title="z", description=None), Line(title="x", description=None)), 3, 1, 2)
    past = await lines.page(page=3, size=2)
    assert past == Page((), 3, 3, 2)
