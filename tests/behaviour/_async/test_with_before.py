"""`with_before()`: each changed row comes with what it was before, from the statement that changed it."""

import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, AsyncWithBefore, Patch, Updated
from backend.errors import InvalidDataError, NotFoundError, OwnerRequiredError, StaleError, UsageError
from tests.behaviour._async.cases import Case, Rows, each_versioned
from tests.support.models.suite import (
    AsyncProjectRepository,
    AsyncShelfRepository,
    Project,
    Shelf,
    ShelfCreate,
    ShelfUpdate,
)
from tests.support.wire import WireProxy

CODE = col(Shelf.code)
Changing = AsyncWithBefore[Shelf, ShelfCreate, ShelfUpdate, int]


@pytest.fixture
async def shelf(session: AsyncSession) -> Shelf:
    """One of owner a; owner b has one with the same code."""
    await AsyncShelfRepository(session).owned_by("b").create(ShelfCreate(code="old", note="theirs"))
    return await AsyncShelfRepository(session).owned_by("a").create(ShelfCreate(code="old", label="mine", note="first"))


@pytest.fixture
def changing(session: AsyncSession) -> Changing:
    return AsyncShelfRepository(session).owned_by("a").with_before()


@pytest.mark.usefixtures("needs_18")
async def test_update_with_before_of_every_entity(rows: Rows, case: Case) -> None:
    created = await rows.repository.create(rows.new("a"))
    id = rows.repository.id_of(created)
    changed = await rows.repository.with_before().update(id, case.change("b"))
    assert (changed.before, changed.row) == (created, await rows.repository.get_one(id))
    (again,) = await rows.repository.with_before().update_many({id: case.change("c")})
    assert (again.before, again.row) == (changed.row, await rows.repository.get_one(id))


@each_versioned
@pytest.mark.usefixtures("needs_18")
async def test_update_with_before_of_a_stale_row_writes_nothing(rows: Rows, case: Case) -> None:
    created = await rows.repository.create(rows.new("a"))
    id, stale = rows.repository.id_of(created), case.version_of(created)
    changing = rows.repository.with_before()
    changed = await changing.update(id, case.change("b"), expected=stale)
    assert (changed.before, case.text_of(changed.row)) == (created, "b")
    for call in (
        lambda: changing.update(id, case.change("c"), expected=stale),
        lambda: changing.update_many([Patch(id, case.change("c"), stale)]),
    ):
        with pytest.raises(StaleError):
            await call()
    assert await rows.repository.get_one(id) == changed.row


@pytest.mark.usefixtures("needs_18")
async def test_update_of_nothing_with_before_is_the_row_twice(changing: Changing, shelf: Shelf) -> None:
    assert await changing.update(shelf.id, ShelfUpdate()) == Updated(shelf, shelf)
    assert await changing.update_many([(shelf.id, ShelfUpdate())]) == [Updated(shelf, shelf)]


@pytest.mark.usefixtures("needs_18")
async def test_upsert_with_before_has_none_for_a_new_row(changing: Changing, shelf: Shelf) -> None:
    new = await changing.upsert(ShelfCreate(code="new"), on=CODE)
    assert (new.outcome, new.before) == ("inserted", None)
    changed = await changing.upsert(ShelfCreate(code="old", note="second"), on=CODE)
    assert (changed.outcome, changed.before, changed.row.note) == ("updated", shelf, "second")
    same = await changing.upsert(ShelfCreate(code="old"), on=CODE)
    assert (same.outcome, same.before, same.row) == ("unchanged", changed.row, changed.row)
    data = [ShelfCreate(code="newer"), ShelfCreate(code="old", note="third"), ShelfCreate(code="new")]
    newer, old, unchanged = await changing.upsert_many(data, on=CODE)
    assert (newer.outcome, newer.before) == ("inserted", None)
    assert (old.outcome, old.before, old.row.note) == ("updated", changed.row, "third")
    assert (unchanged.outcome, unchanged.before, unchanged.row) == ("unchanged", new.row, new.row)


@pytest.mark.usefixtures("needs_18")
async def test_upsert_with_before_by_a_shared_key(changing: Changing, shelf: Shelf) -> None:
    data = [ShelfCreate(code="x", label="free"), ShelfCreate(code="y", label="mine", note="second")]
    new, changed = await changing.upsert_many(data, on=col(Shelf.label))
    assert (new.outcome, new.before, changed.outcome, changed.before) == ("inserted", None, "updated", shelf)
    nulls = await changing.upsert_many([ShelfCreate(code=one) for one in "pq"], on=col(Shelf.label))
    assert [(one.outcome, one.before, one.row.code) for one in nulls] == [
        ("inserted", None, "p"),
        ("inserted", None, "q"),
    ]


@pytest.mark.usefixtures("needs_18")
async def test_the_rows_before_and_after_are_entities_of_their_own(changing: Changing, shelf: Shelf) -> None:
    changed = await changing.update(shelf.id, ShelfUpdate(note="second"))
    for row in (changed.row, changed.before):
        assert inspect(row).detached
    changed.row.note = "by the caller"
    assert changed.before.note == "first"
    assert pickle.loads(pickle.dumps(changed)) == changed  # noqa: S301 - made here


CALLS: dict[str, Callable[[Changing, int], Awaitable[object]]] = {
    "update": lambda changing, shelf_id: changing.update(shelf_id, ShelfUpdate(note="x")),
    "update expected": lambda changing, shelf_id: changing.update(shelf_id, ShelfUpdate(note="x"), expected=1),
    "update of nothing": lambda changing, shelf_id: changing.update(shelf_id, ShelfUpdate()),
    "update_many": lambda changing, shelf_id: changing.update_many({shelf_id: ShelfUpdate(note="x")}),
    "upsert": lambda changing, _: changing.upsert(ShelfCreate(code="old", note="x"), on=CODE),
    "upsert of nothing": lambda changing, _: changing.upsert(ShelfCreate(code="old"), on=CODE),
    "upsert_many": lambda changing, _: changing.upsert_many([ShelfCreate(code="old", note="x")], on=CODE),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@each_call
@pytest.mark.usefixtures("needs_18", "awake")
async def test_a_call_with_before_is_one_round_trip(
    changing: Changing, shelf: Shelf, proxy: WireProxy, call: Callable[[Changing, int], Awaitable[object]]
) -> None:
    with proxy.watch() as seen:
        await call(changing, shelf.id)
    assert (seen.round_trips, len(seen.statements)) == (1, 1)


@each_call
@pytest.mark.usefixtures("awake")
async def test_a_call_with_before_is_refused_before_18(
    database: AsyncDatabase,
    shelf: Shelf,
    proxy: WireProxy,
    call: Callable[[Changing, int], Awaitable[object]],
    request: pytest.FixtureRequest,
) -> None:
    database.engine.dialect.server_version_info = (17, 4)
    name = request.node.callspec.id.partition(" ")[0]
    async with database.session() as session:
        changing = AsyncShelfRepository(session).owned_by("a").with_before()
        with proxy.watch() as seen, pytest.raises(UsageError) as raised:
            await call(changing, shelf.id)
    assert str(raised.value) == (
        f"{name} of Shelf with the row before needs PostgreSQL 18, and this server is PostgreSQL 17.4: read the row "
        f"with a lock in a transaction, then call {name}()"
    )
    assert seen.statements == []


@pytest.mark.usefixtures("needs_18")
async def test_a_call_with_before_fails_as_the_call_without(changing: Changing, session: AsyncSession) -> None:
    shelves = AsyncShelfRepository(session).owned_by("a")
    failing: list[Callable[[Any], Awaitable[object]]] = [
        lambda of: of.update(-1, ShelfUpdate(note="x")),
        lambda of: of.update_many([(1, ShelfUpdate(note="x")), (-1, ShelfUpdate())]),
        lambda of: of.update_many([(1, ShelfUpdate(note="x")), (1, ShelfUpdate())]),
        lambda of: of.upsert_many([ShelfCreate(code="x"), ShelfCreate(code="x")], on=CODE),
    ]
    for call in failing:
        with pytest.raises((NotFoundError, InvalidDataError)) as expected:
            await call(shelves)
        with pytest.raises(type(expected.value)) as raised:
            await call(changing)
        assert str(raised.value) == str(expected.value)


async def test_with_before_needs_a_scope_and_loads_nothing(session: AsyncSession) -> None:
    with pytest.raises(OwnerRequiredError):
        AsyncShelfRepository(session).with_before()
    with pytest.raises(UsageError, match="loads relationships, so it only reads"):
        AsyncProjectRepository(session).owned_by("a").loading(Project.tickets).with_before()


def test_the_repr_of_the_calls_with_before_says_what_they_return(changing: Changing) -> None:
    assert repr(changing) == f"<{type(changing).__name__} of Shelf with the row before, one owner>"
