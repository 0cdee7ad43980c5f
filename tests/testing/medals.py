"""Entities as the suite has no others: a full update, a key that the client chooses, an owner that is a number."""

from pydantic import MISSING
from sqlalchemy import MetaData, Text
from sqlmodel import Field, SQLModel, col

from backend import CRUDRepository

METADATA = MetaData()


class Medal(SQLModel, table=True):
    """Without owner and version; its update schema requires a field."""

    metadata = METADATA

    code: str = Field(primary_key=True, sa_type=Text)
    metal: str = Field(sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)


class MedalCreate(SQLModel):
    code: str
    metal: str
    note: str | None = None


class MedalUpdate(SQLModel):
    metal: str
    note: str | None = None


class MedalRepository(CRUDRepository[Medal, MedalCreate, MedalUpdate, str]): ...


class Vote(SQLModel, table=True):
    metadata = METADATA

    id: int = Field(default=None, primary_key=True)
    voter: int
    choice: str = Field(sa_type=Text)


class VoteCreate(SQLModel):
    choice: str


class VoteUpdate(SQLModel):
    choice: str | MISSING = MISSING


class VoteRepository(CRUDRepository[Vote, VoteCreate, VoteUpdate, int, int], owner=col(Vote.voter)): ...
