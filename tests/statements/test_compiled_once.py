"""Each shape of a call is compiled once, whatever its values: counted in the engine's cache of compiled statements."""

import inspect
from collections.abc import Callable

import pytest
from pydantic import BaseModel
from sqlalchemy import Engine, Select
from sqlmodel import col, select

from backend import Database, Patch
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import (
    Project,
    ProjectCreate,
    ProjectRepository,
    Shelf,
    ShelfCreate,
    ShelfRepository,
    Ticket,
    TicketCreate,
    TicketRepository,
)

_CODE = col(Shelf.code)


class _Title(BaseModel):
    id: int
    title: str


Call = Callable[[TaskRepository, int, int], object]
CALLS: dict[str, Call] = {
    "create": lambda tasks, _key, n: tasks.create(TaskCreate(title=f"{n}", completed=n % 2 == 0)),
    "get": lambda tasks, key, _: tasks.get(key),
    "get_one": lambda tasks, key, _: tasks.get_one(key),
    "get_many": lambda tasks, key, n: tasks.get_many(range(key, key + n)),
    "require_many": lambda tasks, key, n: tasks.require_many([key] * n),
    "update": lambda tasks, key, n: tasks.update(key, TaskUpdate(title=f"{n}")),
    "update of a version": lambda tasks, key, n: tasks.update(
        key, TaskUpdate(title=f"{n}"), expected=tasks.get_one(key).updated_at
    ),
    "create_many": lambda tasks, _key, n: tasks.create_many([TaskCreate(title=f"{n}", completed=True)] * n),
    "create_many without rows": lambda tasks, _key, n: tasks.create_many([TaskCreate(title="x")] * n, returning=False),
    "update_many": lambda tasks, key, n: tasks.update_many({key: TaskUpdate(title=f"{n}")}),
    "update_many of different fields": lambda tasks, key, n: tasks.update_many(
        {key: TaskUpdate(title=f"{n}"), _another(tasks, n): TaskUpdate(completed=True)}
    ),
    "update_many of a version": lambda tasks, key, n: tasks.update_many(
        [Patch(key, TaskUpdate(title=f"{n}"), expected=tasks.get_one(key).updated_at)]
    ),
    "delete_many": lambda tasks, _key, n: tasks.delete_many([_another(tasks, n) for _ in range(n)]),
    "update_where": lambda tasks, _key, n: tasks.update_where(TaskUpdate(title=f"{n}"), col(Task.title) == f"{n}"),
    "update_where_returning": lambda tasks, _key, n: tasks.update_where_returning(
        TaskUpdate(title=f"{n}"), col(Task.title) == f"{n}"
    ),
    "delete_where": lambda tasks, _key, n: tasks.delete_where(col(Task.title) == f"{n} gone"),
    "delete_where_returning": lambda tasks, _key, n: tasks.delete_where_returning(col(Task.title) == f"{n} gone"),
    "upsert": lambda tasks, _key, n: _shelves(tasks, n).upsert(ShelfCreate(code=f"{n}", note="x"), on=_CODE),
    "upsert by a shared key": lambda tasks, _key, n: _shelves(tasks, 0).upsert(
        ShelfCreate(code=f"{n}", label=f"{n}"), on=col(Shelf.label)
    ),
    "get_or_create": lambda tasks, _key, n: _shelves(tasks, n).get_or_create(ShelfCreate(code=f"{n % 3}"), on=_CODE),
    "upsert_many": lambda tasks, _key, n: _shelves(tasks, n).upsert_many(
        [ShelfCreate(code=f"{code}", note=f"{n}") for code in range(n)], on=_CODE
    ),
    "upsert_many of different fields": lambda tasks, _key, n: _shelves(tasks, n).upsert_many(
        [ShelfCreate(code="x"), *(ShelfCreate(code=f"{code}", note=f"{n}") for code in range(n))], on=_CODE
    ),
    "with_before of update": lambda tasks, key, n: tasks.with_before().update(key, TaskUpdate(title=f"{n}")),
    "with_before of update_many": lambda tasks, key, n: tasks.with_before().update_many(
        {key: TaskUpdate(title=f"{n}")}
    ),
    "with_before of upsert": lambda tasks, _key, n: (
        _shelves(tasks, n).with_before().upsert(ShelfCreate(code=f"{n}", note="x"), on=_CODE)
    ),
    "with_before of upsert_many": lambda tasks, _key, n: (
        _shelves(tasks, n).with_before().upsert_many([ShelfCreate(code=f"{n}", note="x")] , on=_CODE)
    ),
    "toggle_complete": lambda tasks, key, _: tasks.toggle_complete(key),
    "list": lambda tasks, _key, n: tasks.list(col(Task.title) == f"{n}", order_by=col(Task.title), limit=n, offset=n),
    "list of several": lambda tasks, _key, n: tasks.list(col(Task.id).in_(range(n + 1))),
    "list of some": lambda tasks, _key, n: tasks.list(limit=n, offset=n),
    "page": lambda tasks, _key, n: tasks.page(page=n, size=n),
    "cursor_page": lambda tasks, _key, n: tasks.cursor_page(order_by=col(Task.title), size=n),
    "cursor_page at a cursor": lambda tasks, _key, n: _pages(tasks, n),
    "stream": lambda tasks, _key, n: _streamed(tasks, n),
    "first of all": lambda tasks, _key, _n: tasks.first(),
    "first": lambda tasks, _key, n: tasks.first(col(Task.title) == f"{n}"),
    "one": lambda tasks, key, _: tasks.one(col(Task.id) == key),
    "one_or_none": lambda tasks, _key, n: tasks.one_or_none(col(Task.title) == f"{n} gone", col(Task.completed)),
    "count": lambda tasks, _key, n: tasks.count(col(Task.title) == f"{n}"),
    "exists": lambda tasks, _key, n: tasks.exists(col(Task.title) == f"{n}"),
    "exists in a subquery": lambda tasks, _key, n: tasks.exists(col(Task.user_id).in_(_owners(f"{n}"))),
    "as_": lambda tasks, key, _: tasks.as_(_Title).get(key),
    "as_ with list": lambda tasks, _key, n: tasks.as_(_Title).list(col(Task.title) == f"{n}", limit=n),
    "as_ with page": lambda tasks, _key, n: tasks.as_(_Title).page(size=n),
    "loading": lambda tasks, _key, n: _tickets(tasks, n).loading(Ticket.project).list(col(Ticket.title) == f"{n}"),
    "loading of many": lambda tasks, _key, n: _projects(tasks, n).loading(Project.tickets).list(limit=n),
    "loading with get": lambda tasks, _key, n: _projects(tasks, n).loading(Project.tickets).first(),
    "delete": lambda tasks, _key, n: tasks.delete(_another(tasks, n)),
}  # fmt: skip
"""Every public call, by its name and what is particular to this shape of it."""

STATEMENTS = {
    "update of a version": 2,
    "update_many of different fields": 2,
    "update_many of a version": 2,
    "delete_many": 2,
    "cursor_page at a cursor": 4,
    "stream": 3,
    "loading": 5,
    "loading of many": 5,
    "loading with get": 5,
    "delete": 2,
}
"""Different statements of those that make several: what they create or read first, the batches of a stream after its
first, one for each step of `loading`."""

CALLS_OF_AN_OWNER = 3
"""Of the thousand, in turn: each shape is called for seventy of them."""


def _shelves(tasks: TaskRepository, owner: int) -> ShelfRepository:
    return ShelfRepository(tasks.session).owned_by(f"{owner}")


def _another(tasks: TaskRepository, n: int) -> int:
    return tasks.create(TaskCreate(title=f"{n}", completed=n % 2 == 0)).id


def _streamed(tasks: TaskRepository, n: int) -> int:
    tasks.create_many([TaskCreate(title=f"{n}", completed=True)] * (n + 1), returning=False)
    with tasks.stream(batch=n) as rows:
        return sum(1 for _ in rows)


def _pages(tasks: TaskRepository, n: int) -> None:
    tasks.create_many([TaskCreate(title=f"{n}", completed=True)] * (n + 1), returning=False)
    first = tasks.cursor_page(size=n)
    assert first.next is not None
    second = tasks.cursor_page(size=n, cursor=first.next)
    tasks.cursor_page(size=n, cursor=second.previous)


def _projects(tasks: TaskRepository, n: int) -> ProjectRepository:
    projects = ProjectRepository(tasks.session).owned_by(f"{n}")
    if not projects.exists():
        project = projects.create(ProjectCreate(name="home"))
        TicketRepository(tasks.session).owned_by(f"{n}").create(TicketCreate(project_id=project.id, title=f"{n}"))
    return projects


def _tickets(tasks: TaskRepository, n: int) -> TicketRepository:
    _projects(tasks, n)
    return TicketRepository(tasks.session).owned_by(f"{n}")


def _owners(name: str) -> Select[str]:
    return select(Project.owner_id).where(col(Project.name) == name)


@pytest.fixture
def cache() -> dict[object, object]:
    """What an engine with this cache has compiled."""
    return {}


@pytest.fixture
def database(clean: Engine, cache: dict[object, object]) -> Database:
    return Database(clean.execution_options(compiled_cache=cache))


@pytest.fixture(params=CALLS)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a call."""
    found: str = request.param
    if found.startswith("with_before"):
        request.getfixturevalue("needs_18")
    return found


def test_a_shape_is_compiled_once_for_every_value_and_owner(
    database: Database, cache: dict[object, object], name: str
) -> None:
    call = CALLS[name]
    with database.session() as session:
        ids = {
            owner: TaskRepository(session).owned_by(owner).create(TaskCreate(title="x", completed=False)).id
            for owner in ("a", "b")
        }
        call(TaskRepository(session).owned_by("a"), ids["a"], 1)
        compiled = len(cache)
        for owner, id in ids.items():
            for n in range(2, 5):
                call(TaskRepository(session).owned_by(owner), id, n)
    assert len(cache) == compiled


def test_a_shape_is_one_entry_of_the_cache(
    database: Database, clean: Engine, cache: dict[object, object], name: str
) -> None:
    with Database(clean).session() as session:
        key = TaskRepository(session).owned_by("a").create(TaskCreate(title="x")).id
    with database.session() as session:
        for n in (3, 4):
            CALLS[name](TaskRepository(session).owned_by("a"), key, n)
    assert len(cache) == STATEMENTS.get(name, 1)


def test_every_public_call_is_counted() -> None:
    public = {name for name, _ in inspect.getmembers(TaskRepository, inspect.isfunction) if not name.startswith("_")}
    assert {name.split()[0] for name in CALLS} == public - {"owned_by", "every_owner", "id_of"}


@pytest.mark.usefixtures("needs_18")
def test_a_thousand_owners_share_what_is_compiled(database: Database, cache: dict[object, object]) -> None:
    calls = list(CALLS.values())
    compiled = 0
    with database.transaction() as session:
        for n in range(1000):
            tasks = TaskRepository(session).owned_by(f"{n}")
            key = tasks.create(TaskCreate(title="x", completed=False)).id
            for at in range(CALLS_OF_AN_OWNER) if n else range(len(calls)):
                calls[(n * CALLS_OF_AN_OWNER + at) % len(calls)](tasks, key, n % 4 + 1)
            compiled = compiled or len(cache)
    assert len(cache) == compiled


def test_the_cache_counts_what_is_compiled(database: Database, cache: dict[object, object]) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        sizes = [len(cache)]
        for where in ((), (col(Task.completed),), (col(Task.completed), col(Task.title) == "x")):
            tasks.count(*where)
            sizes.append(len(cache))
    assert sizes == [0, 1, 2, 3]


def test_a_change_does_not_freeze_its_parameters(database: Database, cache: dict[object, object]) -> None:
    with database.session() as session:
        project = ProjectRepository(session).owned_by("a").create(ProjectCreate(name="home"))
        tickets = TicketRepository(session).owned_by("a")
        ids = [tickets.create(TicketCreate(project_id=project.id, title=title)).id for title in ("one", "two")]
        before = len(cache)
        claimed = [tickets.claim(id, claimant).assignee for id, claimant in zip(ids, ("ada", "grace"), strict=True)]
        assert claimed == ["ada", "grace"]
        assert len(cache) == before + 1
