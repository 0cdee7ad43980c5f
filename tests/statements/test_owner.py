"""Who may be an owner, before any statement: `owned_by` on a repository class, without a database."""

from typing import Any

import pytest
from sqlmodel import Field, Session, col

from backend.errors import UsageError
from tests.support.definitions import NAMED, RENAMED, Local, owned, repository
from tests.support.entities import NoteRepository


class Numbered(Local, table=True):
    """Owned by a number."""

    id: int = Field(default=None, primary_key=True)
    owner_id: int
    name: str


@pytest.fixture(scope="module")
def named() -> Any:
    model = owned("NamedOwner")
    return repository(model, NAMED, RENAMED, owner=col(model.owner_id))


@pytest.fixture(scope="module")
def numbered() -> Any:
    return repository(Numbered, NAMED, RENAMED, int, int, owner=col(Numbered.owner_id))


def test_none_is_no_owner(named: Any) -> None:
    with pytest.raises(
        UsageError, match=r"the owner of NamedOwner is None, expected a str: pass the owner to owned_by"
    ):
        named(Session()).owned_by(None)


@pytest.mark.parametrize("owner", [1, b"a", ("a",)])
def test_an_owner_of_another_type_is_refused(named: Any, owner: object) -> None:
    with pytest.raises(UsageError, match=r"an owner of NamedOwner is a str, got an? \w+: pass a str to owned_by\(\)"):
        named(Session()).owned_by(owner)


def test_what_its_column_cannot_hold_is_no_owner(named: Any) -> None:
    with pytest.raises(UsageError, match=r"^invalid owner for NamedOwner: the column cannot store this str$"):
        named(Session()).owned_by("a\0b")


@pytest.mark.parametrize("owner", [True, "1", 1.0])
def test_a_truth_value_is_no_number(numbered: Any, owner: object) -> None:
    with pytest.raises(UsageError, match=r"an owner of Numbered is an int, got an? \w+: pass an int to"):
        numbered(Session()).owned_by(owner)


def test_an_empty_text_and_zero_are_owners(named: Any, numbered: Any) -> None:
    assert named(Session()).owned_by("") is not None
    assert numbered(Session()).owned_by(0) is not None


def test_an_owner_is_not_changed_for_another(named: Any) -> None:
    with pytest.raises(UsageError, match=r"this \w+ is for an owner already: call owned_by\(\) on \w+\(session\)"):
        named(Session()).owned_by("").owned_by("b")


def test_a_model_without_an_owner_takes_none() -> None:
    with pytest.raises(UsageError, match="Note has no owner: use the repository as it is"):
        NoteRepository(Session()).owned_by("a")
