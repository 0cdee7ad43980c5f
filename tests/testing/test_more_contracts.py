"""More entities keep the contract; of the twins, the synchronous one is enough to see it."""

# mypy: disable-error-code="mutable-override"
# A subclass of a contract sets its attributes once, in the class.

from collections.abc import Sequence

import pytest
from sqlmodel import Session, col
from typing_extensions import override

from backend import Database
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
from tests.testing.medals import (
    Medal,
    MedalCreate,
    MedalRepository,
    MedalUpdate,
    Vote,
    VoteCreate,
    VoteRepository,
    VoteUpdate,
)


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


@pytest.mark.usefixtures("odd_tables")
class TestVotes(RepositoryContract[Vote, VoteCreate, VoteUpdate, int, int]):
    repository = VoteRepository
    examples = tuple(VoteCreate(choice=choice) for choice in "abc")
    change = VoteUpdate(choice="none")
    owners = (1, 2)


@pytest.mark.usefixtures("odd_tables")
def test_what_a_contract_lacks_is_named(db: Database) -> None:
    contract: RepositoryContract[Vote, VoteCreate, VoteUpdate, int, int] = TestVotes()
    contract.owners = ()
    with pytest.raises(AssertionError, match=r"TestVotes needs owners = \(…, …\), two of int"):
        contract.test_list_is_in_the_order_of_the_key(db)
    contract.owners, contract.examples = (1, 2), contract.examples[:2]
    with pytest.raises(AssertionError, match="TestVotes needs at least 3 examples, got 2"):
        contract.test_list_is_in_the_order_of_the_key(db)


class TestPartly(RepositoryContract[Project, ProjectCreate, ProjectUpdate]):
    __test__ = False
    repository = ProjectRepository


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "TestPartly does not say what it checks: add change = …"),
        ({"change": ProjectUpdate()}, "TestPartly needs at least 3 examples, got 0"),
        (
            {"change": ProjectUpdate(), "on": col(Project.name)},
            r"TestPartly.on is an? \w+, expected a tuple: on = \(col\(Model.field\),\)",
        ),
        (
            {"change": ProjectUpdate(), "examples": (ProjectCreate(name="a"),) * 3},
            "TestPartly needs examples that the table takes together, for each of two owners: create of Project",
        ),
    ],
    ids=["change", "examples", "a column as the key", "examples with the same key"],
)
def test_a_mistake_in_a_contract_is_named(
    db: Database, monkeypatch: pytest.MonkeyPatch, attributes: dict[str, object], message: str
) -> None:
    for name, value in attributes.items():
        monkeypatch.setattr(TestPartly, name, value, raising=False)
    with pytest.raises(AssertionError, match=message):
        TestPartly().test_list_is_in_the_order_of_the_key(db)
