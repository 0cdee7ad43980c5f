"""The entities that every behaviour is shown for, and how a test makes and changes one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncCRUDRepository
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.support.models.bulk import (
    AsyncChosenRepository,
    AsyncCountedRepository,
    AsyncDrawnRepository,
    ChosenCreate,
    CountedCreate,
)
from tests.support.models.suite import (
    AsyncEntryRepository,
    AsyncNoteRepository,
    AsyncProjectRepository,
    AsyncTicketRepository,
    Entry,
    EntryCreate,
    EntryId,
    EntryUpdate,
    Note,
    NoteCreate,
    NoteUpdate,
    ProjectCreate,
    Ticket,
    TicketCreate,
    TicketUpdate,
)

Anything = AsyncCRUDRepository[Any, Any, Any, Any, Any]
"""A repository of whichever entity, as the suite sees it."""


@dataclass(frozen=True)
class Rows:
    """The rows of one owner, and how a test adds to them."""

    repository: Anything
    new: Callable[[str], BaseModel]

    async def create(self, text: str = "one") -> Any:
        return await self.repository.create(self.new(text))


def _id_of(row: Any) -> Any:
    return row.id


@dataclass(frozen=True)
class Case:
    """One entity: its repository, data to create and change it with, and what a row shows of them."""

    name: str
    repository: type[Anything]
    new: Callable[[AsyncSession, str], Awaitable[Callable[[str], BaseModel]]]
    """Prepares what rows of an owner need, and returns what makes create data of a text."""
    change: Callable[[str], BaseModel]
    nothing: BaseModel
    text: str
    """The attribute that holds the text."""
    column: SQLColumnExpression[Any]
    id_of: Callable[[Any], Any] = _id_of
    id_with: Callable[[int], Any] = int
    """An id with this number in it."""
    number: str = "id"
    """The attribute that holds the number."""
    owned: bool = True
    versioned: str | None = None

    async def rows(self, session: AsyncSession, owner: str = "a") -> Rows:
        return Rows(self.of(session, owner), await self.new(session, owner))

    def version_of(self, row: SQLModel | None) -> Any:
        return getattr(row, str(self.versioned))

    def of(self, session: AsyncSession, owner: str) -> Anything:
        """The entity's repository, for one owner where it has owners."""
        repository = self.repository(session)
        return repository.owned_by(owner) if self.owned else repository

    def has_text(self, text: str) -> ColumnElement[bool]:
        return self.column == text

    def text_of(self, row: SQLModel | None) -> str:
        return str(getattr(row, self.text))


async def _task(_session: AsyncSession, _owner: str) -> Callable[[str], BaseModel]:
    return lambda text: TaskCreate(title=text)


async def _note(_session: AsyncSession, _owner: str) -> Callable[[str], BaseModel]:
    return lambda text: NoteCreate(text=text)


async def _ticket(session: AsyncSession, owner: str) -> Callable[[str], BaseModel]:
    project = await AsyncProjectRepository(session).owned_by(owner).create(ProjectCreate(name="home"))
    project_id = project.id
    return lambda text: TicketCreate(project_id=project_id, title=text)


async def _entry(_session: AsyncSession, _owner: str) -> Callable[[str], BaseModel]:
    return lambda text: EntryCreate(journal="home", text=text)


CASES: list[Case] = [
    Case(
        "task",
        AsyncTaskRepository,
        _task,
        lambda text: TaskUpdate(title=text),
        TaskUpdate(),
        "title",
        col(Task.title),
        versioned="updated_at",
    ),
    Case(
        "note",
        AsyncNoteRepository,
        _note,
        lambda text: NoteUpdate(text=text),
        NoteUpdate(),
        "text",
        col(Note.text),
        id_with=lambda number: UUID(int=number),
        owned=False,
        versioned="revision",
    ),
    Case(
        "ticket",
        AsyncTicketRepository,
        _ticket,
        lambda text: TicketUpdate(title=text),
        TicketUpdate(),
        "title",
        col(Ticket.title),
    ),
    Case(
        "entry",
        AsyncEntryRepository,
        _entry,
        lambda text: EntryUpdate(text=text),
        EntryUpdate(),
        "text",
        col(Entry.text),
        lambda row: EntryId(row.number, row.journal, row.owner_id),
        lambda number: EntryId(number, "home", "a"),
        "number",
        versioned="revision",
    ),
]
each_owned = pytest.mark.parametrize("case", [case for case in CASES if case.owned], ids=lambda case: case.name)
each_versioned = pytest.mark.parametrize("case", [case for case in CASES if case.versioned], ids=lambda case: case.name)

BULK_KINDS: dict[str, tuple[type[Any], type[BaseModel]]] = {
    "counted key": (AsyncCountedRepository, CountedCreate),
    "drawn key": (AsyncDrawnRepository, CountedCreate),
    "chosen key": (AsyncChosenRepository, ChosenCreate),
}
"""The entities of `models/bulk`: the repository and the create schema."""
