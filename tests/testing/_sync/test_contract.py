# Generated from tests/testing/_async/test_contract.py by `python -m tools.generate_sync`: edit that one.
"""Our own entities keep the contract."""

# mypy: disable-error-code="mutable-override"
# A subclass of a contract sets its attributes once, in the class.

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col
from typing_extensions import override

from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from backend.testing import RepositoryContract
from tests.support.models.suite import (
    Entry,
    EntryCreate,
    EntryId,
    EntryRepository,
    EntryUpdate,
    Note,
    NoteCreate,
    NoteRepository,
    NoteUpdate,
    ProjectCreate,
    ProjectRepository,
    Shelf,
    ShelfCreate,
    ShelfRepository,
    ShelfUpdate,
    Ticket,
    TicketCreate,
    TicketRepository,
    TicketUpdate,
)


class TestTasks(RepositoryContract[Task, TaskCreate, TaskUpdate]):
    repository = TaskRepository
    examples = tuple(TaskCreate(title=title, description="as it is") for title in "abc")
    change = TaskUpdate(title="changed", completed=True)


class TestNotes(RepositoryContract[Note, NoteCreate, NoteUpdate, UUID]):
    repository = NoteRepository
    examples = tuple(NoteCreate(text=text, rank=1) for text in "abc")
    change = NoteUpdate(rank=None)


class TestTickets(RepositoryContract[Ticket, TicketCreate, TicketUpdate]):
    repository = TicketRepository
    change = TicketUpdate(assignee="ada")

    @override
    def prepare(self, session: Session, owner: str) -> Sequence[TicketCreate]:
        project = ProjectRepository(session).owned_by(owner).create(ProjectCreate(name="home"))
        return [TicketCreate(project_id=project.id, title=title) for title in "abc"]


class TestEntries(RepositoryContract[Entry, EntryCreate, EntryUpdate, EntryId]):
    repository = EntryRepository
    examples = tuple(EntryCreate(journal=journal, text="as it is") for journal in "cab")
    change = EntryUpdate(text="changed")


class TestShelves(RepositoryContract[Shelf, ShelfCreate, ShelfUpdate]):
    repository = ShelfRepository
    change = ShelfUpdate(note="changed")
    on = (col(Shelf.code),)

    @override
    def prepare(self, session: Session, owner: str) -> Sequence[ShelfCreate]:
        return [ShelfCreate(code=code, label=f"{owner}'s {code}") for code in "abc"]
