"""The columns of the two tables as SQLAlchemy's declarative mapping, for the peers that take one."""

from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import BigInteger, DateTime, Identity, column, false, func
from sqlalchemy.orm import Mapped, mapped_column

_TIMESTAMP = DateTime(timezone=True)
_NEXT = func.greatest(
    func.clock_timestamp(), column("updated_at", _TIMESTAMP) + timedelta(microseconds=1), type_=_TIMESTAMP
)


class TaskColumns:
    """The columns of `Task`, as they are in the database."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    title: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    completed: Mapped[bool] = mapped_column(server_default=false())
    user_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), onupdate=_NEXT)


class LabelColumns:
    """The columns of `Label`."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[str]
    name: Mapped[str]
    colour: Mapped[str]


class TaskRead(BaseModel):
    """A task as a peer returns it."""

    id: int
    title: str
    description: str | None
    completed: bool
    user_id: str
    created_at: datetime
    updated_at: datetime
