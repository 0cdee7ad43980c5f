"""The entities of the behaviour suite beside `Task`.

One without an owner, an owned parent and its owned child, and one whose key has several columns, the owner's too.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from pydantic import MISSING
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    ForeignKeyConstraint,
    Row,
    String,
    Text,
    UniqueConstraint,
    bindparam,
    func,
)
from sqlmodel import Field, Relationship, SQLModel, col

from backend import (
    AsyncCRUDRepository,
    Change,
    CRUDRepository,
    generated_key,
    generated_uuid_key,
    number_version,
    typed,
)


class Note(SQLModel, table=True):
    """No owner, a UUID key that the database generates, an integer version."""

    id: UUID = generated_uuid_key()
    text: str = Field(sa_type=Text)
    rank: int | None = None
    revision: int = number_version()


class NoteCreate(SQLModel):
    text: str
    rank: int | None = None


class NoteUpdate(SQLModel):
    """The classic form of a patch: what is not set is not touched."""

    text: str | None = None
    rank: int | None = None


class NoteRepository(CRUDRepository[Note, NoteCreate, NoteUpdate, UUID], version=col(Note.revision)): ...


class AsyncNoteRepository(AsyncCRUDRepository[Note, NoteCreate, NoteUpdate, UUID], version=col(Note.revision)): ...


class Project(SQLModel, table=True):
    """An owned parent; its name is unique for each owner."""

    __table_args__ = (
        UniqueConstraint("owner_id", "name", name="uq_project_owner_id_name"),
        UniqueConstraint("id", "owner_id", name="uq_project_id_owner_id"),
    )

    id: int = generated_key()
    owner_id: str = Field(sa_type=Text)
    name: str = Field(max_length=40, sa_type=String(40))

    tickets: list["Ticket"] = Relationship(back_populates="project")


class ProjectCreate(SQLModel):
    name: str = Field(max_length=40)


class ProjectUpdate(SQLModel):
    name: str | MISSING = Field(default=MISSING, max_length=40)


class ProjectRepository(CRUDRepository[Project, ProjectCreate, ProjectUpdate], owner=col(Project.owner_id)): ...


class AsyncProjectRepository(
    AsyncCRUDRepository[Project, ProjectCreate, ProjectUpdate], owner=col(Project.owner_id)
): ...


class Ticket(SQLModel, table=True):
    """An owned child: its key to the parent contains the owner, so no ticket reaches another owner's project."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "owner_id"], ["project.id", "project.owner_id"], name="fk_ticket_project_id_owner_id"
        ),
    )

    id: int = generated_key()
    owner_id: str = Field(sa_type=Text)
    project_id: int = Field(sa_type=BigInteger)
    title: str = Field(sa_type=Text)
    opened_on: date = Field(default=None, sa_type=Date, sa_column_kwargs={"server_default": func.current_date()})
    assignee: str | None = Field(default=None, sa_type=Text)

    project: Project = Relationship(back_populates="tickets")


class TicketCreate(SQLModel):
    project_id: int
    title: str
    assignee: str | None = None


class TicketUpdate(SQLModel):
    title: str | MISSING = MISSING
    assignee: str | MISSING | None = MISSING


_CLAIM = Change(typed(Ticket.assignee).to(bindparam("claimant", type_=Text())), where=col(Ticket.assignee).is_(None))


def _is_open() -> ColumnElement[bool]:
    return col(Ticket.assignee).is_(None)


class TicketRepository(CRUDRepository[Ticket, TicketCreate, TicketUpdate], owner=col(Ticket.owner_id)):
    """A report, an aggregate, a join to the owned parent and a compare-and-set, written with the protected calls."""

    def open_count_by_day(self) -> Sequence[Row[date, int]]:
        day = col(Ticket.opened_on)
        return self._all(self._select(day, func.count()).where(_is_open()).group_by(day).order_by(day))

    def open_count(self) -> int | None:
        return self._scalar(self._select(func.count()).where(_is_open()))

    def with_project(self, id: int) -> Row[str, str] | None:
        """The titles of a ticket and of its project."""
        statement = self._select(col(Ticket.title), col(Project.name)).join(
            Project, (col(Project.id) == col(Ticket.project_id)) & (col(Project.owner_id) == col(Ticket.owner_id))
        )
        return self._one_or_none(statement.where(col(Ticket.id) == id))

    def claim(self, id: int, claimant: str) -> Ticket:
        """Sets the assignee of a ticket that has none. Raises `NotFoundError` if somebody was faster."""
        return self._change(id, _CLAIM, {"claimant": claimant})


class AsyncTicketRepository(AsyncCRUDRepository[Ticket, TicketCreate, TicketUpdate], owner=col(Ticket.owner_id)):
    """`TicketRepository`, awaited."""

    async def open_count_by_day(self) -> Sequence[Row[date, int]]:
        day = col(Ticket.opened_on)
        return await self._all(self._select(day, func.count()).where(_is_open()).group_by(day).order_by(day))

    async def open_count(self) -> int | None:
        return await self._scalar(self._select(func.count()).where(_is_open()))

    async def with_project(self, id: int) -> Row[str, str] | None:
        statement = self._select(col(Ticket.title), col(Project.name)).join(
            Project, (col(Project.id) == col(Ticket.project_id)) & (col(Project.owner_id) == col(Ticket.owner_id))
        )
        return await self._one_or_none(statement.where(col(Ticket.id) == id))

    async def claim(self, id: int, claimant: str) -> Ticket:
        return await self._change(id, _CLAIM, {"claimant": claimant})


class Entry(SQLModel, table=True):
    """A key of the owner, a client's text and a number of the database; an integer version."""

    owner_id: str = Field(primary_key=True, sa_type=Text)
    journal: str = Field(primary_key=True, sa_type=Text)
    number: int = generated_key()
    text: str = Field(sa_type=Text)
    revision: int = number_version()


class EntryId(NamedTuple):
    """Not in the order of the table."""

    number: int
    journal: str
    owner_id: str


class EntryCreate(SQLModel):
    journal: str
    text: str


class EntryUpdate(SQLModel):
    text: str | MISSING = MISSING


_DOUBLE = Change(typed(Entry.text).to(typed(Entry.text) + typed(Entry.text)))


class EntryRepository(
    CRUDRepository[Entry, EntryCreate, EntryUpdate, EntryId], owner=col(Entry.owner_id), version=col(Entry.revision)
):
    """A change of one row."""

    def double(self, id: EntryId) -> Entry:
        return self._change(id, _DOUBLE)


class AsyncEntryRepository(
    AsyncCRUDRepository[Entry, EntryCreate, EntryUpdate, EntryId],
    owner=col(Entry.owner_id),
    version=col(Entry.revision),
):
    """`EntryRepository`, awaited."""

    async def double(self, id: EntryId) -> Entry:
        return await self._change(id, _DOUBLE)


class Shelf(SQLModel, table=True):
    """Owned, with a key of each owner's rows and one that all owners share; an integer version."""

    __table_args__ = (UniqueConstraint("code", "owner_id", name="uq_shelf_code_owner_id"),)

    id: int = generated_key()
    owner_id: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    label: str | None = Field(default=None, sa_type=Text, unique=True)
    note: str | None = Field(default=None, sa_type=Text)
    revision: int = number_version()


class ShelfCreate(SQLModel):
    code: str
    label: str | None = None
    note: str | None = None


class ShelfUpdate(SQLModel):
    label: str | MISSING | None = MISSING
    note: str | MISSING | None = MISSING


class ShelfRepository(
    CRUDRepository[Shelf, ShelfCreate, ShelfUpdate],
    owner=col(Shelf.owner_id),
    version=col(Shelf.revision),
    shared_keys=(col(Shelf.label),),
): ...


class AsyncShelfRepository(
    AsyncCRUDRepository[Shelf, ShelfCreate, ShelfUpdate],
    owner=col(Shelf.owner_id),
    version=col(Shelf.revision),
    shared_keys=(col(Shelf.label),),
): ...


class Badge(SQLModel, table=True):
    """Owned, with keys that all owners share: a code, and a reference to whosever project."""

    id: int = generated_key()
    owner_id: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text, unique=True)
    project_id: int | None = Field(default=None, sa_type=BigInteger, foreign_key="project.id")


class BadgeCreate(SQLModel):
    code: str
    project_id: int | None = None


class BadgeUpdate(SQLModel):
    code: str | MISSING = MISSING
    project_id: int | MISSING | None = MISSING


class BadgeRepository(
    CRUDRepository[Badge, BadgeCreate, BadgeUpdate],
    owner=col(Badge.owner_id),
    shared_keys=(col(Badge.code), col(Badge.project_id)),
): ...


class AsyncBadgeRepository(
    AsyncCRUDRepository[Badge, BadgeCreate, BadgeUpdate],
    owner=col(Badge.owner_id),
    shared_keys=(col(Badge.code), col(Badge.project_id)),
): ...
