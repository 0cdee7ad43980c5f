# Generated from tests/behaviour/_async/test_refusals.py by `python -m tools.generate_sync`: edit that one.
"""What a call refuses before any SQL, in words that say what to do."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session as PlainSession
from sqlmodel import Session, col, select

from backend import Database
from backend.errors import (
    ForeignKeyViolationError,
    InvalidDataError,
    NotFoundError,
    OwnerRequiredError,
    RepositoryError,
    UsageError,
)
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import (
    NoteCreate,
    NoteRepository,
    NoteUpdate,
    ProjectCreate,
    ProjectRepository,
    ProjectUpdate,
    TicketCreate,
    TicketRepository,
)
from tests.support.wire import WireProxy


@pytest.fixture
def tasks(session: Session) -> TaskRepository:
    return TaskRepository(session).owned_by("a")


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
def test_create_takes_an_instance_of_its_schema_alone(
    tasks: TaskRepository, data: Any, text: str, proxy: WireProxy
) -> None:
    with proxy.watch() as seen, pytest.raises(UsageError, match=text):
        tasks.create(data)
    assert seen.round_trips == 0


@pytest.mark.parametrize("data", [{"title": "x"}, Task(title="x", user_id="b"), TaskCreate(title="x"), None])
def test_update_takes_an_instance_of_its_schema_alone(tasks: TaskRepository, data: Any) -> None:
    with pytest.raises(UsageError, match=r"update takes a TaskUpdate, got (None|a \w+): pass TaskUpdate\(…\)"):
        tasks.update(1, data)


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
def test_invalid_data_is_refused_however_it_was_made(
    tasks: TaskRepository, title: Any, kind: str, proxy: WireProxy
) -> None:
    mutated = TaskCreate(title="x")
    mutated.title = title
    row = tasks.create(TaskCreate(title="whole"))
    with proxy.watch() as seen:
        for data in (TaskCreate.model_construct(title=title), mutated):
            with pytest.raises(InvalidDataError) as raised:
                tasks.create(data)
            assert [(one.location[0], one.type) for one in raised.value.problems] == [("title", kind)]
            assert raised.value.fields == ("title",)
        with pytest.raises(InvalidDataError) as raised:
            tasks.update(row.id, TaskUpdate.model_construct(title=title))
        assert raised.value.fields == ("title",)
    assert seen.round_trips == 0


def test_an_error_never_shows_the_input(tasks: TaskRepository) -> None:
    secret = "s3cret" * 50
    with pytest.raises(InvalidDataError) as raised:
        tasks.create(TaskCreate.model_construct(title=secret))
    assert "s3cret" not in str(raised.value) + repr(raised.value) + repr(raised.value.problems)


def test_create_and_update_ignore_fields_outside_of_their_schema(tasks: TaskRepository) -> None:
    data = TaskCreate.model_construct(title="x", id=7, user_id="b", created_at=None)
    object.__setattr__(data, "user_id", "b")
    task = tasks.create(data)
    assert task.user_id == "a"
    assert task.created_at is not None
    changed = tasks.update(task.id, TaskUpdate.model_construct({"user_id", "title"}, title="y", user_id="b"))
    assert (changed.title, changed.user_id) == ("y", "a")


def test_update_writes_none_only_to_a_nullable_column(session: Session) -> None:
    notes = NoteRepository(session)
    note = notes.create(NoteCreate(text="x", rank=1))
    assert (notes.update(note.id, NoteUpdate(rank=None))).rank is None
    with pytest.raises(InvalidDataError, match="invalid NoteUpdate: text: None is not allowed here"):
        notes.update(note.id, NoteUpdate(text=None))


def test_update_leaves_alone_what_was_not_set(tasks: TaskRepository) -> None:
    task = tasks.create(TaskCreate(title="x", description="long", completed=True))
    changed = tasks.update(task.id, TaskUpdate(title="y"))
    assert (changed.description, changed.completed) == ("long", True)
    assert (tasks.update(task.id, TaskUpdate(description=None))).description is None


CALLS = sorted(
    name
    for name, _ in inspect.getmembers(TicketRepository, inspect.isfunction)
    if (not name.startswith("_") and name not in ("owned_by", "every_owner"))
    or name in ("_all", "_change", "_one_or_none", "_scalar", "_select")
)


@pytest.mark.parametrize("call", CALLS)
def test_a_repository_without_a_scope_refuses_every_call_and_sends_nothing(
    session: Session, call: str, proxy: WireProxy
) -> None:
    unscoped = TicketRepository(session)
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
        if isinstance(result, AbstractContextManager):
            cast("AbstractContextManager[object]", result).__enter__()
        elif inspect.isawaitable(result):
            _ = result
    assert seen.round_trips == 0


def test_create_for_every_owner_is_refused(session: Session, proxy: WireProxy) -> None:
    message = r"a new Task needs an owner, every_owner\(\) has none to give it: use \w+\(session\)\.owned_by\(owner\)"
    with proxy.watch() as seen, pytest.raises(OwnerRequiredError, match=message):
        TaskRepository(session).every_owner().create(TaskCreate(title="x"))
    assert seen.round_trips == 0


def test_every_owner_reads_changes_and_deletes_the_rows_of_all(session: Session, tasks: TaskRepository) -> None:
    mine = tasks.create(TaskCreate(title="x"))
    theirs = TaskRepository(session).owned_by("b").create(TaskCreate(title="y"))
    everybody = TaskRepository(session).every_owner()
    assert [task.id for task in everybody.list()] == [mine.id, theirs.id]
    changed = everybody.update(theirs.id, TaskUpdate(title="z"))
    assert (changed.title, changed.user_id) == ("z", "b")
    assert (everybody.toggle_complete(mine.id)).user_id == "a"
    assert (everybody.delete(mine.id)).user_id == "a"
    assert everybody.count() == 1


class WithArguments(TaskRepository):
    def __init__(self, session: Session, *, prefix: str) -> None:
        super().__init__(session)
        self.prefix = prefix


def test_a_scope_keeps_what_a_subclass_added_to_the_repository(session: Session) -> None:
    tasks = WithArguments(session, prefix="a: ")
    assert (tasks.owned_by("a").prefix, tasks.every_owner().prefix) == ("a: ", "a: ")


def test_repr_says_model_and_scope_and_never_the_owner(session: Session) -> None:
    tasks = TaskRepository(session)
    shown = [repr(one) for one in (tasks, tasks.owned_by("ada"), tasks.every_owner(), NoteRepository(session))]
    name, note = TaskRepository.__name__, NoteRepository.__name__
    assert shown == [
        f"<{name} of Task, no scope yet>",
        f"<{name} of Task, one owner>",
        f"<{name} of Task, every owner>",
        f"<{note} of Note>",
    ]


@pytest.mark.parametrize("owner", [None, 1, b"a", True, "a\0b", "\ud800"])
def test_owned_by_with_an_invalid_owner_is_refused(session: Session, owner: Any) -> None:
    with pytest.raises(UsageError, match=r"owner of Task is|owner for Task: the column"):
        TaskRepository(session).owned_by(owner)


def test_a_scope_of_a_scoped_repository_is_refused(session: Session, tasks: TaskRepository) -> None:
    everybody = TaskRepository(session).every_owner()
    for scoped, scope in ((tasks, "an owner"), (everybody, "every owner's rows")):
        with pytest.raises(UsageError, match=rf"is for {scope} already: call owned_by\(\) on \w+\(session\)"):
            scoped.owned_by("b")
        with pytest.raises(UsageError, match=rf"is for {scope} already: call every_owner\(\) on \w+\(session\)"):
            scoped.every_owner()


def test_owned_by_of_a_model_without_an_owner_is_refused(session: Session) -> None:
    with pytest.raises(UsageError, match="Note has no owner"):
        NoteRepository(session).owned_by("a")
    with pytest.raises(UsageError, match="Note has no owner"):
        NoteRepository(session).every_owner()


def test_update_with_expected_of_a_model_without_a_version_is_refused(session: Session) -> None:
    projects = ProjectRepository(session).owned_by("a")
    project = projects.create(ProjectCreate(name="x"))
    for data in (ProjectUpdate(name="y"), ProjectUpdate()):
        with pytest.raises(UsageError, match="Project has no version"):
            projects.update(project.id, data, expected=1)
    with pytest.raises(UsageError, match="Project has no version"):
        projects.delete(project.id, expected=1)


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
def test_limit_and_offset_are_whole_numbers_from_zero(tasks: TaskRepository, limit: Any, offset: Any) -> None:
    with pytest.raises(UsageError, match="expected a whole number from 0"):
        tasks.list(limit=limit, offset=offset)


def test_a_repository_takes_its_kind_of_session(database: Database) -> None:
    wrong: Any = database
    with pytest.raises(UsageError, match=r"Repository takes a Session, got a Database: pass one of db"):
        TaskRepository(wrong)


def test_a_repository_takes_a_plain_session_of_its_kind(database: Database) -> None:
    with PlainSession(database.engine) as plain:
        wrong: Any = plain
        assert TaskRepository(wrong).owned_by("a").list() == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Task, r"got the class Task: pass one of db\.session\(\)"),
        (None, r"got None: pass one of db\.session\(\)"),
        (nullcontext(), r"got a nullcontext: enter it first, (async )?with db\.transaction\(\) as session:"),
    ],
)
def test_a_repository_of_another_object_than_a_session_is_refused(given: Any, text: str) -> None:
    with pytest.raises(UsageError, match=rf"^TaskRepository takes a Session, {text}"):
        TaskRepository(given)


def test_data_that_were_not_awaited_are_refused(tasks: TaskRepository) -> None:
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
            call()
    with pytest.raises(UsageError, match="got a Later, which was not awaited"):
        TaskRepository(later)


def test_conditions_in_a_list_are_refused_with_a_star(tasks: TaskRepository, proxy: WireProxy) -> None:
    conditions = [col(Task.completed).is_(True), col(Task.title) == "x"]
    wrong: list[Any] = [conditions, tuple(conditions), iter(conditions)]
    with proxy.watch() as seen:
        for given in wrong:
            for call in (tasks.list, tasks.first, tasks.one, tasks.one_or_none, tasks.count, tasks.exists):
                with pytest.raises(UsageError, match=r"expected one expression per argument: write \*conditions$"):
                    call(given)
    assert not seen.statements
    assert tasks.list(*conditions) == []


def test_commit_without_a_transaction_says_that_calls_are_durable(session: Session, tasks: TaskRepository) -> None:
    tasks.create(TaskCreate(title="x"))
    with pytest.raises(UsageError, match=r"each repository call is durable .* with session\.begin\(\):$"):
        session.commit()
    assert tasks.count() == 1


def test_a_statement_of_the_callers_without_a_transaction_is_refused_with_the_fix(session: Session) -> None:
    task = Task(id=1, title="x", user_id="a")
    uses: list[Callable[[], Any]] = [
        lambda: session.exec(select(Task)),
        lambda: session.get(Task, 1),
        lambda: session.merge(task),
        session.connection,
    ]
    for use in uses:
        with pytest.raises(InvalidRequestError, match=r"please call session\.begin\(\)"):
            use()
    with pytest.raises(InvalidRequestError, match=r"please call session\.begin\(\)"):
        session.add(task)


def test_a_change_whose_conditions_are_not_met_says_so(session: Session) -> None:
    project = ProjectRepository(session).owned_by("a").create(ProjectCreate(name="x"))
    tickets = TicketRepository(session).owned_by("a")
    ticket = tickets.create(TicketCreate(project_id=project.id, title="x"))
    tickets.claim(ticket.id, "one")
    for id in (ticket.id, ticket.id + 1, 2**63):
        with pytest.raises(NotFoundError, match=f"^no Ticket with id {id} meets the conditions of the change$"):
            tickets.claim(id, "two")


def test_a_foreign_key_violation_says_which_side_is_missing_or_in_use(session: Session) -> None:
    projects = ProjectRepository(session).owned_by("a")
    tickets = TicketRepository(session).owned_by("a")
    with pytest.raises(ForeignKeyViolationError, match="create of Ticket refers to a row that does not exist"):
        tickets.create(TicketCreate(project_id=0, title="x"))
    project = projects.create(ProjectCreate(name="x"))
    tickets.create(TicketCreate(project_id=project.id, title="x"))
    with pytest.raises(ForeignKeyViolationError, match="delete of Project is refused: another row still refers to it"):
        projects.delete(project.id)
    new = TicketCreate(project_id=0, title="x")
    with pytest.raises(ForeignKeyViolationError, match=r"^create_many of Ticket refers to a row that does not exist"):
        tickets.create_many([new])
    in_use = "of Project is refused: another row still refers to one of these rows"
    with pytest.raises(ForeignKeyViolationError, match=in_use):
        projects.delete_many([project.id])
    with pytest.raises(ForeignKeyViolationError, match=in_use):
        projects.delete_where(all_rows=True)
    with pytest.raises(ForeignKeyViolationError, match=in_use):
        projects.delete_where_returning(all_rows=True)


def test_the_error_of_a_foreign_row_is_that_of_an_absent_one(
    session: Session, tasks: TaskRepository, proxy: WireProxy
) -> None:
    foreign = (TaskRepository(session).owned_by("b").create(TaskCreate(title="x"))).id
    unused = foreign + 1_000_000
    version = (tasks.create(TaskCreate(title="mine"))).updated_at

    def refusal(id: int) -> tuple[RepositoryError, list[str]]:
        with proxy.watch() as seen, pytest.raises(NotFoundError) as raised:
            tasks.update(id, TaskUpdate(title="y"), expected=version)
        return raised.value, [one.sql for one in seen.statements]

    (one, sent), (other, also_sent) = refusal(foreign), refusal(unused)
    assert str(one) == str(other).replace(str(unused), str(foreign))
    assert (type(one), one.details, sent) == (type(other), other.details, also_sent)


def test_a_limit_that_is_a_text_is_not_shown(tasks: TaskRepository) -> None:
    limit: Any = "s3cret"
    with pytest.raises(UsageError, match=r"^limit is a str, expected a whole number from 0"):
        tasks.list(limit=limit)
