"""The model and its schemas are found in the type arguments, through any number of levels."""

from typing import Generic

import pytest
from sqlmodel import Field, Session, SQLModel, col
from typing_extensions import TypeVar

from backend import CRUDRepository
from backend.entity.type_arguments import type_arguments
from backend.errors import DefinitionError
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.support.models.suite import (
    Note,
    NoteCreate,
    NoteRepository,
    NoteUpdate,
    Project,
    ProjectCreate,
    ProjectUpdate,
)

ModelT = TypeVar("ModelT", bound=SQLModel)
CreateT = TypeVar("CreateT", bound=SQLModel)
UpdateT = TypeVar("UpdateT", bound=SQLModel)
OtherT = TypeVar("OtherT")


class Counting:
    """A mixin that is no repository."""

    def twice(self, value: int) -> int:
        return 2 * value


class Audited(CRUDRepository[ModelT, CreateT, UpdateT], Generic[ModelT, CreateT, UpdateT]):
    """A base that binds nothing yet."""


class Ordered(Audited[Project, CreateT, UpdateT], Generic[UpdateT, CreateT], owner=col(Project.owner_id)):
    """A base that binds the model, and turns the other two round."""


class Projects(Counting, Ordered[ProjectUpdate, ProjectCreate]): ...


class MoreProjects(Projects): ...


class Early(CRUDRepository["Later", "LaterCreate", "LaterUpdate"]): ...


class Never(CRUDRepository["Nowhere", NoteCreate, NoteUpdate]): ...  # type: ignore[name-defined]


class Later(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


class LaterCreate(SQLModel):
    name: str


class LaterUpdate(SQLModel):
    name: str | None = None


@pytest.mark.parametrize("cls", [Projects, MoreProjects])
def test_type_arguments_are_found_through_levels_and_mixins(cls: type[Projects]) -> None:
    assert type_arguments(cls, CRUDRepository) == (Project, ProjectCreate, ProjectUpdate, int, str)
    assert cls(Session()).twice(2) == 4
    assert cls(Session()).owned_by("a").session is not None


def test_a_type_parameter_without_an_argument_takes_its_default() -> None:
    assert type_arguments(NoteRepository, CRUDRepository)[:3] == (Note, NoteCreate, NoteUpdate)
    assert type_arguments(Early, CRUDRepository)[3:] == (int, str)


def test_a_forward_reference_is_resolved_at_the_first_use() -> None:
    Early(Session())
    assert type_arguments(Early, CRUDRepository)[:3] == (Later, LaterCreate, LaterUpdate)


def test_a_forward_reference_that_is_never_defined_is_an_error_at_the_first_use() -> None:
    with pytest.raises(DefinitionError, match=r"Never does not say what it holds, or names a class that does not ex"):
        Never(Session())


@pytest.mark.parametrize("base", [Audited, CRUDRepository])
def test_a_base_that_is_not_bound_cannot_be_used(base: type[Audited[SQLModel, SQLModel, SQLModel]]) -> None:
    with pytest.raises(DefinitionError, match=rf"class {base.__name__}\(CRUDRepository\[Model, Create, Update\]\)"):
        base(Session())


@pytest.mark.parametrize("turned", [False, True])
def test_a_base_that_binds_nothing_leaves_the_binding_of_another(turned: bool) -> None:
    class Bound(CRUDRepository[Later, LaterCreate, LaterUpdate]): ...

    both = type("Both", (Audited, Bound) if turned else (Bound, Audited), {})
    assert type_arguments(both, CRUDRepository)[:3] == (Later, LaterCreate, LaterUpdate)


def test_two_bases_that_disagree_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"Both inherits two bindings, Project and Note: keep one of them"):
        type("Both", (Projects, NoteRepository), {})


def test_a_subclass_inherits_owner_and_version() -> None:
    class Tasks(
        CRUDRepository[Task, TaskCreate, TaskUpdate], owner=col(Task.user_id), version=col(Task.updated_at)
    ): ...

    class Special(Tasks): ...

    Special(Session()).owned_by("a")
