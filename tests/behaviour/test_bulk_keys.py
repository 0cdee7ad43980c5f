"""Calls on many rows of tables whose numbers go down, and of those whose keys and defaults the server alone knows."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import MISSING
from sqlalchemy import BigInteger, Column, FetchedValue, Identity, Integer, MetaData, Sequence, text
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, col

from backend import CRUDRepository, Database, init_db
from backend.errors import InvalidDataError, UsageError

TYPES = registry(metadata=MetaData())


class Base(SQLModel, registry=TYPES):
    metadata = TYPES.metadata


class Debt(Base, table=True):
    """Its numbers go down from -1."""

    id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(start=-1, increment=-1)]
    )
    code: str | None = Field(default=None, unique=True)
    note: str | None = None


class DebtCreate(SQLModel):
    code: str | None = None
    note: str | None = None


class DebtUpdate(SQLModel):
    note: str | MISSING | None = MISSING


class Debts(CRUDRepository[Debt, DebtCreate, DebtUpdate]): ...


class Stamp(Base, table=True):
    """The server makes its key and its rank, the model does not say how."""

    id: int = Field(default=None, sa_column=Column(BigInteger, FetchedValue(), primary_key=True))
    code: str | None = Field(default=None, unique=True)
    rank: int = Field(default=None, sa_column=Column(Integer, FetchedValue(), nullable=False))


class StampCreate(SQLModel):
    code: str | MISSING | None = MISSING
    rank: int | MISSING = MISSING


class StampUpdate(SQLModel): ...


class Stamps(CRUDRepository[Stamp, StampCreate, StampUpdate]): ...


COUPONS = Sequence("coupon_numbers", start=-1, increment=-1, metadata=TYPES.metadata)


class Coupon(Base, table=True):
    """A sequence counts its numbers down."""

    id: int = Field(
        default=None,
        sa_column=Column(
            BigInteger, Sequence("coupon_numbers", start=-1, increment=-1, metadata=TYPES.metadata), primary_key=True
        ),
    )
    code: str | None = Field(default=None, unique=True)
    note: str | None = None


class Coupons(CRUDRepository[Coupon, DebtCreate, DebtUpdate]): ...


@pytest.fixture
def session(own_tables: str) -> Iterator[Session]:
    with Database(own_tables) as database:
        init_db(database, TYPES.metadata)
        with database.session() as session:
            yield session


@pytest.fixture
def stamps(session: Session) -> Stamps:
    with session.begin():
        for statement in (
            "ALTER TABLE stamp ALTER id ADD GENERATED ALWAYS AS IDENTITY",
            "ALTER TABLE stamp ALTER rank SET DEFAULT 7",
        ):
            session.connection().execute(text(statement))
    return Stamps(session)


@pytest.mark.parametrize("repository", [Debts, Coupons])
def test_rows_with_falling_numbers_come_back_in_the_order_of_the_data(session: Session, repository: Any) -> None:
    rows = repository(session)
    data = [DebtCreate(note=note) for note in "bac"]
    assert [(row.id, row.note) for row in rows.create_many(data)] == [(-1, "b"), (-2, "a"), (-3, "c")]


def test_new_rows_with_null_and_falling_numbers_come_back_in_the_order_of_the_data(session: Session) -> None:
    data = [DebtCreate(note=note) for note in "bac"]
    made = Debts(session).upsert_many(data, on=col(Debt.code))
    assert [(one.row.note, one.outcome) for one in made] == [(note, "inserted") for note in "bac"]


def test_new_rows_whose_key_the_server_alone_knows_are_counted_only(stamps: Stamps) -> None:
    data = [StampCreate(code=code) for code in "ab"]
    with pytest.raises(UsageError, match=r"^Stamp\.id is given by the server in a way that the model does not declare"):
        stamps.create_many(data)
    assert stamps.count() == 0
    assert stamps.create_many(data, returning=False) == 2
    nameless = [StampCreate(code=None), StampCreate(code="c")]
    with pytest.raises(UsageError, match=r"so rows with None in their key cannot be returned in the order of the data"):
        stamps.upsert_many(nameless, on=col(Stamp.code))
    made = stamps.upsert_many([StampCreate(code=code) for code in "cba"], on=col(Stamp.code))
    assert [(one.row.code, one.outcome) for one in made] == [("c", "inserted"), ("b", "unchanged"), ("a", "unchanged")]
    for _ in range(2):
        assert stamps.upsert(nameless[0], on=col(Stamp.code)).inserted
        assert stamps.get_or_create(nameless[0], on=col(Stamp.code)).inserted


def test_a_default_that_the_server_alone_knows_is_set_by_every_row_or_by_none(stamps: Stamps) -> None:
    mixed = [StampCreate(code="a", rank=1), StampCreate(code="b")]
    said = r"^only some rows set Stamp\.rank, whose default the server alone knows: set it in every row or in none$"
    for call in (
        lambda: stamps.create_many(mixed, returning=False),
        lambda: stamps.upsert_many(mixed, on=col(Stamp.code)),
    ):
        with pytest.raises(UsageError, match=said):
            call()
    assert stamps.create_many(mixed[:1], returning=False) == stamps.create_many(mixed[1:], returning=False) == 1
    assert [(stamp.code, stamp.rank) for stamp in stamps.list()] == [("a", 1), ("b", 7)]


def test_an_upsert_of_a_row_without_its_key_is_refused(stamps: Stamps) -> None:
    for call in (stamps.upsert, stamps.get_or_create):
        with pytest.raises(InvalidDataError, match=r"code: the key of on= needs a value$"):
            call(StampCreate(rank=1), on=col(Stamp.code))
    with pytest.raises(InvalidDataError) as raised:
        stamps.upsert_many([StampCreate(code="a"), StampCreate(rank=1)], on=col(Stamp.code))
    assert [problem.location for problem in raised.value.problems] == [(1, "code")]
    assert stamps.count() == 0
