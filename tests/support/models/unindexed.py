"""Models whose repositories read what no index serves."""

from typing import Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import BigInteger, Identity, MetaData, PrimaryKeyConstraint, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel, col

from backend import CRUDRepository

METADATA = MetaData()


class _Base(SQLModel, registry=registry(metadata=METADATA)):
    """Has names of its own."""


class Account(_Base, table=True):
    """Owned, with an index of the key alone."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    owner_id: str = Field(sa_type=Text)

    remarks: list["Remark"] = Relationship(
        sa_relationship_kwargs={"primaryjoin": "Account.id == foreign(Remark.about)", "viewonly": True}
    )


class Entry(_Base, table=True):
    """The owner is the first column of the key, so that it serves one owner's rows."""

    __table_args__: ClassVar[tuple[Any, ...]] = (PrimaryKeyConstraint("owner_id", "number"),)

    owner_id: str = Field(sa_type=Text)
    number: int = Field(sa_type=BigInteger)
    account_id: int | None = Field(default=None, foreign_key="account.id", sa_type=BigInteger)


class Remark(_Base, table=True):
    """No repository, and no foreign key of what it refers to."""

    id: int = Field(default=None, primary_key=True)
    about: int = Field(sa_type=BigInteger)


class AccountCreate(BaseModel):
    """The owner is all that an account has."""


class EntryCreate(BaseModel):
    number: int
    account_id: int | None = None


class Unchanged(BaseModel):
    """Nothing can be changed."""


class AccountRepository(CRUDRepository[Account, AccountCreate, Unchanged], owner=col(Account.owner_id)): ...


class EntryRepository(
    CRUDRepository[Entry, EntryCreate, Unchanged, tuple[str, int]],
    owner=col(Entry.owner_id),
    shared_keys=(col(Entry.account_id),),
): ...
