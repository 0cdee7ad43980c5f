"""Models for upserts: one for each kind of unique key, with columns that an upsert changes and that it moves itself."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import MISSING
from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Sequence,
    Text,
    UniqueConstraint,
    column,
    func,
)
from sqlmodel import Field, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository

METADATA = MetaData()
NUMBERS = Sequence("parcel_numbers", metadata=METADATA)
_ONE_MORE: Any = {"server_default": "1", "onupdate": column("revision", Integer()) + 1}
_LATER: Any = {
    "server_default": func.now(),
    "onupdate": func.greatest(func.clock_timestamp(), column("updated_at", DateTime(timezone=True))),
}


class _Columns(SQLModel):
    metadata = METADATA

    note: str | None = Field(default=None, sa_type=Text)
    level: int = Field(default=7, sa_type=Integer, sa_column_kwargs={"server_default": "7"})
    price: Decimal | None = Field(default=None, sa_type=Numeric)
    moved: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"onupdate": lambda: 5})
    revision: int = Field(default=None, sa_type=Integer, sa_column_kwargs=_ONE_MORE)


class _Create(SQLModel):
    note: str | None = None
    level: int | MISSING = MISSING
    price: Decimal | MISSING | None = MISSING


class _Update(SQLModel):
    note: str | MISSING | None = MISSING


class Parcel(_Columns, table=True):
    """Owned; a key of the owner and two columns, of which one may be NULL, in another order; numbered by a sequence."""

    __table_args__ = (UniqueConstraint("place", "owner", "code"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[NUMBERS])
    owner: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    place: int | None = None


class ParcelCreate(_Create):
    code: str
    place: int | None = None


class ParcelRepository(
    CRUDRepository[Parcel, ParcelCreate, _Update], owner=col(Parcel.owner), version=col(Parcel.revision)
): ...


class AsyncParcelRepository(
    AsyncCRUDRepository[Parcel, ParcelCreate, _Update], owner=col(Parcel.owner), version=col(Parcel.revision)
): ...


class Country(_Columns, table=True):
    """No owner; the primary key is the client's."""

    code: str = Field(primary_key=True, sa_type=Text)


class CountryCreate(_Create):
    code: str


class CountryRepository(CRUDRepository[Country, CountryCreate, _Update, str], version=col(Country.revision)): ...


class AsyncCountryRepository(
    AsyncCRUDRepository[Country, CountryCreate, _Update, str], version=col(Country.revision)
): ...


class Draft(_Columns, table=True):
    """Owned; a key of the rows that are not archived, which may be NULL; a drawn primary key."""

    __table_args__ = (Index("uq_draft", "code", "owner", unique=True, postgresql_where=column("archived").is_(False)),)

    id: UUID = Field(default=None, primary_key=True, sa_column_kwargs={"server_default": func.gen_random_uuid()})
    owner: str = Field(sa_type=Text)
    code: str | None = Field(default=None, sa_type=Text)
    archived: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})


class DraftCreate(_Create):
    code: str | None
    archived: bool | MISSING = MISSING


class DraftRepository(
    CRUDRepository[Draft, DraftCreate, _Update, UUID], owner=col(Draft.owner), version=col(Draft.revision)
): ...


class AsyncDraftRepository(
    AsyncCRUDRepository[Draft, DraftCreate, _Update, UUID], owner=col(Draft.owner), version=col(Draft.revision)
): ...


class Slot(_Columns, table=True):
    """No owner; a key in which NULL equals NULL, and keys that no upsert takes; a version of time."""

    __table_args__ = (
        UniqueConstraint("code", "place", postgresql_nulls_not_distinct=True),
        UniqueConstraint("id", "note", deferrable=True),
        Index("uq_slot_abs_id", func.abs(column("id")), "note", unique=True),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    code: str = Field(sa_type=Text)
    place: int | None = None
    updated_at: datetime = Field(default=None, sa_type=DateTime(timezone=True), sa_column_kwargs=_LATER)


class SlotCreate(_Create):
    code: str
    place: int | None = None


class SlotRepository(CRUDRepository[Slot, SlotCreate, _Update], version=col(Slot.revision)): ...


class AsyncSlotRepository(AsyncCRUDRepository[Slot, SlotCreate, _Update], version=col(Slot.revision)): ...
