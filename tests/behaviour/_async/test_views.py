"""What `as_(View)` reads: only the view's columns, in the same scope, by every reading call; and what it refuses."""

import pickle
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, computed_field, model_validator
from sqlalchemy import func
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, AsyncReads, Lock, shows
from backend.errors import MultipleFoundError, NotFoundError, UnreadableRowError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate
from tests.support.models.papers import AsyncPaperRepository, PaperCreate
from tests.support.models.suite import (
    AsyncProjectRepository,
    Project,
    ProjectCreate,
)
from tests.support.wire import WireProxy


class TaskLine(BaseModel):
    """A task as a list shows it."""

    id: int
    name: str = shows(Task.title)
    length: int = shows(func.length(col(Task.title)))
    done: bool = Field(alias="completed")
    about: str | None = shows(Task.description)
    projects: int = shows(select(func.count(col(Project.id))).scalar_subquery())

    @computed_field
    def label(self) -> str:
        return f"{self.id}: {self.name}"


class TaskTitle(SQLModel):
    """A SQLModel class, frozen, that accepts no other field."""

    model_config = ConfigDict(frozen=True, extra="forbid")  # type: ignore[assignment]  # SQLModel types its own
    title: str


TITLES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8).filter(str.strip)
TASKS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), TITLES, st.none() | TITLES, st.booleans()), min_size=1, max_size=8
)


@given(created=TASKS, projects=st.integers(0, 2), limit=st.none() | st.integers(0, 9), offset=st.integers(0, 9))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_call_of_a_view_equals_its_meaning_in_python(
    database: AsyncDatabase,
    created: Sequence[tuple[str, str, str | None, bool]],
    projects: int,
    limit: int | None,
    offset: int,
) -> None:
    async with database.transaction() as session:
        await _delete_all(session)
        mine = AsyncTaskRepository(session)
        stored = [
            await mine.owned_by(owner).create(TaskCreate(title=title, description=about, completed=done))
            for owner, title, about, done in created
        ]
        for number in range(projects):
            await AsyncProjectRepository(session).owned_by("a").create(ProjectCreate(name=str(number)))
        await AsyncProjectRepository(session).owned_by("b").create(ProjectCreate(name="of b"))
        for scope, owners, count in ((mine.owned_by("a"), ("a",), projects), (mine.every_owner(), "ab", projects + 1)):
            lines, expected = scope.as_(TaskLine), [_line(task, count) for task in stored if task.user_id in owners]
            open_ones = [line for line in expected if not line.done]
            is_open, newest = col(Task.completed).is_(False), col(Task.created_at)
            end = None if limit is None else offset + limit
            assert await lines.list(limit=limit, offset=offset) == expected[offset:end]
            assert await lines.list(is_open, order_by=[newest.desc(), col(Task.id).desc()]) == open_ones[::-1]
            assert await lines.first(is_open) == next(iter(open_ones), None)
            assert (await lines.count(is_open), await lines.exists(is_open)) == (len(open_ones), bool(open_ones))
            for task in stored:
                line = _line(task, count) if task.user_id in owners else None
                assert await lines.get(task.id) == await lines.one_or_none(col(Task.id) == task.id) == line
        await _delete_all(session)


async def _delete_all(session: AsyncSession) -> None:
    for repository in (AsyncTaskRepository(session), AsyncProjectRepository(session)):
        for row in await repository.every_owner().list():
            await repository.every_owner().delete(row.id)


def _line(task: Task, projects: int) -> TaskLine:
    values: dict[str, Any] = {"id": task.id, "name": task.title, "length": len(task.title), "completed": task.completed}
    return TaskLine(**values, about=task.description, projects=projects)


async def test_the_errors_of_a_view_are_those_of_its_repository(session: AsyncSession) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    lines = tasks.as_(TaskLine)
    with pytest.raises(NotFoundError, match="no Task with id 7"):
        await lines.get_one(7)
    with pytest.raises(NotFoundError, match="no Task meets"):
        await lines.one()
    ids = [(await tasks.create(TaskCreate(title=title))).id for title in ("one", "two")]
    with pytest.raises(MultipleFoundError, match="more than one Task"):
        await lines.one()
    assert [(await lines.get_one(id)).model_dump()["label"] for id in ids] == [f"{ids[0]}: one", f"{ids[1]}: two"]
    assert await tasks.as_(TaskTitle).one(col(Task.title) == "two") == TaskTitle(title="two")


async def test_a_view_locks_and_joins_the_transaction(database: AsyncDatabase, proxy: WireProxy) -> None:
    async with database.transaction() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        task = await tasks.create(TaskCreate(title="one"))
        with proxy.watch() as seen:
            assert await tasks.as_(TaskTitle).get(task.id, lock=Lock()) == TaskTitle(title="one")
        assert [one.sql.endswith("FOR UPDATE") for one in seen.statements] == [True]


@pytest.mark.usefixtures("awake")
async def test_every_call_of_a_view_is_one_round_trip_and_selects_its_columns_only(
    session: AsyncSession, proxy: WireProxy
) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    id = (await tasks.create(TaskCreate(title="one"))).id
    titles = tasks.as_(TaskTitle)
    for call in (
        lambda: titles.get(id),
        lambda: titles.get_one(id),
        lambda: titles.list(col(Task.completed).is_(False), order_by=col(Task.created_at)),
        titles.first,
        titles.one,
        titles.one_or_none,
    ):
        with proxy.watch() as seen:
            await call()
        assert (seen.round_trips, seen.connects, len(seen.statements)) == (1, 0, 1)
        assert seen.statements[0].sql.split("FROM")[0].split() == ["SELECT", "task.title"]


class Part(SQLModel):
    """A part of a document, under a name that only clients use."""

    code: str = Field(alias="CODE", max_length=3)


class Body(BaseModel):
    parts: list[Part] = []
    extra: dict[str, int] = {}


class PaperBody(BaseModel):
    document: Body


def _refuse(value: str) -> str:
    raise ValueError(f"what is {value}?")


def _refuse_as_a_whole(value: object) -> object:
    raise ValueError("it is refused")


class Refusing(BaseModel):
    """Refuses every paper, as `problems` of these lists: in each way that pydantic has."""

    title: Annotated[str, Field(max_length=2)]
    document: Body


class Raising(BaseModel):
    title: Annotated[str, AfterValidator(_refuse)]


class Whole(BaseModel):
    title: str

    _whole = model_validator(mode="after")(_refuse_as_a_whole)


CANARY = "canary-7d1f"
DOCUMENT = {"parts": [{"code": "ok"}, {"code": CANARY}], "extra": {CANARY: CANARY}}
REFUSALS = {
    Refusing: (
        "Refusing refuses a stored Paper: title: String should have at most 2 characters; "
        "document.parts.*.code: String should have at most 3 characters; "
        "document.extra.*: Input should be a valid integer, unable to parse string as an integer",
        ("title", "document"),
    ),
    Raising: ("Raising refuses a stored Paper: title: a validator refuses it", ("title",)),
    Whole: ("Whole refuses a stored Paper: it is refused", ()),
}


@pytest.mark.parametrize(("view", "message", "fields"), [(view, *said) for view, said in REFUSALS.items()])
async def test_a_stored_value_that_the_view_refuses_is_unreadable_and_never_shown(
    session: AsyncSession, view: type[BaseModel], message: str, fields: tuple[str, ...]
) -> None:
    papers = AsyncPaperRepository(session).owned_by("a")
    paper = await papers.create(PaperCreate(title=CANARY, document=DOCUMENT))
    with pytest.raises(UnreadableRowError) as raised:
        await papers.as_(view).get(paper.id)
    error = raised.value
    assert (str(error), error.fields, error.model, error.operation) == (message, fields, "Paper", "get")
    assert (error.outcome, error.retryable, error.driver_error) == ("not_applied", False, None)
    shown = "".join([*traceback.format_exception(error), repr(error), repr(pickle.dumps(error))])
    assert CANARY not in shown


READS: dict[str, Callable[[AsyncReads[Raising, int], int], Awaitable[object]]] = {
    "get": lambda papers, key: papers.get(key),
    "get_one": lambda papers, key: papers.get_one(key),
    "get_many": lambda papers, key: papers.get_many([key]),
    "require_many": lambda papers, key: papers.require_many([key]),
    "list": lambda papers, _: papers.list(),
    "first": lambda papers, _: papers.first(),
    "one": lambda papers, _: papers.one(),
    "one_or_none": lambda papers, _: papers.one_or_none(),
    "page": lambda papers, _: papers.page(),
    "cursor_page": lambda papers, _: papers.cursor_page(),
    "stream": lambda papers, _: papers.stream().__aenter__(),
}


@pytest.mark.parametrize("call", READS)
async def test_each_call_is_named_by_the_error_of_a_value_that_the_view_refuses(
    session: AsyncSession, call: str
) -> None:
    papers = AsyncPaperRepository(session).owned_by("a")
    paper = await papers.create(PaperCreate(title=CANARY, document=DOCUMENT))
    with pytest.raises(UnreadableRowError) as raised:
        await READS[call](papers.as_(Raising), paper.id)
    assert (raised.value.operation, raised.value.fields) == (call, ("title",))


async def test_a_document_is_read_by_the_names_of_its_fields(session: AsyncSession) -> None:
    papers = AsyncPaperRepository(session).owned_by("a")
    await papers.create(PaperCreate(title="one", document={"parts": [{"code": "ok"}]}))
    read = await papers.as_(PaperBody).one()
    assert (type(read), type(read.document.parts[0]), read.document.parts[0].code) == (PaperBody, Part, "ok")
