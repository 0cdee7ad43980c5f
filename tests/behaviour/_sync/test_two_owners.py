# Generated from tests/behaviour/_async/test_two_owners.py by `python -m tools.generate_sync`: edit that one.
"""On a real PostgreSQL: two owners have rows, and nothing that one of them writes shows or touches the other's."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Row, exists, literal, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from backend import Change, typed
from backend.database.operations import OperationKind
from backend.entity.parameters import ID_PARAMETER, OWNER_PARAMETER
from backend.errors import MultipleFoundError, NotFoundError, OwnerRequiredError, UsageError
from backend.repository.execution import run
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import (
    Project,
    ProjectCreate,
    ProjectRepository,
    Ticket,
    TicketCreate,
    TicketRepository,
)
from tests.support.wire import WireProxy

select: Any = sqlalchemy.select
func: Any = sqlalchemy.func
bindparam: Any = sqlalchemy.bindparam
_ASSIGN = Change(typed(Ticket.assignee).to(bindparam("who")))


class Tickets(TicketRepository):
    """What a careless subclass may write."""

    def titles(self) -> list[str]:
        rows = self._all(self._select(col(Ticket.title)))
        return [row[0] for row in rows]

    def titles_with(self, statement: Callable[[Any], Any], parameters: dict[str, object]) -> list[Any]:
        rows = self._all(statement(self._select(col(Ticket.title))), parameters)
        return [tuple(row) for row in rows]

    def found(self, title: str) -> Row[str] | None:
        return self._one_or_none(self._select(col(Ticket.title)).where(col(Ticket.title) == title))

    def sent_unseen(self, statement: Any) -> None:
        self._call(run, statement, {}, OperationKind("select"))

    def number(self, *where: Any) -> int | None:
        return self._scalar(self._select(col(Ticket.id)).where(*where))

    def assign(self, id: int, parameters: dict[str, object]) -> Ticket:
        return self._change(id, _ASSIGN, parameters)

    def change(self, id: int, change: Change) -> Ticket:
        return self._change(id, change)


@pytest.fixture
def theirs(session: Session) -> Any:
    """A ticket of owner "b" in a project "secret", beside one of "a" in a project "home" and a task of each."""
    ticket: Any = None
    for owner, name in (("a", "home"), ("b", "secret")):
        project = ProjectRepository(session).owned_by(owner).create(ProjectCreate(name=name))
        TaskRepository(session).owned_by(owner).create(TaskCreate(title=f"task of {owner}"))
        tickets = TicketRepository(session).owned_by(owner)
        ticket = tickets.create(TicketCreate(project_id=project.id, title=f"ticket of {owner}"))
    return ticket


def _instead(statement: Any, _start: Any) -> Any:
    return statement


@pytest.fixture
def mine(session: Session, theirs: Ticket) -> Tickets:
    """The tickets of owner "a", beside those of "b"."""
    return Tickets(session).owned_by("a")


CONDITIONS: list[tuple[str, Any, bool]] = [
    ("true", literal(True), True),
    ("or", or_(col(Ticket.owner_id) == "b", col(Ticket.id) > 0), True),
    ("their owner", col(Ticket.owner_id) == "b", False),
    ("their title", col(Ticket.title) == "ticket of b", False),
    ("a project of theirs exists", exists(select(Project.id).where(col(Project.name) == "secret")), False),
    ("a project of mine exists", exists(select(Project.id).where(col(Project.name) == "home")), True),
    ("a task of theirs exists", exists(select(Task.id).where(col(Task.title) == "task of b")), False),
    ("there is one project", select(func.count(col(Project.id))).scalar_subquery() == 1, True),
    ("there are two projects", select(func.count(col(Project.id))).scalar_subquery() == 2, False),
    ("there is one ticket", select(func.count(aliased(Ticket).id)).scalar_subquery() == 1, True),
    ("its project is mine", exists(select(Project.id).where(col(Project.id) == col(Ticket.project_id))), True),
    ("its project", col(Ticket.project_id).in_(select(Project.id)), True),
]


@pytest.mark.parametrize(("where", "holds"), [pytest.param(*rest, id=name) for name, *rest in CONDITIONS])
def test_a_condition_sees_the_owners_own_rows_alone(mine: Tickets, where: Any, holds: bool) -> None:
    assert [row.title for row in mine.list(where)] == ["ticket of a"] * holds
    assert mine.count(where) == int(holds)
    assert mine.exists(where) is holds
    found = mine.first(where)
    assert (found is not None) is holds
    assert (mine.one_or_none(where) is not None) is holds


def test_a_subclasss_statement_sees_the_owners_own_rows_alone(mine: Tickets, theirs: Ticket) -> None:
    assert mine.titles() == ["ticket of a"]
    assert mine.found("ticket of b") is None
    assert mine.found("ticket of a") is not None
    assert [tuple(row) for row in mine.open_count_by_day()] == [(theirs.opened_on, 1)]
    assert mine.open_count() == 1
    assert mine.with_project(theirs.id) is None
    own = (mine.list())[0]
    assert tuple(mine.with_project(own.id) or ()) == ("ticket of a", "home")
    same = col(Project.owner_id) == col(Ticket.owner_id)
    assert mine.titles_with(lambda start: start.add_columns(col(Project.name)).where(same), {}) == [
        ("ticket of a", "home")
    ]
    assert mine.titles_with(lambda start: start.outerjoin(Project, same), {}) == [("ticket of a",)]
    counted = func.count(col(Project.id))
    assert mine.titles_with(lambda start: start.with_only_columns(counted).where(same), {}) == [(1,)]


def test_a_scalar_of_several_rows_raises_instead_of_taking_the_first(mine: Tickets) -> None:
    own = (mine.list())[0]
    assert mine.number() == own.id
    assert mine.number(col(Ticket.title) == "ticket of b") is None
    mine.create(TicketCreate(project_id=own.project_id, title="another"))
    with pytest.raises(MultipleFoundError, match="more than one Ticket meets the conditions") as raised:
        mine.number()
    assert raised.value.details.operation == "select"


def test_a_change_returns_an_entity(mine: Tickets) -> None:
    own = (mine.list())[0]
    changed = mine.assign(own.id, {"who": "x"})
    assert changed == mine.get(own.id)
    assert type(changed) is Ticket


def test_update_with_expected_writes(session: Session) -> None:
    tasks = TaskRepository(session).owned_by("a")
    task = tasks.create(TaskCreate(title="x"))
    assert (tasks.update(task.id, TaskUpdate(title="y"), expected=task.updated_at)).title == "y"


def test_no_parameter_replaces_the_owner(mine: Tickets, session: Session, theirs: Ticket) -> None:
    assert mine.titles_with(lambda start: start, {OWNER_PARAMETER: "b"}) == [("ticket of a",)]
    own = (mine.list())[0]
    for name in (OWNER_PARAMETER, "owner_id", ID_PARAMETER, "id", "title"):
        with pytest.raises(UsageError, match="unexpected parameters for this Change of Ticket, it takes: who"):
            mine.assign(own.id, {"who": "x", name: "b"})
    with pytest.raises(NotFoundError):
        mine.assign(theirs.id, {"who": "x"})
    assert (mine.assign(own.id, {"who": "x"})).assignee == "x"
    assert TicketRepository(session).owned_by("b").get(theirs.id) == theirs


def test_a_changes_subquery_sees_the_owners_own_rows_alone(mine: Tickets) -> None:
    own = (mine.list())[0]
    names = select(func.string_agg(Project.name, ",")).scalar_subquery()
    assert (mine.change(own.id, Change(typed(Ticket.assignee).to(names)))).assignee == "home"
    with pytest.raises(NotFoundError):
        mine.change(own.id, Change(typed(Ticket.assignee).to("x"), where=names == "secret"))


def test_a_statement_that_the_scope_did_not_check_is_not_sent(mine: Tickets, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        for unseen in (select(Ticket.title), select(Ticket.title).where(col(Ticket.owner_id) == "b")):
            with pytest.raises(OwnerRequiredError):
                mine.sent_unseen(unseen)
            with pytest.raises(OwnerRequiredError, match="make it with _select"):
                mine.titles_with(partial(_instead, unseen), {})
    assert seen.round_trips == 0


def test_every_owner_reads_every_row(session: Session, theirs: Ticket) -> None:
    everybody = Tickets(session).every_owner()
    assert sorted(everybody.titles()) == ["ticket of a", "ticket of b"]
    assert everybody.count(select(func.count(col(Project.id))).scalar_subquery() == 2) == 2


# No oracle: a foreign id and an unused one cannot be told apart


def calls_with_an_id(repository: type[Any]) -> list[str]:
    """Every call, public or protected, that is about one row."""
    methods = inspect.getmembers(repository, inspect.isfunction)
    return [name for name, method in methods if "id" in inspect.signature(method).parameters]


_ASSIGN_X = Change(typed(Ticket.assignee).to("x"))
_ASSIGN_NONE_MEETS = Change(typed(Ticket.assignee).to("x"), where=col(Ticket.title) == "ticket of b")
_DESCRIBE = Change(typed(Task.description).to("x"))
ARGUMENTS: dict[str, Callable[[Tickets | TaskRepository, Any], list[tuple[Any, ...]]]] = {
    "get": lambda _repository, _version: [()],
    "get_one": lambda _repository, _version: [()],
    "update": lambda repository, _version: [(update(repository),) for update in (_filled, _empty)],
    "delete": lambda _repository, _version: [()],
    "toggle_complete": lambda _repository, _version: [()],
    "with_project": lambda _repository, _version: [()],
    "claim": lambda _repository, _version: [("x",)],
    "assign": lambda _repository, _version: [({"who": "x"},)],
    "change": lambda _repository, _version: [(_ASSIGN_X,), (_ASSIGN_NONE_MEETS,)],
    "_change": lambda repository, _version: [(_ASSIGN_X if isinstance(repository, Tickets) else _DESCRIBE,)],
}
"""For each call with an id, the arguments after it to try."""
VERSIONED = ("update", "delete")


def _filled(repository: Any) -> Any:
    return repository._bound.metadata.entity.update(title="x")


def _empty(repository: Any) -> Any:
    return repository._bound.metadata.entity.update()


def _observed(call: Callable[[], Any], id: int, proxy: WireProxy) -> tuple[object, ...]:
    """Everything that a caller can see of a call: answer or error, its text and attributes, and what was sent."""
    seen_error: tuple[object, ...] = ()
    answer: object = None
    with proxy.watch() as seen:
        try:
            answer = call()
        except Exception as error:
            text = (str(error), repr(error))
            attributes = {name: value for name, value in vars(error).items() if name != "driver_error"}
            told = [(name, getattr(error, name, None)) for name in ("retryable", "outcome", "problems", "details")]
            shown = repr((type(error), text, attributes, told, error.__cause__, error.__context__))
            seen_error = (shown.replace(str(id), "ID"),)
    assert not answer
    return (*seen_error, answer, [one.sql for one in seen.statements], seen.round_trips)


@pytest.mark.parametrize("name", sorted({*calls_with_an_id(Tickets), *calls_with_an_id(TaskRepository)}))
def test_a_foreign_id_cannot_be_told_from_an_unused_one(
    session: Session, mine: Tickets, theirs: Ticket, name: str, proxy: WireProxy
) -> None:
    assert name in ARGUMENTS, f"say in ARGUMENTS what {name}() takes"
    task = (TaskRepository(session).owned_by("b").list())[0]
    repositories: list[tuple[Any, Any]] = [
        (mine, theirs),
        (TaskRepository(session).owned_by("a"), task),
    ]
    for repository, row in repositories:
        if not hasattr(repository, name):
            continue
        version = getattr(row, "updated_at", None)
        expectations: list[dict[str, Any]] = [{}]
        if name in VERSIONED and version is not None:
            expectations.append({"expected": version})
        for arguments in ARGUMENTS[name](repository, version):
            for named in expectations:
                call = partial(getattr(repository, name), **named)
                foreign, unused = [
                    _observed(partial(call, id, *arguments), id, proxy) for id in (row.id, row.id + 1_000_000)
                ]
                assert foreign == unused
    assert TicketRepository(session).owned_by("b").get(theirs.id) == theirs
    assert TaskRepository(session).owned_by("b").get(task.id) == task
