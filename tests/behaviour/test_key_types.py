"""Keys of every type, of one column and of several: every call that takes or returns an id."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from ipaddress import IPv4Address
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import create_model
from sqlalchemy import DateTime, Numeric, make_url
from sqlalchemy.dialects.postgresql import CITEXT
from sqlmodel import col

from backend import Database, init_db
from backend.errors import InvalidDataError, NotFoundError, UniqueViolationError, UsageError
from tests.support.extensions import create_extensions_or_skip
from tests.support.models.keyed import KEYS, Colour, Keyed, KeyKind, Lower, keyed

SHOWN = (int, UUID)


@contextmanager
def opened(url: str, made: Keyed) -> Generator[Any]:
    """The repository on a table of its own."""
    with Database(url) as database:
        init_db(database, made.metadata)
        with database.session() as session:
            yield made.repository(session)


def try_every_call(made: Keyed, rows: Any, ids: Mapping[Any, Mapping[str, Any]], absent: Any, shown: str) -> None:
    """Every call that takes or returns an id, for these ids with the data that makes them."""
    created = {id: rows.create(made.create(**data)) for id, data in ids.items()}
    for id, row in created.items():
        assert rows.id_of(row) == id
        assert type(rows.id_of(row)) is type(id)
        assert rows.get(id) == rows.get_one(id) == row
        assert rows.update(id, made.update()) == row
        with pytest.raises(UniqueViolationError) as refused:
            rows.create(made.create(**ids[id]))
        assert refused.value.fields == tuple(ids[id])
    created = {id: rows.update(id, made.update(note="changed")) for id in created}
    assert {row.note for row in created.values()} == {"changed"}
    assert rows.get_many(ids) == created
    assert rows.get_many([absent, *ids]) == created
    reverse = [*reversed(ids)]
    assert rows.require_many([*reverse, reverse[0]]) == [created[id] for id in (*reverse, reverse[0])]
    try_lists(made, rows, created)
    calls: dict[Callable[[], object], str] = {
        partial(rows.get_one, absent): shown,
        partial(rows.update, absent, made.update(note="x")): shown,
        partial(rows.update, absent, made.update()): shown,
        partial(rows.delete, absent): shown,
        partial(rows.require_many, [absent, *ids]): "the id at position 0" if shown == "this id" else shown,
    }
    for call, named in calls.items():
        with pytest.raises(NotFoundError) as raised:
            call()
        assert str(raised.value) == f"no Keyed with {named}"
    assert rows.get(absent) is None
    for id, row in created.items():
        assert rows.delete(id).model_dump() == row.model_dump()
        assert rows.get(id) is None
    assert rows.exists() is False


def try_lists(made: Keyed, rows: Any, created: Mapping[Any, Any]) -> None:
    """Every list is in the order of the key, however it is read."""
    listed = rows.list()
    assert {rows.id_of(row): row for row in listed} == dict(created)
    assert rows.list(order_by=[*made.model.__table__.primary_key.columns]) == listed
    assert rows.page(size=100).items == tuple(listed)
    walked, cursor = [], None
    while True:
        page = rows.cursor_page(order_by=made.model.note, cursor=cursor, size=1)
        walked += page.items
        if (cursor := page.next) is None:
            break
    assert walked == listed
    with rows.stream(batch=1) as streamed:
        assert list(streamed) == listed
    view = create_model("View", note=(str | None, ...))
    assert rows.as_(view).get_many(created) == {id: view(note="changed") for id in created}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_each_type_works_in_every_call(own_tables: str, name: str) -> None:
    kind = KEYS[name]
    made = keyed(name, {"id": kind}, kind.type)
    shown = f"id {kind.absent}" if issubclass(kind.type, SHOWN) else "this id"
    with opened(own_tables, made) as rows:
        try_every_call(made, rows, {value: {"id": value} for value in kind.values}, kind.absent, shown)


class TextFirst(NamedTuple):
    a: str
    b: int


class Turned(NamedTuple):
    c: Decimal
    a: UUID
    b: datetime


class Numbers(NamedTuple):
    b: int
    a: int


class Shown(NamedTuple):
    b: UUID
    a: int


class TextAndUuid(NamedTuple):
    b: UUID
    a: str


SEVERAL: Mapping[str, tuple[Sequence[str], Any]] = {
    "named": (["text", "int"], TextFirst),
    "turned": (["uuid", "moment", "number"], Turned),
    "equal": (["int", "big"], Numbers),
    "shown": (["small", "uuid"], Shown),
    "plain": (["date", "short"], tuple[date, str]),
    "enums": (["enum", "bytes"], tuple[Colour, bytes]),
    "rest": (["interval", "time", "address"], tuple[timedelta, time, IPv4Address]),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_a_key_of_several_types_works_in_every_call(own_tables: str, name: str) -> None:
    names, id_type = SEVERAL[name]
    kinds = {key: KEYS[kind] for key, kind in zip("abc", names, strict=False)}
    made = keyed(name, kinds, id_type)

    def id_of(values: Mapping[str, Any]) -> Any:
        return id_type(**values) if hasattr(id_type, "_fields") else tuple(values.values())

    rows_of = [dict(zip(kinds, values, strict=True)) for values in product(*(kind.values for kind in kinds.values()))]
    first = {key: kind.values[0] for key, kind in kinds.items()}
    with opened(own_tables, made) as rows:
        for key, kind in kinds.items():
            absent = id_of({**first, key: kind.absent})
            is_shown = all(one.type in SHOWN for one in kinds.values())
            shown = f"id ({', '.join(map(str, absent))})" if is_shown else "this id"
            try_every_call(made, rows, {id_of(values): values for values in rows_of}, absent, shown)


EQUAL: Mapping[str, tuple[KeyKind, Any, Any]] = {
    "citext": (KeyKind(str, CITEXT, [], None), "Ab", "aB"),
    "digits": (KeyKind(Decimal, Numeric, [], None), Decimal("1.50"), Decimal("1.5")),
    "decorated": (KeyKind(str, Lower, [], None), "ab", "AB"),
    "repeated_hour": (
        KeyKind(datetime, DateTime(timezone=True), [], None),
        datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
        datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    ),
}
"""Two ids of one row: the stored one, and one that PostgreSQL takes as equal to it."""


@pytest.fixture
def extended(own_tables: str) -> str:
    """The URL of a schema with the types of an extension."""
    url = make_url(own_tables)
    url = url.update_query_dict({"options": f"{url.query['options']},public"})
    create_extensions_or_skip(own_tables, "citext")
    return url.render_as_string(hide_password=False)


@pytest.mark.parametrize("name", EQUAL)
def test_many_find_the_rows_that_get_finds(extended: str, name: str) -> None:
    kind, stored, other = EQUAL[name]
    made = keyed(name, {"id": kind}, kind.type)
    with opened(extended, made) as rows:
        row = rows.create(made.create(id=stored))
        assert rows.get(other) == row
        assert rows.get_many([other]) == {other: row}
        assert rows.get_many([stored, other]) == {stored: row, other: row}
        assert rows.require_many([other, stored, other]) == [row, row, row]
        assert rows.update(other, made.update(note="x")).note == "x"


@pytest.mark.parametrize("name", EQUAL)
def test_two_ids_that_the_database_takes_for_one_are_refused(extended: str, name: str) -> None:
    kind, stored, other = EQUAL[name]
    made = keyed(name, {"id": kind}, kind.type)
    with opened(extended, made) as rows:
        row = rows.create(made.create(id=stored))
        change, both = made.update(note="x"), [made.create(id=id) for id in (stored, other)]
        with pytest.raises(InvalidDataError, match=r"^positions 0 and 1 name the same Keyed: give each row once$"):
            rows.update_many([(stored, change), (other, change)])
        with pytest.raises(InvalidDataError, match=r"^positions 0 and 1 name the same Keyed: give each row once$"):
            rows.delete_many([other, stored])
        assert rows.list() == [row]
        assert [one.note for one in rows.update_many({other: change})] == ["x"]
        assert [one.id for one in rows.delete_many([other])] == [row.id]
        with pytest.raises(InvalidDataError, match="name the same Keyed"):
            rows.upsert_many(both, on=col(made.model.id))
        assert rows.count() == 0


def test_many_of_several_columns_find_the_rows_that_get_finds(extended: str) -> None:
    made = keyed("several", {"a": EQUAL["citext"][0], "b": KEYS["int"]}, tuple[str, int])
    with opened(extended, made) as rows:
        row = rows.create(made.create(a="Ab", b=1))
        assert rows.get(("AB", 1)) == row
        assert rows.get_many([("aB", 2), ("AB", 1), ("Ab", 1)]) == {("AB", 1): row, ("Ab", 1): row}


def test_an_id_that_is_a_plain_tuple_has_every_part(own_tables: str) -> None:
    made = keyed("plain", {"a": KEYS["date"], "b": KEYS["short"]}, tuple[date, str])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with opened(own_tables, made) as rows:
        for id, text in (
            ("x", "is a tuple[date, str], got a str"),
            ((), "has 2 parts, got 0"),
            ((date.max,), "has 2 parts, got 1"),
            ((date.max, "x", "x"), "has 2 parts, got 3"),
            ((None, "x"), "has a date as a, got None"),
            (("x", date.max), "has a date as a, got a str"),
            ((moment, "x"), "has a date as a, got a datetime"),
            ([date.max, "x"], "is a tuple[date, str], got a list"),
        ):
            with pytest.raises(UsageError) as raised:
                rows.get(id)
            assert str(raised.value) == f"an id of Keyed {text}: pass (a, b)"


def test_a_moment_is_no_id_where_the_key_is_a_date(own_tables: str) -> None:
    made = keyed("day", {"id": KEYS["date"]}, date)
    with opened(own_tables, made) as rows, pytest.raises(UsageError) as raised:
        rows.get(datetime(2026, 1, 1, tzinfo=UTC))
    assert str(raised.value) == "an id of Keyed is a date, got a datetime: pass a date"


@pytest.mark.parametrize("make", ["gen_random_uuid", "uuidv7"])
def test_the_database_makes_the_last_part_of_a_key(own_tables: str, make: str) -> None:
    made = keyed("made", {"a": KEYS["text"], "b": KEYS["uuid"]}, TextAndUuid, {"b": make})
    with Database(own_tables) as database, database.engine.connect() as connection:
        version: Any = connection.dialect.server_version_info
    if make == "uuidv7" and version < (18,):
        pytest.skip("uuidv7() is of PostgreSQL 18")
    with opened(own_tables, made) as rows:
        created = [rows.create(made.create(a="x")) for _ in range(3)]
        assert [rows.id_of(row) for row in created] == [TextAndUuid(b=row.b, a="x") for row in created]
        assert rows.require_many(map(rows.id_of, reversed(created))) == created[::-1]
        assert make != "uuidv7" or rows.list() == created
