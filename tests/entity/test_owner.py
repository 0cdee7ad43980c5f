"""Who may be an owner, before any statement: `owned_by` on a repository class, without a database."""

from enum import StrEnum
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import Field, Session, col

from backend.errors import DefinitionError, UsageError
from tests.support.models.invalid import NAMED, RENAMED, Local, owned, repository
from tests.support.models.suite import NoteRepository


class Numbered(Local, table=True):
    """Owned by a number."""

    id: int = Field(default=None, primary_key=True)
    owner_id: int
    name: str


class Team(StrEnum):
    RED = "red"


@pytest.fixture(scope="module")
def named() -> Any:
    model = owned("NamedOwner")
    return repository(model, NAMED, RENAMED, owner=col(model.owner_id))


@pytest.fixture(scope="module")
def numbered() -> Any:
    return repository(Numbered, NAMED, RENAMED, int, int, owner=col(Numbered.owner_id))


def test_owned_by_refuses_none(named: Any) -> None:
    with pytest.raises(
        UsageError, match=r"the owner of NamedOwner is None, expected a str: pass the owner to owned_by"
    ):
        named(Session()).owned_by(None)


@pytest.mark.parametrize("owner", [1, b"a", ("a",)])
def test_owned_by_refuses_an_owner_of_another_type(named: Any, owner: object) -> None:
    with pytest.raises(UsageError, match=r"an owner of NamedOwner is a str, got an? \w+: pass a str to owned_by\(\)"):
        named(Session()).owned_by(owner)


def test_owned_by_refuses_an_owner_that_its_column_cannot_store(named: Any) -> None:
    with pytest.raises(UsageError, match=r"the column cannot store this str: text holds a NUL"):
        named(Session()).owned_by("a\0b")


def test_owned_by_refuses_a_member_of_an_enum_for_a_text(named: Any) -> None:
    with pytest.raises(UsageError, match=r"cannot store this Team: its column holds text, .*: pass its value$"):
        named(Session()).owned_by(Team.RED)


@pytest.mark.parametrize("owner", [True, "1", 1.0])
def test_owned_by_refuses_a_bool_for_a_number(numbered: Any, owner: object) -> None:
    with pytest.raises(UsageError, match=r"an owner of Numbered is an int, got an? \w+: pass an int to"):
        numbered(Session()).owned_by(owner)


def test_owned_by_takes_an_empty_text_and_zero(named: Any, numbered: Any) -> None:
    assert named(Session()).owned_by("") is not None
    assert numbered(Session()).owned_by(0) is not None


def test_owned_by_of_a_scoped_repository_is_refused(named: Any) -> None:
    with pytest.raises(UsageError, match=r"this \w+ is for an owner already: call owned_by\(\) on \w+\(session\)"):
        named(Session()).owned_by("").owned_by("b")


def test_owned_by_of_a_model_without_an_owner_is_refused() -> None:
    with pytest.raises(UsageError, match="Note has no owner: use the repository as it is"):
        NoteRepository(Session()).owned_by("a")


@pytest.mark.parametrize("onupdate", ["bob", lambda: "bob", func.current_user()], ids=["text", "function", "SQL"])
@pytest.mark.parametrize(("key", "what"), [("owner_id", "owner"), ("id", "primary key")])
def test_a_key_or_owner_with_onupdate_is_refused(key: str, what: str, onupdate: Any) -> None:
    is_key = key == "id"
    changing: Any = Field(default=None, primary_key=is_key, sa_column_kwargs={"onupdate": onupdate})
    model = owned(f"Changing{what.title().replace(' ', '')}{id(onupdate)}", **{key: (int if is_key else str, changing)})
    message = rf"^Changing\w+\.{key} is the {what}, which never changes: remove its onupdate$"
    with pytest.raises(DefinitionError, match=message):
        repository(model, NAMED, RENAMED, owner=col(model.owner_id))
