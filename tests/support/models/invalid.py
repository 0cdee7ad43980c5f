"""Models that wrong and right classes are defined of: in a registry of their own, so that no database has them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from types import new_class
from typing import Any, Optional, Self
from uuid import UUID

from pydantic import BaseModel, create_model, model_validator
from sqlalchemy import (
    Computed,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    column,
    func,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository

REGISTRY = registry(metadata=MetaData())


class Local(SQLModel, registry=REGISTRY):
    """Base of the models here."""

    metadata = REGISTRY.metadata


class Hero(Local, table=True):
    """No owner, one column of most kinds, and a relationship to a model that does not exist."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=20)
    code: str = Field(default=None, min_length=2, max_length=8, nullable=True)
    age: int | None = Field(default=None, ge=0, lt=200)
    price: Decimal = Field(default=None, sa_column_kwargs={"server_default": "1"})
    born_at: datetime | None = None
    key: UUID | None = None
    initial: str = Field(default=None, sa_type=Text, sa_column_args=[Computed(func.left(column("name"), 1))])
    team_id: int | None = Field(default=None, sa_type=Integer)
    missions: list["Mission"] = Relationship(back_populates="hero")  # type: ignore[name-defined]  # noqa: F821 - never made


class HeroBase(SQLModel):
    """What table and schemas share, as the tutorial has it."""

    name: str = Field(max_length=20)


class HeroCreate(HeroBase): ...


class HeroUpdate(SQLModel):
    """The tutorial's form."""

    name: str | None = Field(default=None, max_length=20)
    age: int | None = Field(default=None, ge=0, lt=200)


class Bill(Local, table=True):
    """Owned and versioned; its name is the owner's own."""

    __table_args__ = (UniqueConstraint("owner_id", "name"), UniqueConstraint("id", "owner_id"))

    id: int = Field(default=None, primary_key=True, sa_column_args=[Identity()])
    owner_id: str
    name: str
    amount: int = Field(default=0, sa_column_kwargs={"onupdate": column("amount", Integer()) + 1})
    updated_at: datetime = Field(
        default=None,
        sa_column_kwargs={
            "server_default": func.now(),
            "onupdate": func.greatest(func.clock_timestamp(), column("updated_at") + timedelta(microseconds=1)),
        },
    )


class BillCreate(SQLModel):
    name: str


class BillUpdate(SQLModel):
    name: Optional[str] = None  # noqa: UP045 - the old form is accepted too


class Bills(CRUDRepository[Bill, BillCreate, BillUpdate], owner=col(Bill.owner_id), version=col(Bill.updated_at)):
    """The right class of an owned model."""


class Mapped(SQLModel):
    """A schema, and no table."""

    name: str


class Checked(Local, table=True):
    """A validator of the whole, and a required field that only the database knows."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    made_at: datetime = Field(sa_type=DateTime, sa_column_kwargs={"server_default": func.now()})

    @model_validator(mode="after")
    def _passes(self) -> Self:
        return self


class Pair(Local, table=True):
    """Two key columns."""

    left: int = Field(primary_key=True)
    right: int = Field(primary_key=True)


class Animal(Local, table=True):
    """The base of a single-table inheritance."""

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    name: str


class Dog(Animal):
    """A class of its base's table."""


def owned(name: str, /, *constraints: Any, **columns: Any) -> Any:
    """An owned model with a name, these constraints and these further columns."""
    own: dict[str, Any] = {
        "id": (int, Field(default=None, primary_key=True)),
        "owner_id": (str, ...),
        "name": (str, ...),
        **columns,
    }
    annotations = {key: kind for key, (kind, _) in own.items()}
    defaults = {key: default for key, (_, default) in own.items() if default is not ...}
    body = {"__annotations__": annotations, "__module__": __name__, "__table_args__": constraints, **defaults}
    return new_class(name, (Local,), {"table": True}, lambda namespace: namespace.update(body))


def schema(name: str, /, **fields: Any) -> type[BaseModel]:
    """A pydantic model of these fields: a type, or a type and a default."""
    own: dict[str, Any] = {key: one if isinstance(one, tuple) else (one, ...) for key, one in fields.items()}
    made: type[BaseModel] = create_model(name, **own)
    return made


def repository(
    model: Any,
    create: Any,
    update: Any,
    *arguments: Any,
    name: str = "Wrong",
    root: Any = CRUDRepository,
    **keywords: Any,
) -> Any:
    """Defines a repository class."""
    return new_class(name, (root[(model, create, update, *arguments)],), keywords)


def asynchronous(model: Any, create: Any, update: Any, **keywords: Any) -> Any:
    """Defines an asynchronous repository class."""
    return repository(model, create, update, root=AsyncCRUDRepository, **keywords)


NAMED = schema("Named", name=str)
RENAMED = schema("Renamed", name=(str | None, None))
Define = Callable[[], object]
