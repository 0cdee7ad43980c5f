"""What `on=` and `update=` of an upsert name: which unique key of the table, and which columns may change."""

from typing import Any

import pytest
from pydantic import MISSING
from sqlalchemy import Index, Integer, MetaData, Text, UniqueConstraint, column, func
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from backend.entity.checks import ClassOptions, define
from backend.errors import UsageError
from backend.statements.conflict_targets import ConflictTarget, resolve_upsert

TYPES = registry(metadata=MetaData())
_VERSION: Any = {"server_default": "1", "onupdate": column("version", Integer()) + 1}


class Base(SQLModel, registry=TYPES):
    metadata = TYPES.metadata


class Seat(Base, table=True):
    """Unique keys of every kind."""

    __table_args__ = (
        UniqueConstraint("hall", "owner"),
        UniqueConstraint("hall"),
        UniqueConstraint("row", "owner", postgresql_nulls_not_distinct=True),
        Index("sold", "row", "owner", unique=True, postgresql_where=column("price").is_not(None)),
        Index("free", "number", "owner", unique=True, postgresql_where=column("price").is_(None)),
        Index("dear", "price", "owner", unique=True, postgresql_where=column("number") > 1),
        Index("cheap", "price", "owner", unique=True, postgresql_where=column("number") < 1),
        Index("sorted", column("hall", Text()).desc().nulls_last(), column("row", Text()).asc(), "owner", unique=True),
        Index("equal", "row", "number", unique=True, postgresql_nulls_not_distinct=True),
        Index("lowered", func.lower(column("hall")), "note", "owner", unique=True),
        Index("negative", -column("price", Integer()), "row", unique=True),
        Index("ordinary", "note", "number"),
        UniqueConstraint("owner", "note", "hall", deferrable=True),
        UniqueConstraint("note", "row", deferrable=True),
        Index("notes", "note", "row", unique=True),
    )

    id: int = Field(default=None, primary_key=True)
    owner: str
    hall: str
    row: int | None = None
    number: int | None = None
    price: int | None = None
    note: str | None = None
    hidden: str | None = Field(default=None, unique=True)
    version: int = Field(default=None, sa_type=Integer, sa_column_kwargs=_VERSION)


class SeatCreate(SQLModel):
    hall: str
    row: int | None = None
    number: int | None = None
    price: int | MISSING | None = MISSING
    note: str | MISSING | None = MISSING


class SeatUpdate(SQLModel): ...


class Line(Base, table=True):
    """Its key is the database's."""

    id: int = Field(default=None, primary_key=True)
    text: str


class LineCreate(SQLModel):
    text: str


SHARED = (col(Seat.hall), col(Seat.row), col(Seat.number), col(Seat.price), col(Seat.note), col(Seat.hidden))
SEAT = define(
    "Seats",
    (Seat, SeatCreate, SeatUpdate, int, str),
    ClassOptions(
        owner=col(Seat.owner),
        version=col(Seat.version),
        shared_keys=SHARED,
    ),
)


def target(first: Any, *others: Any) -> ConflictTarget:
    return resolve_upsert(SEAT, (first, *others) if others else first, "set").target


def names(one: ConflictTarget) -> list[str]:
    return [column.key for column in one.columns]


def test_the_key_of_the_owner_comes_before_one_that_all_owners_share() -> None:
    for on in ((col(Seat.hall),), (col(Seat.hall), col(Seat.owner)), (col(Seat.owner), col(Seat.hall))):
        found = target(*on)
        assert (names(found), found.attributes, found.is_shared) == (["owner", "hall"], ("hall",), False)


def test_a_key_of_every_row_comes_before_one_of_some() -> None:
    found = target(col(Seat.row))
    assert (names(found), found.where, found.nulls_conflict) == (["owner", "row"], None, True)
    partial = target(col(Seat.number))
    assert (names(partial), str(partial.where), partial.nulls_conflict) == (["owner", "number"], "price IS NULL", False)


def test_an_index_may_sort_its_columns_and_compare_nulls() -> None:
    found = target(col(Seat.row), col(Seat.hall))
    assert (names(found), found.attributes, found.nulls_conflict) == (["owner", "hall", "row"], ("hall", "row"), False)
    shared = target(col(Seat.number), col(Seat.row))
    assert (names(shared), shared.is_shared, shared.nulls_conflict) == (["row", "number"], True, True)


def test_a_deferrable_key_hides_no_other() -> None:
    assert names(target(col(Seat.note), col(Seat.row))) == ["row", "note"]


KEYS = "its unique keys are (hall), (hall, row), (note, row), (number), (number, row), (price), (row)"


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ((), "on= is a tuple, expected a column of Seat or a tuple of them: on=col(Seat.field)"),
        ((col(Seat.hall), 7), "on= is an int, expected a column of Seat or a tuple of them: on=col(Seat.field)"),
        (col(Seat.owner), f"on= names (owner) of Seat, which is no unique key: {KEYS}"),
        (col(Seat.note), "on= names (note) of Seat, which is an index of expressions: upsert by a key of columns: "),
        (
            (col(Seat.note), col(Seat.hall)),
            "on= names (hall, note) of Seat, which is deferrable: PostgreSQL does not upsert by it: ",
        ),
        (
            (col(Seat.number), col(Seat.note)),
            f"on= names (note, number) of Seat, which is no unique key: {KEYS}",
        ),
        (
            col(Seat.price),
            "on= names (price) of Seat, which several partial indexes have: make one of them a unique constraint, or "
            "give them different columns",
        ),
        (col(Seat.hidden), "on= names Seat.hidden, which SeatCreate lacks: upserts write a SeatCreate"),
    ],
)
def test_what_names_no_conflict_target_is_refused(on: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        resolve_upsert(SEAT, on, "set")
    assert str(raised.value).startswith(message)


def test_no_unique_key_in_the_create_schema_is_said() -> None:
    lines = define("Lines", (Line, LineCreate, SeatUpdate, int, str), ClassOptions())
    with pytest.raises(UsageError, match=r"which is no unique key: no unique key of Line is in its create schema$"):
        resolve_upsert(lines, col(Line.text), "set")


@pytest.mark.parametrize(
    ("update", "changeable"),
    [
        ("set", {"row", "number", "price", "note"}),
        ("nothing", set[str]()),
        (col(Seat.note), {"note"}),
        ((col(Seat.note), col(Seat.row)), {"note", "row"}),
    ],
)
def test_what_may_change(update: Any, changeable: set[str]) -> None:
    assert resolve_upsert(SEAT, col(Seat.hall), update).changeable == changeable


@pytest.mark.parametrize("name", ["id", "owner", "hall", "version"])
def test_what_never_changes_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"^update= names Seat\.{name}, and no upsert changes the primary key"):
        resolve_upsert(SEAT, col(Seat.hall), (col(Seat.note), col(getattr(Seat, name))))


def test_an_update_of_what_no_data_has_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^update= names Seat\.hidden, which SeatCreate lacks"):
        resolve_upsert(SEAT, col(Seat.hall), col(Seat.hidden))
    with pytest.raises(UsageError, match=r'^update= is a tuple, expected .*: update=col\(Seat\.field\) or "set" or'):
        resolve_upsert(SEAT, col(Seat.hall), ())
