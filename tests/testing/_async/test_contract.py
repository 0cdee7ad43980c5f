"""Our own entities keep the contract."""

# mypy: disable-error-code="mutable-override"
# A subclass of a contract sets its attributes once, in the class.

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from backend.testing import AsyncRepositoryContract
from tests.support.models.suite import (
    AsyncEntryRepository,
    AsyncNoteRepository,
    AsyncProjectRepository,
    AsyncShelfRepository,
    AsyncTicketRepository,
    Entry,
    EntryCreate,
    EntryId,
    EntryUpdate,
    Note,
    NoteCreate,
    NoteUpdate,
    ProjectCreate,
    Shelf,
    ShelfCreate,
    ShelfUpdate,
    Ticket,
    TicketCreate,
    TicketUpdate,
)


class TestTasks(AsyncRepositoryContract[Task, TaskCreate, TaskUpdate]):
    repository = AsyncTaskRepository
    examples = tuple(TaskCreate(title=title, description="as it is") for title in "abc")
    change = TaskUpdate(title="changed", completed=True)


class TestNotes(AsyncRepositoryContract[Note, NoteCreate, NoteUpdate, UUID]):
    repository = AsyncNoteRepository
    examples = tuple(NoteCreate(text=text, rank=1) for text in "abc")
    change = NoteUpdate(rank=None)


class TestTickets(AsyncRepositoryContract[Ticket, TicketCreate, TicketUpdate]):
    repository = AsyncTicketRepository
    change = TicketUpdate(assignee="ada")

    @override
    async def prepare(self, session: AsyncSession, owner: str) -> Sequence[TicketCreate]:
        project = await AsyncProjectRepository(session).owned_by(owner).create(ProjectCreate(name="home"))
        return [TicketCreate(project_id=project.id, title=title) for title in "abc"]


class TestEntries(AsyncRepositoryContract[Entry, EntryCreate, EntryUpdate, EntryId]):
    repository = AsyncEntryRepository
    examples = tuple(EntryCreate(journal=journal, text="as it is") for journal in "cab")
    change = EntryUpdate(text="changed")


class TestShelves(AsyncRepositoryContract[Shelf, ShelfCreate, ShelfUpdate]):
    repository = AsyncShelfRepository
    change = ShelfUpdate(note="changed")
    on = (col(Shelf.code),)

    @override
    async def prepare(self, session: AsyncSession, owner: str) -> Sequence[ShelfCreate]:
        return [ShelfCreate(code=code, label=f"{owner}'s {code}") for code in "abc"]
