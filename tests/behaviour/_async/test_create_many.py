"""`create_many`: one statement, rows in the order of the data, all or nothing."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.errors import InvalidDataError, OwnerRequiredError, UniqueViolationError, UsageError
from backend.tasks import AsyncTaskRepository, TaskCreate
from tests.behaviour._async.cases import BULK_KINDS, Case, Rows
from tests.support.bulk_rows import ITEMS, KEYS
from tests.support.models.bulk import (
    METADATA,
    AsyncChosenRepository,
    AsyncSeatRepository,
    ChosenCreate,
    SeatCreate,
    Size,
)
from tests.support.models.suite import AsyncShelfRepository, ShelfCreate
from tests.support.wire import WireProxy

MANY = 10_001
DEFAULTS = {
    "note": None, "level": 7, "day": date(2026, 2, 3), "weight": 3, "upper": 5, "size": Size.SMALL, "tags": None,
    "data": None, "code": None, "offset": None,
}  # fmt: skip


@pytest.fixture
async def tasks(session: AsyncSession) -> AsyncTaskRepository:
    return AsyncTaskRepository(session).owned_by("a")


def expected(item: dict[str, Any]) -> dict[str, Any]:
    """What the row of an item has, but for its key."""
    row: dict[str, Any] = {**DEFAULTS, "label": f"label of {item['name']}", **item, "revision": 1}
    return {**row, "code": row["code"] and row["code"].lower()}  # as its type writes it


@pytest.mark.parametrize("kind", BULK_KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=ITEMS, keys=st.permutations(KEYS))
async def test_new_rows_are_the_data_and_the_defaults_in_its_order(
    database: AsyncDatabase, bulk_tables: Engine, kind: str, items: list[dict[str, Any]], keys: list[str]
) -> None:
    repository, schema = BULK_KINDS[kind]
    if kind == "chosen key":
        items = [{**item, "id": key} for item, key in zip(items, keys, strict=False)]
    async with database.session() as session:
        mine = repository(session).owned_by("a")
        created = await mine.create_many(schema(**item) for item in items)
        assert [row.model_dump(exclude=set() if "id" in (items or [{}])[0] else {"id"}) for row in created] == [
            {**expected(item), "owner": "a"} for item in items
        ]
        assert await mine.require_many([row.id for row in created]) == created
        assert await repository(session).owned_by("b").count() == 0
        before = await mine.count()
        if kind != "chosen key":
            assert await mine.create_many([schema(**item) for item in items], returning=False) == len(items)
            assert await mine.count() == before + len(items)
    with bulk_tables.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(delete(table))


async def test_create_many_of_every_entity(rows: Rows, case: Case) -> None:
    texts = ["b", "a", "c"]
    created = await rows.repository.create_many([rows.new(text) for text in texts])
    assert [case.text_of(row) for row in created] == texts
    assert await rows.repository.require_many(map(rows.repository.id_of, created)) == created


@pytest.mark.usefixtures("awake")
async def test_create_many_of_nothing_sends_nothing(rows: Rows, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        assert await rows.repository.create_many([]) == []
        assert await rows.repository.create_many(iter(()), returning=False) == 0
    assert (seen.round_trips, seen.connects) == (0, 0)


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize("returning", [True, False])
async def test_create_many_is_one_round_trip_up_to_ten_thousand_rows(
    session: AsyncSession, proxy: WireProxy, *, returning: bool
) -> None:
    tasks: Any = AsyncTaskRepository(session).owned_by("a")
    data = [TaskCreate(title=str(number)) for number in range(MANY)]
    counted: list[int] = []
    with proxy.watch() as seen:
        await tasks.create_many(data[:-1], returning=returning, progress=counted.append)
    assert (seen.round_trips, len(seen.statements), counted) == (1, 1, [MANY - 1])
    counted.clear()
    with proxy.watch() as seen:
        await tasks.create_many(data, returning=returning, progress=counted.append)
    assert (seen.round_trips, len(seen.statements), counted) == (4, 4, [MANY - 1, MANY])
    assert [seen.statements[0].sql[:5], seen.statements[-1].sql] == ["BEGIN", "COMMIT"]


async def test_create_many_of_more_than_one_statement_keeps_the_order(tasks: AsyncTaskRepository) -> None:
    created = await tasks.create_many(TaskCreate(title=str(number)) for number in range(MANY))
    assert [row.title for row in created] == [str(number) for number in range(MANY)]
    assert await tasks.list() == created


@pytest.mark.parametrize("joins", [True, False])
async def test_invalid_item_of_a_later_statement_undoes_the_earlier(database: AsyncDatabase, *, joins: bool) -> None:
    """In a transaction of the session's, what it did before is kept."""

    def data() -> Iterator[TaskCreate]:
        yield from (TaskCreate(title="x") for _ in range(MANY))
        yield TaskCreate.model_construct(title="")

    async def create(session: AsyncSession) -> None:
        with pytest.raises(InvalidDataError) as raised:
            await AsyncTaskRepository(session).owned_by("a").create_many(data(), returning=False)
        assert [problem.location for problem in raised.value.problems] == [(MANY, "title")]

    async with database.session() as session:
        if joins:
            async with session.begin():
                await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="kept"))
                await create(session)
        else:
            await create(session)
        assert await AsyncTaskRepository(session).every_owner().count() == int(joins)


async def test_error_of_progress_undoes_every_statement(tasks: AsyncTaskRepository) -> None:
    def stop(done: int) -> None:
        if done == MANY:
            raise KeyError(done)

    with pytest.raises(KeyError):
        await tasks.create_many((TaskCreate(title="x") for _ in range(MANY)), returning=False, progress=stop)
    assert await tasks.count() == 0


@pytest.mark.usefixtures("awake")
async def test_every_invalid_item_is_reported_with_its_position(tasks: AsyncTaskRepository, proxy: WireProxy) -> None:
    bad: Sequence[Any] = [TaskCreate.model_construct(title=""), TaskCreate.model_construct(title=7, completed="maybe")]
    with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
        await tasks.create_many([TaskCreate(title="x"), *bad])
    assert str(raised.value) == (
        "at position 1: invalid TaskCreate: title: a title is not blank; at position 2: invalid TaskCreate: title: "
        "Input should be a valid string; completed: Input should be a valid boolean, unable to interpret input"
    )
    assert [problem.location for problem in raised.value.problems] == [(1, "title"), (2, "title"), (2, "completed")]
    assert (raised.value.fields, raised.value.operation) == (("title", "completed"), "create_many")
    assert seen.round_trips == 0


async def test_message_names_ten_invalid_items(tasks: AsyncTaskRepository) -> None:
    with pytest.raises(InvalidDataError, match=r"at position 9: [^;]*; and 2 more$") as raised:
        await tasks.create_many([TaskCreate.model_construct(title="")] * 12)
    assert len(raised.value.problems) == 12


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("text", "create_many of Task takes several, got a str: pass a list of them"),
        (TaskCreate(title="x"), "create_many of Task takes several, got a TaskCreate: pass a list of them"),
        ([{"title": "x"}], "at position 0: create takes a TaskCreate, got a dict: pass TaskCreate(…)"),
    ],
)
async def test_data_of_another_kind_is_refused(tasks: AsyncTaskRepository, data: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        await tasks.create_many(data)
    assert str(raised.value) == message


async def test_create_many_needs_an_owner(session: AsyncSession) -> None:
    for repository in (AsyncTaskRepository(session), AsyncTaskRepository(session).every_owner()):
        with pytest.raises(OwnerRequiredError):
            await repository.create_many([])


async def test_a_key_that_two_items_have_is_refused_before_sql(
    session: AsyncSession, bulk_tables: Engine, proxy: WireProxy
) -> None:
    chosen = AsyncChosenRepository(session).owned_by("a")
    with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
        await chosen.create_many([ChosenCreate(id=key, name="x") for key in ("k", "l", "k")])
    assert str(raised.value) == "positions 0 and 2 name the same Chosen: give each row once"
    assert [problem.location for problem in raised.value.problems] == [(2,)]
    assert seen.round_trips == 0


async def test_two_items_of_a_later_statement_have_their_positions(session: AsyncSession, bulk_tables: Engine) -> None:
    chosen = AsyncChosenRepository(session).owned_by("a")
    keys = [*map(str, range(MANY)), str(MANY - 1)]
    with pytest.raises(InvalidDataError, match=rf"^positions {MANY - 1} and {MANY} name the same Chosen"):
        await chosen.create_many((ChosenCreate(id=key, name="x") for key in keys), returning=False)
    assert await chosen.count() == 0


async def test_a_composite_key_that_two_items_have_is_refused_before_sql(
    session: AsyncSession, bulk_tables: Engine, proxy: WireProxy
) -> None:
    seats = AsyncSeatRepository(session).owned_by("a")
    with proxy.watch() as seen, pytest.raises(InvalidDataError, match="positions 0 and 2 name the same Seat"):
        await seats.create_many([SeatCreate(room=room, number=1) for room in "xyx"])
    assert seen.round_trips == 0


async def test_a_unique_key_that_two_items_have_is_refused_with_both_positions(
    session: AsyncSession, proxy: WireProxy
) -> None:
    shelves = AsyncShelfRepository(session).owned_by("a")
    data = [ShelfCreate(code=code, label=label) for code, label in (("x", None), ("y", None), ("x", "l"), ("z", "l"))]
    with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
        await shelves.create_many(data)
    assert str(raised.value) == "positions 0 and 2 name the same Shelf: give each row once"
    assert raised.value.fields == ("owner_id", "code")
    assert raised.value.__suppress_context__
    assert [problem.location for problem in raised.value.problems] == [(2,)]
    assert len(seen.statements) == 1  # the server has found it
    with pytest.raises(InvalidDataError, match="positions 1 and 2 name the same Shelf"):
        await shelves.create_many(data[1:])
    await shelves.create(data[1])
    with pytest.raises(UniqueViolationError) as violated:  # of another row
        await shelves.create_many(data[:2])
    assert violated.value.fields == ("owner_id", "code")
    assert await shelves.count() == 1


async def test_a_row_that_the_table_refuses_leaves_none(session: AsyncSession, bulk_tables: Engine) -> None:
    chosen = AsyncChosenRepository(session).owned_by("a")
    await chosen.create(ChosenCreate(id="taken", name="x"))
    with pytest.raises(UniqueViolationError):
        await chosen.create_many([ChosenCreate(id=key, name="x") for key in ("free", "taken")])
    assert [row.id for row in await chosen.list()] == ["taken"]
