"""What shared keys reveal to another owner: that a value is taken or a row is there, and nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.errors import ForeignKeyViolationError, RepositoryError, UniqueViolationError
from tests.support.models.suite import (
    AsyncBadgeRepository,
    AsyncProjectRepository,
    Badge,
    BadgeCreate,
    BadgeUpdate,
    Project,
    ProjectCreate,
)
from tests.support.wire import WireProxy


@pytest.fixture
def badges(session: AsyncSession) -> AsyncBadgeRepository:
    return AsyncBadgeRepository(session).owned_by("a")


@pytest.fixture
async def home(session: AsyncSession) -> Project:
    """A project of owner "a"."""
    return await AsyncProjectRepository(session).owned_by("a").create(ProjectCreate(name="home"))


@pytest.fixture
async def theirs(session: AsyncSession) -> Badge:
    """A badge of owner "b" for a project of theirs."""
    project = await AsyncProjectRepository(session).owned_by("b").create(ProjectCreate(name="secret"))
    return await AsyncBadgeRepository(session).owned_by("b").create(BadgeCreate(code="theirs", project_id=project.id))


async def observed(
    call: Callable[[Any], Awaitable[object]], value: str | int, error: type[RepositoryError], proxy: WireProxy
) -> object:
    """Everything that a caller can see of a call that fails, but for the value that the caller gave."""
    with proxy.watch() as seen, pytest.raises(error) as raised:
        await call(value)
    attributes = {name: given for name, given in vars(raised.value).items() if name != "driver_error"}
    told = (raised.value.details, raised.value.retryable, raised.value.outcome)
    cause = (raised.value.__cause__, raised.value.__context__)
    text = repr((repr(raised.value), str(raised.value), attributes, told, cause))
    return (text.replace(f"({value})", "(VALUE)"), [one.sql for one in seen.statements])


async def test_a_taken_value_is_refused_alike_whether_own_or_foreign(
    badges: AsyncBadgeRepository, theirs: Badge, proxy: WireProxy
) -> None:
    await badges.create(BadgeCreate(code="mine"))
    mine = await badges.create(BadgeCreate(code="another of mine"))
    calls: list[Callable[[Any], Awaitable[object]]] = [
        lambda code: badges.create(BadgeCreate(code=code)),
        lambda code: badges.update(mine.id, BadgeUpdate(code=code)),
    ]
    for call in calls:
        own = await observed(call, "mine", UniqueViolationError, proxy)
        assert own == await observed(call, "theirs", UniqueViolationError, proxy)


async def test_a_refused_value_leaves_the_other_owners_row_alone(
    session: AsyncSession, badges: AsyncBadgeRepository, theirs: Badge
) -> None:
    with pytest.raises(UniqueViolationError) as raised:
        await badges.create(BadgeCreate(code="theirs"))
    assert (raised.value.details.model, raised.value.details.operation) == ("Badge", "create")
    assert await badges.list() == []
    assert await badges.get(theirs.id) is None
    assert await AsyncBadgeRepository(session).owned_by("b").list() == [theirs]


async def test_a_shared_reference_tells_that_a_row_exists_and_not_whose_it_is(
    session: AsyncSession, badges: AsyncBadgeRepository, theirs: Badge, home: Project
) -> None:
    assert theirs.project_id is not None
    for project_id in (home.id, theirs.project_id):
        made = await badges.create(BadgeCreate(code=f"{project_id}", project_id=project_id))
        assert (made.owner_id, made.project_id) == ("a", project_id)
    with pytest.raises(ForeignKeyViolationError):
        await badges.create(BadgeCreate(code="none", project_id=theirs.project_id + 1_000_000))
    projects = AsyncProjectRepository(session).owned_by("a")
    assert await projects.get(theirs.project_id) is None


async def test_a_row_that_is_referred_to_is_refused_alike_whether_by_own_or_foreign(
    session: AsyncSession, badges: AsyncBadgeRepository, theirs: Badge, home: Project, proxy: WireProxy
) -> None:
    projects = AsyncProjectRepository(session).owned_by("a")
    second = await projects.create(ProjectCreate(name="second"))
    await badges.create(BadgeCreate(code="mine", project_id=home.id))
    await AsyncBadgeRepository(session).owned_by("b").create(BadgeCreate(code="more", project_id=second.id))
    own = await observed(projects.delete, home.id, ForeignKeyViolationError, proxy)
    assert own == await observed(projects.delete, second.id, ForeignKeyViolationError, proxy)
