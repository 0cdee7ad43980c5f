# Generated from tests/behaviour/_async/test_shared_keys.py by `python -m tools.generate_sync`: edit that one.
"""What shared keys reveal to another owner: that a value is taken or a row is there, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from backend.errors import ForeignKeyViolationError, RepositoryError, UniqueViolationError
from tests.support.models.suite import (
    Badge,
    BadgeCreate,
    BadgeRepository,
    BadgeUpdate,
    Project,
    ProjectCreate,
    ProjectRepository,
)
from tests.support.wire import WireProxy


@pytest.fixture
def badges(session: Session) -> BadgeRepository:
    return BadgeRepository(session).owned_by("a")


@pytest.fixture
def home(session: Session) -> Project:
    """A project of owner "a"."""
    return ProjectRepository(session).owned_by("a").create(ProjectCreate(name="home"))


@pytest.fixture
def theirs(session: Session) -> Badge:
    """A badge of owner "b" for a project of theirs."""
    project = ProjectRepository(session).owned_by("b").create(ProjectCreate(name="secret"))
    return BadgeRepository(session).owned_by("b").create(BadgeCreate(code="theirs", project_id=project.id))


def observed(call: Callable[[Any], object], value: str | int, error: type[RepositoryError], proxy: WireProxy) -> object:
    """Everything that a caller can see of a call that fails, but for the value that the caller gave."""
    with proxy.watch() as seen, pytest.raises(error) as raised:
        call(value)
    attributes = {name: given for name, given in vars(raised.value).items() if name != "driver_error"}
    told = (raised.value.details, raised.value.retryable, raised.value.outcome)
    cause = (raised.value.__cause__, raised.value.__context__)
    text = repr((repr(raised.value), str(raised.value), attributes, told, cause))
    return (text.replace(f"({value})", "(VALUE)"), [one.sql for one in seen.statements])


def test_a_taken_value_is_refused_alike_whether_own_or_foreign(
    badges: BadgeRepository, theirs: Badge, proxy: WireProxy
) -> None:
    badges.create(BadgeCreate(code="mine"))
    mine = badges.create(BadgeCreate(code="another of mine"))
    calls: list[Callable[[Any], object]] = [
        lambda code: badges.create(BadgeCreate(code=code)),
        lambda code: badges.update(mine.id, BadgeUpdate(code=code)),
    ]
    for call in calls:
        own = observed(call, "mine", UniqueViolationError, proxy)
        assert own == observed(call, "theirs", UniqueViolationError, proxy)


def test_a_refused_value_leaves_the_other_owners_row_alone(
    session: Session, badges: BadgeRepository, theirs: Badge
) -> None:
    with pytest.raises(UniqueViolationError) as raised:
        badges.create(BadgeCreate(code="theirs"))
    assert (raised.value.details.model, raised.value.details.operation) == ("Badge", "create")
    assert badges.list() == []
    assert badges.get(theirs.id) is None
    assert BadgeRepository(session).owned_by("b").list() == [theirs]


def test_a_shared_reference_tells_that_a_row_exists_and_not_whose_it_is(
    session: Session, badges: BadgeRepository, theirs: Badge, home: Project
) -> None:
    assert theirs.project_id is not None
    for project_id in (home.id, theirs.project_id):
        made = badges.create(BadgeCreate(code=f"{project_id}", project_id=project_id))
        assert (made.owner_id, made.project_id) == ("a", project_id)
    with pytest.raises(ForeignKeyViolationError):
        badges.create(BadgeCreate(code="none", project_id=theirs.project_id + 1_000_000))
    projects = ProjectRepository(session).owned_by("a")
    assert projects.get(theirs.project_id) is None


def test_a_row_that_is_referred_to_is_refused_alike_whether_by_own_or_foreign(
    session: Session, badges: BadgeRepository, theirs: Badge, home: Project, proxy: WireProxy
) -> None:
    projects = ProjectRepository(session).owned_by("a")
    second = projects.create(ProjectCreate(name="second"))
    badges.create(BadgeCreate(code="mine", project_id=home.id))
    BadgeRepository(session).owned_by("b").create(BadgeCreate(code="more", project_id=second.id))
    own = observed(projects.delete, home.id, ForeignKeyViolationError, proxy)
    assert own == observed(projects.delete, second.id, ForeignKeyViolationError, proxy)
