"""A repository class shares the statements of its base, where it changes nothing that they are made of."""

from typing import Any

from pydantic import BaseModel
from sqlalchemy import Engine
from sqlmodel import col

from backend import CRUDRepository, Database
from backend.repository.metadata import RepositoryMetadata
from backend.tasks import Task, TaskCreate, TaskRepository


class _Same(TaskRepository):
    pass


class _SameAgain(_Same, owner=col(Task.user_id), version=col(Task.updated_at)):
    pass


class _Title(BaseModel):
    title: str


def _metadata(cls: type[CRUDRepository[Any, Any, Any]]) -> RepositoryMetadata[Any]:
    metadata: RepositoryMetadata[Any] = vars(cls)["_class_metadata"]
    return metadata


def _statements(cls: type[CRUDRepository[Any, Any, Any]]) -> tuple[object, ...]:
    """Return the statements of a class, in the order of its scopes."""
    metadata = _metadata(cls)
    view = metadata.view(_Title)
    others = (view, metadata.with_before)
    return (
        metadata.scoped,
        metadata.unscoped,
        *(one.statements(scoped=is_one) for one in others for is_one in (True, False)),
    )


def test_a_subclass_shares_them() -> None:
    shared = _statements(TaskRepository)
    assert len(set(shared)) == 6
    assert _statements(_Same) == shared
    assert _statements(_SameAgain) == shared


def test_what_is_made_of_something_else_has_its_own() -> None:
    base = _metadata(TaskRepository)
    for definition, shared in (
        (base.definition, True),
        ((*base.definition[:1], BaseModel, *base.definition[2:]), False),
    ):
        other = RepositoryMetadata("Other", base.entity, definition, base)
        assert (other.scoped is base.scoped) is shared
        assert (other.unscoped is base.unscoped) is shared
        assert (other.view(_Title) is base.view(_Title)) is shared


def test_what_a_call_says_is_the_subclass_s_own(clean: Engine) -> None:
    with Database(clean) as database, database.session() as session:
        tasks = _Same(session).owned_by("a")
        made = tasks.create(TaskCreate(title="one"))
        assert tasks.toggle_complete(made.id).completed
        assert "_Same" in repr(tasks)
        assert TaskRepository(session).owned_by("a").get_one(made.id).completed
