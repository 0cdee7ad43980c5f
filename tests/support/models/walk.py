"""An owned entity to sort by: columns with and without NULLs, of types whose order or text is special."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Double, Identity, Index, Text
from sqlmodel import Field, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository


class Entry(SQLModel, table=True):
    """A row of a list that is read in pages."""

    __table_args__ = (
        Index("ix_entry_owner_rank_id", "owner_id", "rank", "id"),
        Index("ix_entry_owner_at_id", "owner_id", "at", "id"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    owner_id: str = Field(sa_type=Text)
    rank: int | None = None
    weight: float | None = Field(default=None, sa_type=Double)
    label: str | None = Field(default=None, sa_type=Text)
    at: datetime = Field(sa_type=DateTime(timezone=True))


class EntryCreate(SQLModel):
    rank: int | None = None
    weight: float | None = None
    label: str | None = None
    at: datetime


class EntryUpdate(SQLModel):
    rank: int | None = None
    label: str | None = None


class EntryRepository(CRUDRepository[Entry, EntryCreate, EntryUpdate], owner=col(Entry.owner_id)): ...


class AsyncEntryRepository(AsyncCRUDRepository[Entry, EntryCreate, EntryUpdate], owner=col(Entry.owner_id)): ...
