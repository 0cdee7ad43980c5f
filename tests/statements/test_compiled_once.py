"""Each shape of a call is compiled once, whatever its values: counted in the engine's cache of compiled statements."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, Select
from sqlmodel import col, select

from backend import Database
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import (
    Project,
    ProjectCreate,
    ProjectRepository,
    Shelf,
    ShelfCreate,
    ShelfRepository,
    TicketCreate,
    TicketRepository,
)

_CODE = col(Shelf.code)

Call = Callable[[TaskRepository, int, int], object]
CALLS: dict[str, Call] = {
    "create": lambda tasks, _key, n: tasks.create(TaskCreate(title=f"{n}", completed=n % 2 == 0)),
    "get": lambda tasks, key, _: tasks.get(key),
    "get_one": lambda tasks, key, _: tasks.get_one(key),
    "update": lambda tasks, key, n: tasks.update(key, TaskUpdate(title=f"{n}")),
    "update of a version": lambda tasks, key, n: tasks.update(
        key, TaskUpdate(title=f"{n}"), expected=tasks.get_one(key).updated_at
    ),
    "create_many": lambda tasks, _key, n: tasks.create_many([TaskCreate(title=f"{n}", completed=True)] * n),
    "update_many": lambda tasks, key, n: tasks.update_many({key: TaskUpdate(title=f"{n}")}),
    "delete_many": lambda tasks, _key, n: tasks.delete_many(
        [row.id for row in tasks.create_many([TaskCreate(title=f"{n}", completed=True)] * n)]
    ),
    "update_where": lambda tasks, _key, n: tasks.update_where(TaskUpdate(title=f"{n}"), col(Task.title) == f"{n}"),
    "delete_where": lambda tasks, _key, n: tasks.delete_where(col(Task.title) == f"{n}"),
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
    "toggle": lambda tasks, key, _: tasks.toggle_complete(key),
    "list": lambda tasks, _key, n: tasks.list(col(Task.title) == f"{n}", order_by=col(Task.title), limit=n, offset=n),
    "list of several": lambda tasks, _key, n: tasks.list(col(Task.id).in_(range(n + 1))),
    "list of some": lambda tasks, _key, n: tasks.list(limit=n, offset=n),
    "page": lambda tasks, _key, n: tasks.page(page=n, size=n),
    "first of all": lambda tasks, _key, _n: tasks.first(),
    "first": lambda tasks, _key, n: tasks.first(col(Task.title) == f"{n}"),
    "one_or_none": lambda tasks, _key, n: tasks.one_or_none(col(Task.title) == f"{n}", col(Task.completed)),
    "count": lambda tasks, _key, n: tasks.count(col(Task.title) == f"{n}"),
    "exists": lambda tasks, _key, n: tasks.exists(col(Task.title) == f"{n}"),
    "exists in a subquery": lambda tasks, _key, n: tasks.exists(col(Task.user_id).in_(_owners(f"{n}"))),
    "delete": lambda tasks, _key, n: tasks.delete(tasks.create(TaskCreate(title=f"{n}", completed=n % 2 == 0)).id),
}  # fmt: skip


def _shelves(tasks: TaskRepository, owner: int) -> ShelfRepository:
    return ShelfRepository(tasks.session).owned_by(f"{owner}")


def _owners(name: str) -> Select[str]:
    return select(Project.owner_id).where(col(Project.name) == name)


@pytest.fixture
def cache() -> dict[object, object]:
    """What an engine with this cache has compiled."""
    return {}


@pytest.fixture
def database(clean: Engine, cache: dict[object, object]) -> Database:
    return Database(clean.execution_options(compiled_cache=cache))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_shape_is_compiled_once_for_every_value_and_owner(
    database: Database, cache: dict[object, object], call: Call
) -> None:
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


def test_a_thousand_owners_share_what_is_compiled(database: Database, cache: dict[object, object]) -> None:
    with database.session() as session:
        for n in range(1000):
            tasks = TaskRepository(session).owned_by(f"{n}")
            assert tasks.get(n) is tasks.first() is None
            assert tasks.list(limit=n) == tasks.list(limit=n, offset=1 + n) == []
    assert len(cache) == 3  # `first` is a list with a limit


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
