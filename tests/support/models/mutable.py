"""An entity whose values and relationships SQLAlchemy itself takes part in: mutable JSON, a computed column_property,
a parent and its children, a routed session."""

from typing import Any

from pydantic import MISSING
from sqlalchemy import BigInteger, Column, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import column_property
from sqlmodel import Field, Relationship, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository


class Rack(SQLModel, table=True):
    """A parent; its children are a relationship."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    name: str = Field(sa_type=Text)

    jars: list["Jar"] = Relationship(back_populates="rack")


class Jar(SQLModel, table=True):
    """A child with a mutable column."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    rack_id: int | None = Field(default=None, foreign_key="rack.id", sa_type=BigInteger)
    labels: dict[str, Any] = Field(sa_column=Column(MutableDict.as_mutable(JSONB), nullable=False))

    rack: Rack | None = Relationship(back_populates="jars")


class RackCreate(SQLModel):
    name: str


class RackUpdate(SQLModel):
    name: str | MISSING = MISSING


class JarCreate(SQLModel):
    rack_id: int | None = None
    labels: dict[str, Any]


class JarUpdate(SQLModel):
    labels: dict[str, Any] | MISSING = MISSING


class JarRepository(CRUDRepository[Jar, JarCreate, JarUpdate]): ...


class AsyncJarRepository(AsyncCRUDRepository[Jar, JarCreate, JarUpdate]): ...


class RackRepository(CRUDRepository[Rack, RackCreate, RackUpdate]): ...


class AsyncRackRepository(AsyncCRUDRepository[Rack, RackCreate, RackUpdate]): ...


class Measured(SQLModel, table=True):
    """With a column that the model computes, which is no column of its table."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    text: str = Field(sa_type=Text)


Measured.__mapper__.add_property("length", column_property(func.length(col(Measured.text))))  # type: ignore[attr-defined]


class MeasuredCreate(SQLModel):
    text: str


class MeasuredUpdate(SQLModel):
    text: str | MISSING = MISSING


class MeasuredRepository(CRUDRepository[Measured, MeasuredCreate, MeasuredUpdate]): ...


class AsyncMeasuredRepository(AsyncCRUDRepository[Measured, MeasuredCreate, MeasuredUpdate]): ...
