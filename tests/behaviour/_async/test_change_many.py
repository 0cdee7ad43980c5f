"""`update_many` and `delete_many`: one statement, rows in the order of the ids, all or nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Patch
from backend.errors import InvalidDataError, NotFoundError, OwnerRequiredError, StaleError, UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.behaviour._async.cases import BULK_KINDS, Case, Rows, each_versioned
from tests.support.bulk_rows import CHANGES, KEYS
from tests.support.models.bulk import (
    METADATA,
    AsyncCountedRepository,
    AsyncSeatRepository,
    CountedCreate,
    CountedUpdate,
    SeatCreate,
    SeatId,
    SeatUpdate,
)
from tests.support.wire import WireProxy

MANY = 10_001


@pytest.fixture
async def tasks(session: AsyncSession) -> AsyncTaskRepository:
    return AsyncTaskRepository(session).owned_by("a")


async def titled(tasks: AsyncTaskRepository, *titles: str) -> list[Task]:
    return [*await tasks.create_many([TaskCreate(title=title) for title in titles])]


async def create_keyed(kind: str, repository: Any) -> list[Any]:
    """Six rows, with the keys of the kind."""
    schema = BULK_KINDS[kind][1]
    keys = [{"id": key} if kind == "chosen key" else {} for key in KEYS]
    return [*await repository.create_many([schema(name="x", **key) for key in keys])]


@pytest.mark.parametrize("kind", BULK_KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=CHANGES,
    order=st.permutations(range(6)),
    stale=st.sets(st.integers(0, 5)),
    foreign=st.sets(st.integers(0, 5)),
    expecting=st.sets(st.integers(0, 5)),
    goes_wrong=st.booleans(),
    with_before=st.booleans(),
)
async def test_changed_rows_are_those_of_a_model_in_the_order_of_the_patches(  # noqa: PLR0917 - what Hypothesis draws
    database: AsyncDatabase,
    bulk_tables: Engine,
    kind: str,
    changes: list[dict[str, Any]],
    order: list[int],
    stale: set[int],
    foreign: set[int],
    expecting: set[int],
    *,
    goes_wrong: bool,
    with_before: bool,
) -> None:
    with_before = with_before and (database.engine.dialect.server_version_info or ()) >= (18,)
    stale, foreign = (stale, foreign) if goes_wrong else (set(), set())
    async with database.session() as session:
        mine, theirs = (BULK_KINDS[kind][0](session).owned_by(owner) for owner in "ab")
        rows = [row for row, _ in zip(await create_keyed(kind, mine), changes, strict=False)]
        rows = [rows[at] for at in order if at < len(rows)]
        if kind == "chosen key":
            ids = [f"none {at}" if at in foreign else row.id for at, row in enumerate(rows)]
        else:
            others = await theirs.create_many([CountedCreate(name="y") for _ in rows])
            ids = [(others if at in foreign else rows)[at].id for at in range(len(rows))]
        versions = [row.revision - (at in stale) if at in expecting else None for at, row in enumerate(rows)]
        patches = [Patch(*one) for one in zip(ids, map(_update, changes), versions, strict=True)]
        before = await mine.list()
        missing = [at for at, row in enumerate(rows) if ids[at] != row.id]
        old = [at for at in range(len(rows)) if at in stale & expecting]
        if missing or old:
            with pytest.raises(NotFoundError if missing else StaleError) as raised:
                await (mine.with_before() if with_before else mine).update_many(patches)
            assert getattr(raised.value, "positions", ()) == tuple(missing or old)
            assert await mine.list() == before
        else:
            if with_before:
                both = await mine.with_before().update_many(patches)
                assert [one.before for one in both] == rows
                changed = [one.row for one in both]
            else:
                changed = await mine.update_many(patches)
            assert [row.model_dump() for row in changed] == [
                {**row.model_dump(), **values, "revision": row.revision + bool(values)}
                for row, values in zip(rows, changes, strict=True)
            ]
            assert await mine.require_many(ids) == changed
            assert await mine.delete_many(reversed(ids)) == [*reversed(changed)]
            assert await mine.count() == len(before) - len(ids)
    with bulk_tables.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(delete(table))


def _update(values: dict[str, Any]) -> CountedUpdate:
    return CountedUpdate(**values)


async def test_change_many_of_every_entity(rows: Rows, case: Case) -> None:
    of = rows.repository
    created = await of.create_many([rows.new(text) for text in "bac"])
    ids = [*map(of.id_of, created)]
    changed = await of.update_many({ids[2]: case.change("d"), ids[0]: case.change("e")})
    assert [case.text_of(row) for row in changed] == ["d", "e"]
    patches = [(id, case.change(text)) for id, text in zip(ids, "xyz", strict=True)]
    assert [case.text_of(row) for row in await of.update_many(patches)] == ["x", "y", "z"]
    deleted = await of.delete_many([ids[1], ids[0]])
    assert [case.text_of(row) for row in deleted] == ["y", "x"]
    assert [case.text_of(row) for row in await of.list()] == ["z"]


@each_versioned
async def test_stale_row_of_every_versioned_entity(rows: Rows, case: Case) -> None:
    of = rows.repository
    first, second = await of.create_many([rows.new(text) for text in "ab"])
    await of.update(of.id_of(second), case.change("c"))
    patches = [Patch(of.id_of(row), case.change("d"), case.version_of(row)) for row in (first, second)]
    with pytest.raises(StaleError) as raised:
        await of.update_many(patches)
    name = type(first).__name__
    assert str(raised.value) == f"the {name} at position 1 has changed since it was read: read it again, then decide"
    assert (raised.value.positions, raised.value.operation) == ((1,), "update_many")
    assert [case.text_of(row) for row in await of.require_many(map(of.id_of, (first, second)))] == ["a", "c"]


@pytest.mark.usefixtures("awake")
async def test_change_many_of_nothing_sends_nothing(rows: Rows, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        assert await rows.repository.update_many([]) == []
        assert await rows.repository.update_many({}) == []
        assert await rows.repository.delete_many(iter(())) == []
    assert (seen.round_trips, seen.connects) == (0, 0)


@pytest.mark.usefixtures("awake")
async def test_change_many_is_one_round_trip_up_to_ten_thousand_rows(session: AsyncSession, proxy: WireProxy) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    created = await tasks.create_many(TaskCreate(title="x") for _ in range(MANY))
    patches = [(row.id, TaskUpdate(title=str(at))) for at, row in enumerate(reversed(created))]
    counted: list[int] = []
    changed: Sequence[Task] = []
    for count, trips in ((MANY - 1, 1), (MANY, 4)):
        with proxy.watch() as seen:
            changed = await tasks.update_many(patches[:count], progress=counted.append)
        assert (seen.round_trips, len(seen.statements)) == (trips, trips)
        assert [row.title for row in changed] == [*map(str, range(count))]
    with proxy.watch() as seen:
        deleted = await tasks.delete_many([id for id, _ in patches], progress=counted.append)
    assert (seen.round_trips, len(seen.statements)) == (4, 4)
    assert deleted == changed
    assert counted == [MANY - 1, MANY - 1, MANY, MANY - 1, MANY]


async def test_missing_row_of_a_later_statement_undoes_the_earlier(tasks: AsyncTaskRepository) -> None:
    created = await tasks.create_many(TaskCreate(title="x") for _ in range(MANY))
    ids = [*(row.id for row in created), -1]
    with pytest.raises(NotFoundError, match=r"^no Task with id -1$") as raised:
        await tasks.update_many((id, TaskUpdate(title="y")) for id in ids)
    assert raised.value.positions == (MANY,)
    with pytest.raises(NotFoundError):
        await tasks.delete_many(ids)
    assert await tasks.list() == created


async def test_what_is_refused_in_a_later_statement_has_its_position(tasks: AsyncTaskRepository) -> None:
    created = await tasks.create_many(TaskCreate(title="x") for _ in range(MANY))
    ids = [*(row.id for row in created), created[3].id]
    message = rf"^positions 3 and {MANY} name the same Task: give each row once$"
    with pytest.raises(InvalidDataError, match=message) as raised:
        await tasks.update_many((id, TaskUpdate(title="y")) for id in ids)
    assert [(problem.location, problem.type) for problem in raised.value.problems] == [((MANY,), "repeated_key")]
    with pytest.raises(InvalidDataError, match=message):
        await tasks.delete_many(ids)
    wrong: list[Any] = [*ids[:-1], "x"]
    with pytest.raises(UsageError, match=rf"^an id of Task is an int, got a str at position {MANY}: pass an int$"):
        await tasks.delete_many(wrong)
    patches = [(row.id, TaskUpdate(title="y")) for row in created]
    with pytest.raises(UsageError, match=rf"got a TaskUpdate at position {MANY}: pass"):
        await tasks.update_many([*patches, TaskUpdate()])  # type: ignore[list-item]
    with pytest.raises(InvalidDataError) as raised:
        await tasks.update_many([*patches[:-1], (1, TaskUpdate.model_construct({"title"}, title=""))])
    assert [problem.location for problem in raised.value.problems] == [(MANY - 1, "title")]
    assert await tasks.list() == created


@pytest.mark.usefixtures("awake")
async def test_what_is_wrong_with_patches_is_said_before_sql(tasks: AsyncTaskRepository, proxy: WireProxy) -> None:
    bad: list[Any] = [(1, TaskUpdate.model_construct({"title"}, title="")), (2, TaskUpdate(title="x")), (2, 7)]
    with proxy.watch() as seen:
        with pytest.raises(InvalidDataError) as invalid:
            await tasks.update_many(bad[:2] + bad[:1])
        assert [problem.location for problem in invalid.value.problems] == [(0, "title"), (2, "title")]
        assert invalid.value.operation == "update_many"
        with pytest.raises(InvalidDataError, match="positions 1 and 2 name the same Task"):
            await tasks.update_many([(1, TaskUpdate()), *bad[1:2], *bad[1:2]])
        with pytest.raises(InvalidDataError, match="positions 0 and 2 name the same Task"):
            await tasks.delete_many([1, 2, 1])
    assert seen.round_trips == 0


@pytest.mark.parametrize(
    ("patches", "message"),
    [
        ("text", "update_many of Task takes several, got a str: pass a list of them"),
        (
            [TaskUpdate(title="x")],
            "a patch of Task is an id with a TaskUpdate, got a TaskUpdate at position 0: "
            "pass (id, TaskUpdate(…)), or Patch(id, TaskUpdate(…), expected=…)",
        ),
        (
            [(1, 2, 3)],
            "a patch of Task is an id with a TaskUpdate, got a tuple at position 0: "
            "pass (id, TaskUpdate(…)), or Patch(id, TaskUpdate(…), expected=…)",
        ),
        ([(1, {"title": "x"})], "at position 0: update takes a TaskUpdate, got a dict: pass TaskUpdate(…)"),
        (
            [(1, TaskUpdate()), (TaskUpdate(title="x"), 1)],
            "an id of Task is an int, got a TaskUpdate at position 1: pass an int",
        ),
        (
            [Patch(1, TaskUpdate(), expected=3)],
            "the version of Task is a datetime with a time zone, got an int: "
            "pass expected=row.updated_at, as it was read",
        ),
    ],
)
async def test_patches_of_another_kind_are_refused(tasks: AsyncTaskRepository, patches: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        await tasks.update_many(patches)
    assert str(raised.value) == message


async def test_change_many_needs_a_scope(session: AsyncSession) -> None:
    with pytest.raises(OwnerRequiredError):
        await AsyncTaskRepository(session).update_many([])
    with pytest.raises(OwnerRequiredError):
        await AsyncTaskRepository(session).delete_many([])


async def test_every_missing_row_is_named(tasks: AsyncTaskRepository, session: AsyncSession) -> None:
    foreign = await AsyncTaskRepository(session).owned_by("b").create(TaskCreate(title="x"))
    (own,) = await titled(tasks, "x")
    ids = [own.id, foreign.id, -1, 2**70]
    said = f"no Task with the ids {foreign.id}, -1, a whole number of more than 64 bits"
    with pytest.raises(NotFoundError, match=said) as raised:
        await tasks.update_many([(id, TaskUpdate(title="y")) for id in ids])
    assert raised.value.positions == (1, 2, 3)
    with pytest.raises(NotFoundError, match=said) as raised:
        await tasks.delete_many(ids)
    assert raised.value.positions == (1, 2, 3)
    assert await tasks.list() == [own]


async def test_a_missing_row_whose_id_is_not_shown_is_named_by_its_position(
    session: AsyncSession, bulk_tables: Engine
) -> None:
    seats = AsyncSeatRepository(session).owned_by("a")
    await seats.create(SeatCreate(room="x", number=1))
    ids = [SeatId("a", room, 1) for room in "yxz"]
    with pytest.raises(NotFoundError, match=r"^no Seat with the ids at positions 0, 2$"):
        await seats.delete_many(ids)
    with pytest.raises(NotFoundError, match=r"^no Seat with the id at position 1$"):
        await seats.update_many([(id, SeatUpdate()) for id in ids[1:]])
    with pytest.raises(NotFoundError, match=r"^no Seat with the ids at positions 0, 1, .*, 8, 9 and 2 more$"):
        await seats.require_many([SeatId("a", "y", number) for number in range(12)])


async def test_rows_with_a_key_of_several_columns_are_deleted_in_several_statements(
    session: AsyncSession, bulk_tables: Engine
) -> None:
    seats = AsyncSeatRepository(session).owned_by("a")
    assert await seats.create_many((SeatCreate(room="x", number=at) for at in range(MANY)), returning=False) == MANY
    deleted = await seats.delete_many(SeatId("a", "x", at) for at in reversed(range(MANY)))
    assert [seat.number for seat in deleted] == [*reversed(range(MANY))]


async def test_missing_comes_before_stale(tasks: AsyncTaskRepository) -> None:
    (row,) = await titled(tasks, "x")
    changed = await tasks.update(row.id, TaskUpdate(title="y"))
    with pytest.raises(NotFoundError) as raised:
        await tasks.update_many([Patch(row.id, TaskUpdate(title="z"), row.updated_at), Patch(-1, TaskUpdate())])
    assert raised.value.positions == (1,)
    assert await tasks.list() == [changed]


async def test_a_version_that_no_row_can_have_is_stale(session: AsyncSession, bulk_tables: Engine) -> None:
    counted = AsyncCountedRepository(session).owned_by("a")
    rows = await counted.create_many([CountedCreate(name=name) for name in "ab"])
    patches = [Patch(row.id, CountedUpdate(name="c"), expected) for row, expected in zip(rows, (1, 2**40), strict=True)]
    with pytest.raises(StaleError) as raised:
        await counted.update_many(patches)
    assert raised.value.positions == (1,)
    assert await counted.list() == rows


async def test_row_without_a_set_field_is_not_written(tasks: AsyncTaskRepository) -> None:
    first, second = await titled(tasks, "x", "y")
    changed = await tasks.update_many([(first.id, TaskUpdate()), (second.id, TaskUpdate(title="z"))])
    assert changed[0] == first
    assert (changed[1].title, changed[1].updated_at > second.updated_at) == ("z", True)
    assert await tasks.update_many({first.id: TaskUpdate(), second.id: TaskUpdate()}) == changed
    with pytest.raises(StaleError):
        await tasks.update_many([Patch(second.id, TaskUpdate(), second.updated_at)])


async def test_a_refused_call_leaves_nothing_to_warn_of(
    database: AsyncDatabase, recwarn: pytest.WarningsRecorder
) -> None:
    async with AsyncSession(database.engine) as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        await session.exec(select(Task))
        with pytest.raises(NotFoundError):
            await tasks.update_many([(-1, TaskUpdate(title="x"))])
    assert [str(one.message) for one in recwarn] == []


async def test_deleted_rows_are_transient(tasks: AsyncTaskRepository, session: AsyncSession) -> None:
    (row,) = await titled(tasks, "x")
    (deleted,) = await tasks.delete_many([row.id])
    async with session.begin():
        session.add(deleted)
    assert (await tasks.get_one(row.id)).title == "x"
