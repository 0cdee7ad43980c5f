"""Models for calls on many rows: kinds of key, and columns of which some rows of a call set no value."""

from datetime import date
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import MISSING
from sqlalchemy import ARRAY, BigInteger, Dialect, Identity, Integer, MetaData, Text, column, func
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel, col
from typing_extensions import override

from backend import AsyncCRUDRepository, CRUDRepository


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Lowered(TypeDecorator[str]):
    """A type of the application's that writes by an SQL expression."""

    impl: Any = Text
    cache_ok: bool | None = True

    @override
    def bind_expression(self, bindparam: Any) -> Any:
        return func.lower(bindparam)


class Shifted(TypeDecorator[int]):
    """A type of the application's that converts values in Python."""

    impl: Any = Integer
    cache_ok: bool | None = True

    @override
    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else value + 100

    @override
    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else value - 100


def _label(context: Any) -> str:
    """A default that reads the other values of its row."""
    return f"label of {context.get_current_parameters()['name']}"


METADATA = MetaData()
_TEXTS: Any = ARRAY(Text)  # SQLModel names classes of types only
_SIZES: Any = EnumType(Size, name="bulk_size")


class _Columns(SQLModel):
    metadata = METADATA

    owner: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    level: int = Field(default=None, sa_type=Integer, sa_column_kwargs={"server_default": "7"})
    day: date = Field(default=None, sa_column_kwargs={"server_default": func.make_date(2026, 2, 3)})
    weight: int = Field(default=None, sa_type=Integer, sa_column_kwargs={"default": 3})
    label: str = Field(default=None, sa_type=Text, sa_column_kwargs={"default": _label})
    upper: int = Field(default=None, sa_type=Integer, sa_column_kwargs={"default": func.abs(-5)})
    size: Size = Field(
        default=None,
        sa_type=_SIZES,
        sa_column_kwargs={"server_default": "SMALL"},
    )
    tags: list[str] | None = Field(default=None, sa_type=_TEXTS)
    data: Any = Field(default=None, nullable=True, sa_type=JSONB)
    code: str | None = Field(default=None, sa_type=Lowered)
    offset: int | None = Field(default=None, sa_type=Shifted)
    revision: int = Field(
        default=None,
        sa_type=Integer,
        sa_column_kwargs={"server_default": "1", "onupdate": column("revision", Integer()) + 1},
    )


class _Create(SQLModel):
    name: str
    note: str | MISSING | None = MISSING
    level: int | MISSING = MISSING
    day: date | MISSING = MISSING
    weight: int | MISSING = MISSING
    label: str | MISSING = MISSING
    upper: int | MISSING = MISSING
    size: Size | MISSING = MISSING
    tags: list[str] | MISSING | None = MISSING
    data: Any = MISSING
    code: str | MISSING | None = MISSING
    offset: int | MISSING | None = MISSING


class _Update(SQLModel):
    name: str | MISSING = MISSING
    note: str | MISSING | None = MISSING
    level: int | MISSING = MISSING
    size: Size | MISSING = MISSING
    tags: list[str] | MISSING | None = MISSING
    data: Any = MISSING
    code: str | MISSING | None = MISSING
    offset: int | MISSING | None = MISSING


class Counted(_Columns, table=True):
    """A key that the database counts."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])


class CountedCreate(_Create): ...


class CountedUpdate(_Update): ...


class CountedRepository(
    CRUDRepository[Counted, CountedCreate, CountedUpdate], owner=col(Counted.owner), version=col(Counted.revision)
): ...


class AsyncCountedRepository(
    AsyncCRUDRepository[Counted, CountedCreate, CountedUpdate], owner=col(Counted.owner), version=col(Counted.revision)
): ...


class Drawn(_Columns, table=True):
    """A key that the database draws at random."""

    id: UUID = Field(default=None, primary_key=True, sa_column_kwargs={"server_default": func.gen_random_uuid()})


class DrawnRepository(
    CRUDRepository[Drawn, CountedCreate, CountedUpdate, UUID], owner=col(Drawn.owner), version=col(Drawn.revision)
): ...


class AsyncDrawnRepository(
    AsyncCRUDRepository[Drawn, CountedCreate, CountedUpdate, UUID], owner=col(Drawn.owner), version=col(Drawn.revision)
): ...


class Chosen(_Columns, table=True):
    """A key that the client chooses."""

    id: str = Field(primary_key=True, sa_type=Text)


class ChosenCreate(_Create):
    id: str


class ChosenRepository(
    CRUDRepository[Chosen, ChosenCreate, CountedUpdate, str],
    owner=col(Chosen.owner),
    version=col(Chosen.revision),
    shared_keys=(col(Chosen.id),),
): ...


class AsyncChosenRepository(
    AsyncCRUDRepository[Chosen, ChosenCreate, CountedUpdate, str],
    owner=col(Chosen.owner),
    version=col(Chosen.revision),
    shared_keys=(col(Chosen.id),),
): ...


class Seat(SQLModel, table=True):
    """A key of the owner and of two columns that the client chooses."""

    metadata = METADATA

    owner: str = Field(primary_key=True, sa_type=Text)
    room: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_type=Integer)


class SeatId(NamedTuple):
    owner: str
    room: str
    number: int


class SeatCreate(SQLModel):
    room: str
    number: int


class SeatUpdate(SQLModel): ...


class SeatRepository(CRUDRepository[Seat, SeatCreate, SeatUpdate, SeatId], owner=col(Seat.owner)): ...


class AsyncSeatRepository(AsyncCRUDRepository[Seat, SeatCreate, SeatUpdate, SeatId], owner=col(Seat.owner)): ...
