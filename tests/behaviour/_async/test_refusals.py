"""What a call refuses before any SQL, in words that say what to do."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, cast

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession as PlainSession
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.errors import (
    ForeignKeyViolationError,
    InvalidDataError,
    NotFoundError,
    OwnerRequiredError,
    RepositoryError,
    UsageError,
)
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.support.models.suite import (
    AsyncNoteRepository,
    AsyncProjectRepository,
    AsyncTicketRepository,
    NoteCreate,
    NoteUpdate,
    ProjectCreate,
    ProjectUpdate,
    TicketCreate,
)
from tests.support.wire import WireProxy


@pytest.fixture
def tasks(session: AsyncSession) -> AsyncTaskRepository:
    return AsyncTaskRepository(session).owned_by("a")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (Task(title="x", user_id="b"), r"create takes a TaskCreate, got a Task: pass TaskCreate\(…\)"),
        ({"title": "x"}, r"create takes a TaskCreate, got a dict: pass TaskCreate\(…\)"),
        (TaskUpdate(title="x"), r"create takes a TaskCreate, got a TaskUpdate"),
        (None, r"create takes a TaskCreate, got None"),
        (TaskCreate, r"create takes a TaskCreate, got"),
    ],
)
async def test_create_takes_an_instance_of_its_schema_alone(
    tasks: AsyncTaskRepository, data: Any, text: str, proxy: WireProxy
) -> None:
    with proxy.watch() as seen, pytest.raises(UsageError, match=text):
        await tasks.create(data)
    assert seen.round_trips == 0


@pytest.mark.parametrize("data", [{"title": "x"}, Task(title="x", user_id="b"), TaskCreate(title="x"), None])
async def test_update_takes_an_instance_of_its_schema_alone(tasks: AsyncTaskRepository, data: Any) -> None:
    with pytest.raises(UsageError, match=r"update takes a TaskUpdate, got (None|a \w+): pass TaskUpdate\(…\)"):
        await tasks.update(1, data)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("x" * 201, "string_too_long"),
        ("", "value_error"),
        (" \t", "value_error"),
        ("a\0b", "unstorable_text"),
        ("a\ud800b", "string_unicode"),
        (None, "string_type"),
    ],
)
async def test_invalid_data_is_refused_however_it_was_made(
    tasks: AsyncTaskRepository, title: Any, kind: str, proxy: WireProxy
) -> None:
    mutated = TaskCreate(title="x")
    mutated.title = title
    row = await tasks.create(TaskCreate(title="whole"))
    with proxy.watch() as seen:
        for data in (TaskCreate.model_construct(title=title), mutated):
            with pytest.raises(InvalidDataError) as raised:
                await tasks.create(data)
            assert [(one.location[0], one.type) for one in raised.value.problems] == [("title", kind)]
            assert raised.value.fields == ("title",)
        with pytest.raises(InvalidDataError) as raised:
            await tasks.update(row.id, TaskUpdate.model_construct(title=title))
        assert raised.value.fields == ("title",)
    assert seen.round_trips == 0


async def test_an_error_never_shows_the_input(tasks: AsyncTaskRepository) -> None:
    secret = "s3cret" * 50
    with pytest.raises(InvalidDataError) as raised:
        await tasks.create(TaskCreate.model_construct(title=secret))
    assert "s3cret" not in str(raised.value) + repr(raised.value) + repr(raised.value.problems)


async def test_create_and_update_ignore_fields_outside_of_their_schema(tasks: AsyncTaskRepository) -> None:
    data = TaskCreate.model_construct(title="x", id=7, user_id="b", created_at=None)
    object.__setattr__(data, "user_id", "b")
    task = await tasks.create(data)
    assert task.user_id == "a"
    assert task.created_at is not None
    changed = await tasks.update(task.id, TaskUpdate.model_construct({"user_id", "title"}, title="y", user_id="b"))
    assert (changed.title, changed.user_id) == ("y", "a")


async def test_update_writes_none_only_to_a_nullable_column(session: AsyncSession) -> None:
    notes = AsyncNoteRepository(session)
    note = await notes.create(NoteCreate(text="x", rank=1))
    assert (await notes.update(note.id, NoteUpdate(rank=None))).rank is None
    with pytest.raises(InvalidDataError, match="invalid NoteUpdate: text: None is not allowed here"):
        await notes.update(note.id, NoteUpdate(text=None))


async def test_update_leaves_alone_what_was_not_set(tasks: AsyncTaskRepository) -> None:
    task = await tasks.create(TaskCreate(title="x", description="long", completed=True))
    changed = await tasks.update(task.id, TaskUpdate(title="y"))
    assert (changed.description, changed.completed) == ("long", True)
    assert (await tasks.update(task.id, TaskUpdate(description=None))).description is None


CALLS = sorted(
    name
    for name, _ in inspect.getmembers(AsyncTicketRepository, inspect.isfunction)
    if (not name.startswith("_") and name not in ("owned_by", "every_owner"))
    or name in ("_all", "_change", "_one_or_none", "_scalar", "_select")
)


@pytest.mark.parametrize("call", CALLS)
async def test_a_repository_without_a_scope_refuses_every_call_and_sends_nothing(
    session: AsyncSession, call: str, proxy: WireProxy
) -> None:
    unscoped = AsyncTicketRepository(session)
    unscoped.owned_by("a")  # returns another repository, and leaves this one as it is
    unscoped.every_owner()
    required = [
        one
        for one in inspect.signature(getattr(unscoped, call)).parameters.values()
        if one.default is one.empty and one.kind is not one.VAR_POSITIONAL
    ]
    with proxy.watch() as seen, pytest.raises(OwnerRequiredError, match="does not say whose rows are meant: call own"):
        named: dict[str, object] = {one.name: object() for one in required if one.kind is one.KEYWORD_ONLY}
        result: object = getattr(unscoped, call)(*(object() for one in required if one.name not in named), **named)
        if isinstance(result, AbstractAsyncContextManager):
            await cast("AbstractAsyncContextManager[object]", result).__aenter__()
        elif inspect.isawaitable(result):
            _ = await result
    assert seen.round_trips == 0


async def test_create_for_every_owner_is_refused(session: AsyncSession, proxy: WireProxy) -> None:
    message = r"a new Task needs an owner, every_owner\(\) has none to give it: use \w+\(session\)\.owned_by\(owner\)"
    with proxy.watch() as seen, pytest.raises(OwnerRequiredError, match=message):
        await AsyncTaskRepository(session).every_owner().create(TaskCreate(title="x"))
    assert seen.round_trips == 0


async def test_every_owner_reads_changes_and_deletes_the_rows_of_all(
    session: AsyncSession, tasks: AsyncTaskRepository
) -> None:
    mine = await tasks.create(TaskCreate(title="x"))
    theirs = await AsyncTaskRepository(session).owned_by("b").create(TaskCreate(title="y"))
    everybody = AsyncTaskRepository(session).every_owner()
    assert [task.id for task in await everybody.list()] == [mine.id, theirs.id]
    changed = await everybody.update(theirs.id, TaskUpdate(title="z"))
    assert (changed.title, changed.user_id) == ("z", "b")
    assert (await everybody.toggle_complete(mine.id)).user_id == "a"
    assert (await everybody.delete(mine.id)).user_id == "a"
    assert await everybody.count() == 1


class WithArguments(AsyncTaskRepository):
    def __init__(self, session: AsyncSession, *, prefix: str) -> None:
        super().__init__(session)
        self.prefix = prefix


async def test_a_scope_keeps_what_a_subclass_added_to_the_repository(session: AsyncSession) -> None:
    tasks = WithArguments(session, prefix="a: ")
    assert (tasks.owned_by("a").prefix, tasks.every_owner().prefix) == ("a: ", "a: ")


async def test_repr_says_model_and_scope_and_never_the_owner(session: AsyncSession) -> None:
    tasks = AsyncTaskRepository(session)
    shown = [repr(one) for one in (tasks, tasks.owned_by("ada"), tasks.every_owner(), AsyncNoteRepository(session))]
    name, note = AsyncTaskRepository.__name__, AsyncNoteRepository.__name__
    assert shown == [
        f"<{name} of Task, no scope yet>",
        f"<{name} of Task, one owner>",
        f"<{name} of Task, every owner>",
        f"<{note} of Note>",
    ]


@pytest.mark.parametrize("owner", [None, 1, b"a", True, "a\0b", "\ud800"])
async def test_owned_by_with_an_invalid_owner_is_refused(session: AsyncSession, owner: Any) -> None:
    with pytest.raises(UsageError, match=r"owner of Task is|owner for Task: the column"):
        AsyncTaskRepository(session).owned_by(owner)


async def test_a_scope_of_a_scoped_repository_is_refused(session: AsyncSession, tasks: AsyncTaskRepository) -> None:
    everybody = AsyncTaskRepository(session).every_owner()
    for scoped, scope in ((tasks, "an owner"), (everybody, "every owner's rows")):
        with pytest.raises(UsageError, match=rf"is for {scope} already: call owned_by\(\) on \w+\(session\)"):
            scoped.owned_by("b")
        with pytest.raises(UsageError, match=rf"is for {scope} already: call every_owner\(\) on \w+\(session\)"):
            scoped.every_owner()


async def test_owned_by_of_a_model_without_an_owner_is_refused(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="Note has no owner"):
        AsyncNoteRepository(session).owned_by("a")
    with pytest.raises(UsageError, match="Note has no owner"):
        AsyncNoteRepository(session).every_owner()


async def test_update_with_expected_of_a_model_without_a_version_is_refused(session: AsyncSession) -> None:
    projects = AsyncProjectRepository(session).owned_by("a")
    project = await projects.create(ProjectCreate(name="x"))
    for data in (ProjectUpdate(name="y"), ProjectUpdate()):
        with pytest.raises(UsageError, match="Project has no version"):
            await projects.update(project.id, data, expected=1)
    with pytest.raises(UsageError, match="Project has no version"):
        await projects.delete(project.id, expected=1)


@pytest.mark.parametrize(
    ("limit", "offset"),
    [
        (-1, 0),
        (None, -1),
        ("1", 0),
        (True, 0),
        (1.0, 0),
        (2**63, 0),
        (None, 2**63),
        pytest.param(10**5000, 0, id="huge"),
    ],
)
async def test_limit_and_offset_are_whole_numbers_from_zero(
    tasks: AsyncTaskRepository, limit: Any, offset: Any
) -> None:
    with pytest.raises(UsageError, match="expected a whole number from 0"):
        await tasks.list(limit=limit, offset=offset)


async def test_a_repository_takes_its_kind_of_session(database: AsyncDatabase) -> None:
    wrong: Any = database
    with pytest.raises(UsageError, match=r"Repository takes an AsyncSession, got an AsyncDatabase: pass one of db"):
        AsyncTaskRepository(wrong)


async def test_a_repository_takes_a_plain_session_of_its_kind(database: AsyncDatabase) -> None:
    async with PlainSession(database.engine) as plain:
        wrong: Any = plain
        assert await AsyncTaskRepository(wrong).owned_by("a").list() == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Task, r"got the class Task: pass one of db\.session\(\)"),
        (None, r"got None: pass one of db\.session\(\)"),
        (nullcontext(), r"got a nullcontext: enter it first, (async )?with db\.transaction\(\) as session:"),
    ],
)
async def test_a_repository_of_another_object_than_a_session_is_refused(given: Any, text: str) -> None:
    with pytest.raises(UsageError, match=rf"^AsyncTaskRepository takes an AsyncSession, {text}"):
        AsyncTaskRepository(given)


async def test_data_that_were_not_awaited_are_refused(tasks: AsyncTaskRepository) -> None:
    class Later:
        def __await__(self) -> Iterator[Any]:
            yield

    later: Any = Later()
    calls: list[Callable[[], Any]] = [
        lambda: tasks.get(later),
        lambda: tasks.create(later),
        lambda: tasks.update(1, later),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="got a Later, which was not awaited"):
            await call()
    with pytest.raises(UsageError, match="got a Later, which was not awaited"):
        AsyncTaskRepository(later)


async def test_conditions_in_a_list_are_refused_with_a_star(tasks: AsyncTaskRepository, proxy: WireProxy) -> None:
    conditions = [col(Task.completed).is_(True), col(Task.title) == "x"]
    wrong: list[Any] = [conditions, tuple(conditions), iter(conditions)]
    with proxy.watch() as seen:
        for given in wrong:
            for call in (tasks.list, tasks.first, tasks.one, tasks.one_or_none, tasks.count, tasks.exists):
                with pytest.raises(UsageError, match=r"expected one expression per argument: write \*conditions$"):
                    await call(given)
    assert not seen.statements
    assert await tasks.list(*conditions) == []


async def test_commit_without_a_transaction_says_that_calls_are_durable(
    session: AsyncSession, tasks: AsyncTaskRepository
) -> None:
    await tasks.create(TaskCreate(title="x"))
    with pytest.raises(UsageError, match=r"each repository call is durable .* with session\.begin\(\):$"):
        await session.commit()
    assert await tasks.count() == 1


async def test_a_statement_of_the_callers_without_a_transaction_is_refused_with_the_fix(session: AsyncSession) -> None:
    task = Task(id=1, title="x", user_id="a")
    uses: list[Callable[[], Any]] = [
        lambda: session.exec(select(Task)),
        lambda: session.get(Task, 1),
        lambda: session.merge(task),
        session.connection,
    ]
    for use in uses:
        with pytest.raises(InvalidRequestError, match=r"please call session\.begin\(\)"):
            await use()
    with pytest.raises(InvalidRequestError, match=r"please call session\.begin\(\)"):
        session.add(task)


async def test_a_change_whose_conditions_are_not_met_says_so(session: AsyncSession) -> None:
    project = await AsyncProjectRepository(session).owned_by("a").create(ProjectCreate(name="x"))
    tickets = AsyncTicketRepository(session).owned_by("a")
    ticket = await tickets.create(TicketCreate(project_id=project.id, title="x"))
    await tickets.claim(ticket.id, "one")
    for id in (ticket.id, ticket.id + 1, 2**63):
        with pytest.raises(NotFoundError, match=f"^no Ticket with id {id} meets the conditions of the change$"):
            await tickets.claim(id, "two")


async def test_a_foreign_key_violation_says_which_side_is_missing_or_in_use(session: AsyncSession) -> None:
    projects = AsyncProjectRepository(session).owned_by("a")
    tickets = AsyncTicketRepository(session).owned_by("a")
    with pytest.raises(ForeignKeyViolationError, match="create of Ticket refers to a row that does not exist"):
        await tickets.create(TicketCreate(project_id=0, title="x"))
    project = await projects.create(ProjectCreate(name="x"))
    await tickets.create(TicketCreate(project_id=project.id, title="x"))
    with pytest.raises(ForeignKeyViolationError, match="delete of Project is refused: another row still refers to it"):
        await projects.delete(project.id)
    new = TicketCreate(project_id=0, title="x")
    with pytest.raises(ForeignKeyViolationError, match=r"^create_many of Ticket refers to a row that does not exist"):
        await tickets.create_many([new])
    in_use = "of Project is refused: another row still refers to one of these rows"
    with pytest.raises(ForeignKeyViolationError, match=in_use):
        await projects.delete_many([project.id])
    with pytest.raises(ForeignKeyViolationError, match=in_use):
        await projects.delete_where(all_rows=True)
    with pytest.raises(ForeignKeyViolationError, match=in_use):
        await projects.delete_where_returning(all_rows=True)


async def test_the_error_of_a_foreign_row_is_that_of_an_absent_one(
    session: AsyncSession, tasks: AsyncTaskRepository, proxy: WireProxy
) -> None:
    foreign = (await AsyncTaskRepository(session).owned_by("b").create(TaskCreate(title="x"))).id
    unused = foreign + 1_000_000
    version = (await tasks.create(TaskCreate(title="mine"))).updated_at

    async def refusal(id: int) -> tuple[RepositoryError, list[str]]:
        with proxy.watch() as seen, pytest.raises(NotFoundError) as raised:
            await tasks.update(id, TaskUpdate(title="y"), expected=version)
        return raised.value, [one.sql for one in seen.statements]

    (one, sent), (other, also_sent) = await refusal(foreign), await refusal(unused)
    assert str(one) == str(other).replace(str(unused), str(foreign))
    assert (type(one), one.details, sent) == (type(other), other.details, also_sent)


async def test_a_limit_that_is_a_text_is_not_shown(tasks: AsyncTaskRepository) -> None:
    limit: Any = "s3cret"
    with pytest.raises(UsageError, match=r"^limit is a str, expected a whole number from 0"):
        await tasks.list(limit=limit)
