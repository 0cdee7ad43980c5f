"""The tables of the benchmarks beside `Task`: labels, which an owner's name for them identifies."""

from typing import ClassVar

from pydantic import BaseModel
from sqlalchemy import BigInteger, Constraint, Identity, PrimaryKeyConstraint, String, UniqueConstraint
from sqlmodel import Field, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository


class Label(SQLModel, table=True):
    """A label of one owner."""

    __table_args__: ClassVar[tuple[Constraint, ...]] = (
        PrimaryKeyConstraint("id", name="pk_label"),
        UniqueConstraint("user_id", "name", name="uq_label"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    user_id: str = Field(sa_type=String)
    name: str = Field(sa_type=String)
    colour: str = Field(sa_type=String)


class LabelCreate(BaseModel, extra="forbid"):
    """The fields of a new label."""

    name: str
    colour: str


class LabelUpdate(BaseModel, extra="forbid"):
    """The changes of a label."""

    colour: str


class LabelRepository(CRUDRepository[Label, LabelCreate, LabelUpdate], owner=col(Label.user_id)):
    """Labels on a session."""


class AsyncLabelRepository(AsyncCRUDRepository[Label, LabelCreate, LabelUpdate], owner=col(Label.user_id)):
    """Labels on an asynchronous session."""


class TaskView(BaseModel):
    """Some of the columns of a task."""

    id: int
    title: str
    completed: bool
