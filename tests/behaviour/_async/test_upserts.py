"""`upsert`, `upsert_many` and `get_or_create`: one round trip, what is refused, what becomes of other owners' rows."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.errors import (
    ConstraintViolationError,
    InvalidDataError,
    OwnerRequiredError,
    RepositoryError,
    SerializationError,
    UniqueViolationError,
    UsageError,
)
from tests.support.models.suite import AsyncShelfRepository, Shelf, ShelfCreate
from tests.support.models.upserted import (
    METADATA,
    AsyncCountryRepository,
    AsyncSlotRepository,
    Country,
    CountryCreate,
    Parcel,
    Slot,
    SlotCreate,
)
from tests.support.wire import WireProxy

MANY = 10_001
CODE = col(Shelf.code)
LABEL = col(Shelf.label)

Call = Callable[[AsyncShelfRepository], Awaitable[object]]

CALLS: dict[str, Call] = {
    "upsert of a new row": lambda shelves: shelves.upsert(ShelfCreate(code="new", note="x"), on=CODE),
    "upsert": lambda shelves: shelves.upsert(ShelfCreate(code="old", note="x"), on=CODE),
    "upsert of nothing": lambda shelves: shelves.upsert(ShelfCreate(code="old"), on=CODE),
    "upsert by a shared key": lambda shelves: shelves.upsert(ShelfCreate(code="old", label="mine"), on=LABEL),
    "upsert of NULL": lambda shelves: shelves.upsert(ShelfCreate(code="null"), on=LABEL),
    "get_or_create": lambda shelves: shelves.get_or_create(ShelfCreate(code="old", note="x"), on=CODE),
    "get_or_create of a new row": lambda shelves: shelves.get_or_create(ShelfCreate(code="newer"), on=CODE),
    "upsert_many": lambda shelves: shelves.upsert_many([ShelfCreate(code=one, note="x") for one in "zyx"], on=CODE),
    "upsert_many of different fields": lambda shelves: shelves.upsert_many(
        [ShelfCreate(code="z", note="x"), ShelfCreate(code="old")], on=CODE
    ),
}


@pytest.fixture
async def shelves(session: AsyncSession) -> AsyncShelfRepository:
    """Those of owner a, who has one, as owner b has."""
    await AsyncShelfRepository(session).owned_by("b").create(ShelfCreate(code="old", label="theirs"))
    mine = AsyncShelfRepository(session).owned_by("a")
    await mine.create(ShelfCreate(code="old", label="mine", note="first"))
    return mine


@pytest.fixture
def tables(clean: Engine) -> Iterator[None]:
    METADATA.create_all(clean)
    yield
    METADATA.drop_all(clean)


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_upsert_is_one_round_trip(shelves: AsyncShelfRepository, proxy: WireProxy, call: Call) -> None:
    with proxy.watch() as seen:
        await call(shelves)
    assert (seen.round_trips, len(seen.statements)) == (1, 1)


async def test_upsert_many_of_no_data_sends_nothing(shelves: AsyncShelfRepository, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        assert await shelves.upsert_many([], on=CODE) == []
    assert seen.round_trips == 0


async def test_upsert_sets_what_was_set_and_moves_the_version(shelves: AsyncShelfRepository) -> None:
    changed = await shelves.upsert(ShelfCreate(code="old", note="second"), on=CODE)
    assert (changed.outcome, changed.row.note, changed.row.label, changed.row.revision) == (
        "updated", "second", "mine", 2,
    )  # fmt: skip
    same = await shelves.upsert(ShelfCreate(code="old"), on=(col(Shelf.owner_id), CODE))
    assert (same.outcome, same.row.model_dump()) == ("unchanged", changed.row.model_dump())
    kept = await shelves.upsert(ShelfCreate(code="old", note="third", label="new"), on=CODE, update=LABEL)
    assert (kept.outcome, kept.row.note, kept.row.label) == ("updated", "second", "new")


async def test_an_unchanged_row_is_neither_written_nor_numbered_nor_locked(
    shelves: AsyncShelfRepository, database: AsyncDatabase
) -> None:
    row = (await shelves.list())[0]
    async with database.transaction() as session:
        locked = AsyncShelfRepository(session).owned_by("a")
        await locked.upsert(ShelfCreate(code="old", note="uncommitted"), on=CODE)
        found = await shelves.get_or_create(ShelfCreate(code="old"), on=CODE)  # the lock would be waited for
    assert (found.outcome, found.row.note) == ("unchanged", "first")
    assert (await shelves.create(ShelfCreate(code="next"))).id == row.id + 2  # the upsert within has drawn one


async def test_a_shared_key_of_another_owner_fails_as_create_does(
    shelves: AsyncShelfRepository, database: AsyncDatabase
) -> None:
    data = ShelfCreate(code="new", label="theirs", note="taken")

    async def error_of(call: Call) -> RepositoryError:
        with pytest.raises(UniqueViolationError) as raised:
            await call(shelves)
        return raised.value

    calls: dict[str, Call] = {
        "upsert": lambda shelves: shelves.upsert(data, on=LABEL),
        "get_or_create": lambda shelves: shelves.get_or_create(data, on=LABEL),
        "upsert_many": lambda shelves: shelves.upsert_many([ShelfCreate(code="other", label="free"), data], on=LABEL),
    }
    created = await error_of(lambda shelves: shelves.create(data))
    for name, call in calls.items():
        error = await error_of(call)
        assert str(error) == str(created).replace("create", name, 1)
        assert (error.constraint, error.fields, error.sqlstate) == (created.constraint, created.fields, "23505")
    async with database.session() as session:
        rows = await AsyncShelfRepository(session).every_owner().list()
    assert sorted((row.owner_id, row.code, row.note) for row in rows) == [("a", "old", "first"), ("b", "old", None)]


async def test_a_shared_key_of_an_own_row_is_found_changed_and_left_alone(shelves: AsyncShelfRepository) -> None:
    data = [
        ShelfCreate(code="new", label="free"),
        ShelfCreate(code="old", label="mine", note="x"),
        ShelfCreate(code="null", note="x"),
        ShelfCreate(code="other", label="also free", note="x"),
    ]
    kept = await shelves.upsert_many(data, on=LABEL, update="nothing")
    assert [(one.row.code, one.row.note, one.outcome) for one in kept] == [
        ("new", None, "inserted"), ("old", "first", "unchanged"), ("null", "x", "inserted"), ("other", "x", "inserted"),
    ]  # fmt: skip
    data[2] = ShelfCreate(code="another", note="x")
    again = await shelves.upsert_many(data, on=LABEL, update=col(Shelf.note))
    assert [(one.row.code, one.row.note, one.outcome, one.row.revision) for one in again] == [
        ("new", None, "unchanged", 1), ("old", "x", "updated", 2), ("another", "x", "inserted", 1),
        ("other", "x", "updated", 2),
    ]  # fmt: skip
    found = await shelves.get_or_create(ShelfCreate(code="old", label="mine"), on=LABEL)
    assert (found.outcome, found.row) == ("unchanged", again[1].row)


async def test_another_unique_key_that_is_taken_writes_nothing(shelves: AsyncShelfRepository) -> None:
    with pytest.raises(UniqueViolationError):
        await shelves.upsert(ShelfCreate(code="old", note="x", label="theirs"), on=CODE)
    with pytest.raises(UniqueViolationError):
        await shelves.upsert_many([ShelfCreate(code="new"), ShelfCreate(code="old", label="theirs")], on=CODE)
    assert [(row.note, row.label) for row in await shelves.list()] == [("first", "mine")]


REFUSED: dict[str, tuple[Call, str]] = {
    "no unique key": (
        lambda shelves: shelves.upsert(ShelfCreate(code="x"), on=col(Shelf.note)),
        "on= names (note) of Shelf, which is no unique key: its unique keys are (code), (label)",
    ),
    "a text": (
        lambda shelves: shelves.upsert(ShelfCreate(code="x"), on="code"),  # type: ignore[arg-type]
        "on= is a str, expected a column of Shelf or a tuple of them: on=col(Shelf.field)",
    ),
    "another model": (
        lambda shelves: shelves.get_or_create(ShelfCreate(code="x"), on=col(Parcel.code)),
        "on= is Parcel.code, expected a column of Shelf or a tuple of them: on=col(Shelf.field)",
    ),
    "a key without a field": (
        lambda shelves: shelves.upsert(ShelfCreate(code="x"), on=col(Shelf.id)),
        "on= names Shelf.id, which ShelfCreate lacks: upserts write a ShelfCreate",
    ),
    "the version": (
        lambda shelves: shelves.upsert(ShelfCreate(code="x"), on=CODE, update=(LABEL, col(Shelf.revision))),
        "update= names Shelf.revision, and no upsert changes the primary key, the key of on=, owner or version: "
        "leave it out",
    ),
    "another word": (
        lambda shelves: shelves.upsert_many([], on=CODE, update="all"),  # type: ignore[arg-type]
        'update= is a str, expected a column of Shelf or a tuple of them: update=col(Shelf.field) or "set" or '
        '"nothing"',
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
async def test_what_no_upsert_takes_is_refused_before_sql(
    shelves: AsyncShelfRepository, proxy: WireProxy, call: Call, message: str
) -> None:
    with proxy.watch() as seen, pytest.raises(UsageError) as raised:
        await call(shelves)
    assert (str(raised.value), seen.round_trips) == (message, 0)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("on", "reason"),
    [
        ((col(Slot.id), col(Slot.note)), "is deferrable: PostgreSQL does not upsert by it: its unique keys are"),
        (col(Slot.note), "is an index of expressions: upsert by a key of columns: its unique keys are"),
    ],
)
async def test_a_key_that_is_no_conflict_target_is_refused(session: AsyncSession, on: Any, reason: str) -> None:
    with pytest.raises(UsageError) as raised:
        await AsyncSlotRepository(session).upsert(SlotCreate(code="x"), on=on)
    assert f"which {reason} (code, place)" in str(raised.value)


async def test_every_owner_upserts_nothing(session: AsyncSession, proxy: WireProxy) -> None:
    everything = AsyncShelfRepository(session).every_owner()
    with proxy.watch() as seen:
        for call in CALLS.values():
            with pytest.raises(OwnerRequiredError):
                await call(everything)
        with pytest.raises(OwnerRequiredError):
            await everything.upsert_many([], on=CODE)
    assert seen.round_trips == 0


async def test_one_key_twice_is_refused_with_both_positions(shelves: AsyncShelfRepository, proxy: WireProxy) -> None:
    data = [ShelfCreate(code="x"), ShelfCreate(code="y"), ShelfCreate(code="x", note="again")]
    with proxy.watch() as seen, pytest.raises(InvalidDataError, match="positions 0 and 2 name the same Shelf") as error:
        await shelves.upsert_many(data, on=CODE)
    assert (error.value.fields, seen.round_trips) == (("code",), 0)


async def test_get_or_create_validates_also_when_the_row_is_there(shelves: AsyncShelfRepository) -> None:
    data = ShelfCreate(code="old")
    set_invalid(data, "note", 5)
    with pytest.raises(InvalidDataError, match=r"invalid ShelfCreate: note"):
        await shelves.get_or_create(data, on=CODE)
    with pytest.raises(InvalidDataError) as raised:
        await shelves.upsert_many([ShelfCreate(code="new"), data], on=CODE)
    assert [problem.location for problem in raised.value.problems] == [(1, "note")]


def set_invalid(data: ShelfCreate, name: str, value: Any) -> None:
    vars(data)[name] = value


async def test_more_than_one_statement_is_all_or_nothing(shelves: AsyncShelfRepository) -> None:
    written: list[int] = []
    data = [ShelfCreate(code=str(number), note="x") for number in range(MANY)]
    answers = await shelves.upsert_many(iter(data), on=CODE, progress=written.append)
    assert [one.row.code for one in answers] == [one.code for one in data]
    assert ({one.outcome for one in answers}, written) == ({"inserted"}, [10_000, MANY])
    data[-1] = ShelfCreate(code="last", label="theirs")
    with pytest.raises(UniqueViolationError):
        await shelves.upsert_many([ShelfCreate(code=one.code, note="y", label=one.label) for one in data], on=CODE)
    assert await shelves.count(col(Shelf.note) == "y") == 0


async def test_an_invalid_item_of_a_later_statement_has_its_position(shelves: AsyncShelfRepository) -> None:
    data = [
        *(ShelfCreate(code=str(number)) for number in range(MANY)),
        ShelfCreate.model_construct({"code"}, code=None),
    ]
    with pytest.raises(InvalidDataError) as raised:
        await shelves.upsert_many(data, on=CODE)
    assert [problem.location for problem in raised.value.problems] == [(MANY, "code")]
    assert await shelves.count() == 1


@pytest.mark.parametrize("note", [{}, {"note": "x"}], ids=["nothing", "something"])
async def test_a_row_that_a_snapshot_cannot_see_is_a_serialization_error(
    shelves: AsyncShelfRepository, database: AsyncDatabase, note: dict[str, str]
) -> None:
    with pytest.raises(SerializationError):
        async with database.transaction() as session:
            _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            within = AsyncShelfRepository(session).owned_by("a")
            await within.count()
            await shelves.create(ShelfCreate(code="unseen"))
            await within.upsert(ShelfCreate(code="unseen", **note), on=CODE)


async def test_a_row_that_a_trigger_skips_is_an_error(shelves: AsyncShelfRepository, clean: Engine) -> None:
    function = "CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    trigger = "CREATE TRIGGER skips BEFORE INSERT ON shelf FOR EACH ROW WHEN (NEW.code = 'skipped') "
    with clean.begin() as connection:
        connection.execute(text(function))
        connection.execute(text(f"{trigger} EXECUTE FUNCTION skip_row()"))
    try:
        data = ShelfCreate(code="skipped", note="x")
        with pytest.raises(ConstraintViolationError, match="upsert of Shelf wrote nothing: a trigger, rule or policy"):
            await shelves.upsert(data, on=CODE)
        with pytest.raises(ConstraintViolationError, match="get_or_create of Shelf wrote nothing"):
            await shelves.get_or_create(data, on=CODE)
        with pytest.raises(ConstraintViolationError, match="upsert_many of Shelf wrote nothing"):
            await shelves.upsert_many([ShelfCreate(code="new"), data], on=CODE)
    finally:
        with clean.begin() as connection:
            connection.execute(text("DROP FUNCTION skip_row CASCADE"))
    assert await shelves.count() == 1


@pytest.mark.usefixtures("tables")
async def test_a_primary_key_of_the_client_is_a_key(session: AsyncSession) -> None:
    countries = AsyncCountryRepository(session)
    await countries.create(CountryCreate(code="x"))
    answers = await countries.upsert_many(
        [CountryCreate(code="y"), CountryCreate(code="x", note="n")], on=col(Country.code)
    )
    assert [(one.row.code, one.outcome, one.row.note) for one in answers] == [
        ("y", "inserted", None), ("x", "updated", "n"),
    ]  # fmt: skip


async def test_an_upserted_is_no_bool(shelves: AsyncShelfRepository) -> None:
    made = await shelves.get_or_create(ShelfCreate(code="old"), on=CODE)
    assert not made.inserted
    with pytest.raises(UsageError, match=r"an Upserted is no bool: ask \.inserted or \.outcome"):
        bool(made)


async def test_each_upsert_is_one_record(shelves: AsyncShelfRepository, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "backend.calls")
    await shelves.upsert(ShelfCreate(code="canary"), on=CODE)
    await shelves.upsert_many([ShelfCreate(code="canary"), ShelfCreate(code="x")], on=CODE)
    await shelves.get_or_create(ShelfCreate(code="canary"), on=CODE)
    shown = [(record.__dict__["operation"], record.__dict__["rows"]) for record in caplog.records]
    assert shown == [("upsert", 1), ("upsert_many", 2), ("get_or_create", 1)]
    assert "canary" not in caplog.text
