"""An application for `check --models`: owners, a composite foreign key, an enum, a check, indexes of several kinds."""

from datetime import datetime
from enum import Enum as PythonEnum
from typing import Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    false,
    func,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository

METADATA = MetaData()
_TIME = DateTime(timezone=True)


class _Base(SQLModel, registry=registry(metadata=METADATA)):
    """Has names of its own: other tests have a `Gist` too."""


class State(PythonEnum):
    OPEN = "open"
    DONE = "done"


class Country(_Base, table=True):
    """Without an owner; its key is the client's."""

    code: str = Field(primary_key=True, sa_type=String(2))
    name: str = Field(sa_type=Text)


class Plan(_Base, table=True):
    __table_args__: ClassVar[tuple[Any, ...]] = (
        UniqueConstraint("owner_id", "id", name="uq_plan_owner_id_id"),
        UniqueConstraint("owner_id", "name", name="uq_plan_owner_id_name"),
        Index("ix_plan_country_code", "country_code"),
        Index("ix_plan_open", "owner_id", "version", postgresql_where=column("archived").is_(false())),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    owner_id: str = Field(sa_type=Text)
    name: str = Field(max_length=50, sa_type=String(50))
    state: State = Field(default=State.OPEN, sa_type=Enum(State, name="state"))
    archived: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    country_code: str | None = Field(default=None, foreign_key="country.code", sa_type=String(2))
    version: int = Field(default=None, sa_column_kwargs={"server_default": "1", "onupdate": column("version") + 1})

    gists: list["Gist"] = Relationship(back_populates="plan")


class Gist(_Base, table=True):
    __table_args__: ClassVar[tuple[Any, ...]] = (
        PrimaryKeyConstraint("id", name="pk_gist"),
        ForeignKeyConstraint(
            ["owner_id", "plan_id"], ["plan.owner_id", "plan.id"], name="fk_gist_plan", ondelete="CASCADE"
        ),
        CheckConstraint(func.length(column("title")) > 0, name="ck_gist_title"),
        Index("ix_gist_owner_id_id", "owner_id", "id"),
        Index("ix_gist_owner_id_at", "owner_id", column("at", _TIME).desc(), "id"),
        Index("ix_gist_owner_id_plan_id", "owner_id", "plan_id"),
        Index("ix_gist_title", func.lower(column("title"))),
    )

    id: int = Field(default=None, sa_column=Column("id", Integer(), primary_key=True))
    owner_id: str = Field(sa_type=Text)
    plan_id: int = Field(sa_type=BigInteger)
    title: str = Field(sa_type=Text)
    at: datetime = Field(default=None, sa_type=_TIME, sa_column_kwargs={"server_default": func.now()})

    plan: Plan = Relationship(back_populates="gists")
    tags: list["Tag"] = Relationship(sa_relationship_kwargs={"secondary": "tagging", "viewonly": True})


class Tag(_Base, table=True):
    id: int = Field(default=None, primary_key=True)
    name: str = Field(sa_type=Text)


TAGGING = Table(
    "tagging",
    METADATA,
    Column("gist_id", Integer(), ForeignKey("gist.id"), primary_key=True),
    Column("tag_id", Integer(), ForeignKey("tag.id"), primary_key=True),
    Index("ix_tagging_tag_id", "tag_id"),
)


class CountryCreate(BaseModel):
    code: str = Field(max_length=2)
    name: str


class Unchanged(BaseModel):
    """Nothing can be changed."""


class PlanCreate(BaseModel):
    name: str = Field(max_length=50)
    country_code: str | None = Field(default=None, max_length=2)


class GistCreate(BaseModel):
    plan_id: int
    title: str


class CountryRepository(CRUDRepository[Country, CountryCreate, Unchanged, str]): ...


class PlanRepository(
    CRUDRepository[Plan, PlanCreate, Unchanged], owner=col(Plan.owner_id), version=col(Plan.version)
): ...


class GistRepository(CRUDRepository[Gist, GistCreate, Unchanged], owner=col(Gist.owner_id)): ...


class AsyncGistRepository(AsyncCRUDRepository[Gist, GistCreate, Unchanged], owner=col(Gist.owner_id)): ...
