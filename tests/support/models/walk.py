"""An owned entity to sort by: columns with and without NULLs, of types whose order or text is special."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Double, Identity, Index, Text
from sqlmodel import Field, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository


class Post(SQLModel, table=True):
    """A row of a list that is read in pages."""

    __table_args__ = (
        Index("ix_post_owner_rank_id", "owner_id", "rank", "id"),
        Index("ix_post_owner_at_id", "owner_id", "at", "id"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    owner_id: str = Field(sa_type=Text)
    rank: int | None = None
    weight: float | None = Field(default=None, sa_type=Double)
    label: str | None = Field(default=None, sa_type=Text)
    at: datetime = Field(sa_type=DateTime(timezone=True))


class PostCreate(SQLModel):
    rank: int | None = None
    weight: float | None = None
    label: str | None = None
    at: datetime


class PostUpdate(SQLModel):
    rank: int | None = None
    label: str | None = None


class PostRepository(CRUDRepository[Post, PostCreate, PostUpdate], owner=col(Post.owner_id)): ...


class AsyncPostRepository(AsyncCRUDRepository[Post, PostCreate, PostUpdate], owner=col(Post.owner_id)): ...
