"""More entities keep the contract; of the twins, the synchronous one is enough to see it."""

# mypy: disable-error-code="mutable-override"
# A subclass of a contract sets its attributes once, in the class.

from collections.abc import Sequence

import pytest
from sqlmodel import Session, col
from typing_extensions import override

from backend.testing import RepositoryContract
from tests.support.models.bulk import Seat, SeatCreate, SeatId, SeatRepository, SeatUpdate
from tests.support.models.suite import (
    Badge,
    BadgeCreate,
    BadgeRepository,
    BadgeUpdate,
    Project,
    ProjectCreate,
    ProjectRepository,
    ProjectUpdate,
)
from tests.testing.medals import Medal, MedalCreate, MedalRepository, MedalUpdate


class TestProjects(RepositoryContract[Project, ProjectCreate, ProjectUpdate]):
    repository = ProjectRepository
    examples = tuple(ProjectCreate(name=name) for name in "abc")
    change = ProjectUpdate(name="changed")
    on = (col(Project.name),)


class TestBadges(RepositoryContract[Badge, BadgeCreate, BadgeUpdate]):
    repository = BadgeRepository
    change = BadgeUpdate(code="changed")
    on = (col(Badge.code),)

    @override
    def prepare(self, session: Session, owner: str) -> Sequence[BadgeCreate]:
        return [BadgeCreate(code=f"{owner}-{code}") for code in "abc"]


@pytest.mark.usefixtures("odd_tables")
class TestSeats(RepositoryContract[Seat, SeatCreate, SeatUpdate, SeatId]):
    """The client chooses the key, and nothing else can be changed."""

    repository = SeatRepository
    examples = tuple(SeatCreate(room=room, number=1) for room in "cab")
    change = SeatUpdate()
    on = (col(Seat.number), col(Seat.room))


@pytest.mark.usefixtures("odd_tables")
class TestMedals(RepositoryContract[Medal, MedalCreate, MedalUpdate, str]):
    repository = MedalRepository
    examples = tuple(MedalCreate(code=code, metal="tin", note="as it is") for code in "cab")
    change = MedalUpdate(metal="gold")
    on = (col(Medal.code),)
