"""Our own entities keep the contract."""

# mypy: disable-error-code="mutable-override"
# A subclass of a contract sets its attributes once, in the class.

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from backend.testing import AsyncRepositoryContract
from tests.support.models.bulk import AsyncSeatRepository, Seat, SeatCreate, SeatId, SeatUpdate
from tests.support.models.suite import (
    AsyncBadgeRepository,
    AsyncEntryRepository,
    AsyncNoteRepository,
    AsyncProjectRepository,
    AsyncShelfRepository,
    AsyncTicketRepository,
    Badge,
    BadgeCreate,
    BadgeUpdate,
    Entry,
    EntryCreate,
    EntryId,
    EntryUpdate,
    Note,
    NoteCreate,
    NoteUpdate,
    Project,
    ProjectCreate,
    ProjectUpdate,
    Shelf,
    ShelfCreate,
    ShelfUpdate,
    Ticket,
    TicketCreate,
    TicketUpdate,
)
from tests.testing.medals import AsyncMedalRepository, Medal, MedalCreate, MedalUpdate


class TestTasks(AsyncRepositoryContract[Task, TaskCreate, TaskUpdate]):
    repository = AsyncTaskRepository
    examples = tuple(TaskCreate(title=title, description="as it is") for title in "abc")
    change = TaskUpdate(title="changed", completed=True)


class TestNotes(AsyncRepositoryContract[Note, NoteCreate, NoteUpdate, UUID]):
    repository = AsyncNoteRepository
    examples = tuple(NoteCreate(text=text, rank=1) for text in "abc")
    change = NoteUpdate(rank=None)


class TestProjects(AsyncRepositoryContract[Project, ProjectCreate, ProjectUpdate]):
    repository = AsyncProjectRepository
    examples = tuple(ProjectCreate(name=name) for name in "abc")
    change = ProjectUpdate(name="changed")
    on = (col(Project.name),)


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


class TestBadges(AsyncRepositoryContract[Badge, BadgeCreate, BadgeUpdate]):
    repository = AsyncBadgeRepository
    change = BadgeUpdate(code="changed")
    on = (col(Badge.code),)

    @override
    async def prepare(self, session: AsyncSession, owner: str) -> Sequence[BadgeCreate]:
        return [BadgeCreate(code=f"{owner}-{code}") for code in "abc"]


@pytest.mark.usefixtures("odd_tables")
class TestSeats(AsyncRepositoryContract[Seat, SeatCreate, SeatUpdate, SeatId]):
    """The client chooses the key, and nothing else can be changed."""

    repository = AsyncSeatRepository
    examples = tuple(SeatCreate(room=room, number=1) for room in "cab")
    change = SeatUpdate()
    on = (col(Seat.number), col(Seat.room))


@pytest.mark.usefixtures("odd_tables")
class TestMedals(AsyncRepositoryContract[Medal, MedalCreate, MedalUpdate, str]):
    repository = AsyncMedalRepository
    examples = tuple(MedalCreate(code=code, metal="tin", note="as it is") for code in "cab")
    change = MedalUpdate(metal="gold")
    on = (col(Medal.code),)
