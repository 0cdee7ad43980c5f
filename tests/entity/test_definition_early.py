"""Owners of classes that cannot be defined yet, and of models that another has replaced."""

from types import new_class
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint, inspect
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncCRUDRepository, CRUDRepository
from backend.entity.checks import owner_columns
from backend.entity.entity import CreateT, UpdateT
from backend.errors import DefinitionError, UsageError
from backend.tasks import TaskRepository
from tests.support.models.invalid import NAMED, RENAMED, owned, repository, schema
from tests.support.models.suite import Ticket

exists: Any = sqlalchemy.exists
select: Any = sqlalchemy.select
ROOTS: list[Any] = [CRUDRepository, AsyncCRUDRepository]


def _early(root: Any, model: Any, owner: Any) -> Any:
    """A class whose schemas do not exist yet."""
    return new_class("Early", (root[model, "NotYet", "NorThis"],), {"owner": owner})


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("named", ["attribute", "column", "both"])
def test_a_class_with_forward_references_is_owned_before_its_first_use(root: Any, named: str) -> None:
    model = owned(f"Early{root.__name__}{named.title()}")
    table: Table = model.__table__
    _early(root, "Later" if named == "both" else model, table.c.owner_id if named == "column" else col(model.owner_id))
    assert owner_columns()[table.fullname] is table.c.owner_id


def test_a_base_with_open_arguments_is_owned_at_once() -> None:
    model = owned("EarlyOpen")

    new_class("Open", (ROOTS[0][model, CreateT, UpdateT],), {"owner": col(model.owner_id)})
    assert owner_columns()[model.__table__.fullname] is model.__table__.c.owner_id


def test_a_wrong_early_class_is_refused_when_it_is_used() -> None:
    model = owned("EarlyWrong")
    before = dict(owner_columns())
    unattached: list[Any] = [sqlalchemy.column("owner_id"), sqlalchemy.Column("owner_id")]
    owners: list[Any] = [None, "owner_id", 1, col(Ticket.owner_id).desc(), *unattached]
    for owner in owners:
        _early(CRUDRepository, model, owner)
    assert dict(owner_columns()) == before


@pytest.mark.parametrize(("root", "session"), [(CRUDRepository, Session), (AsyncCRUDRepository, AsyncSession)])
def test_an_early_class_is_complete_once_its_schemas_exist(
    root: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = owned(f"EarlyThen{root.__name__}")
    early = _early(root, model, col(model.owner_id))
    early.__module__ = __name__
    with pytest.raises(DefinitionError, match="names a class that does not exist"):
        early(session())
    monkeypatch.setitem(globals(), "NotYet", NAMED)
    monkeypatch.setitem(globals(), "NorThis", RENAMED)
    assert early(session()).owned_by("a") is not None


@pytest.mark.parametrize("root", ROOTS)
def test_an_early_class_and_another_that_disagree_are_refused_in_either_order(root: Any) -> None:
    first, second = owned(f"EarlyFirst{root.__name__}"), owned(f"EarlySecond{root.__name__}")
    whole = schema("New", name=str, owner_id=str)
    _early(root, first, col(first.owner_id))
    with pytest.raises(DefinitionError, match=r"Wrong has owner none for .*, Early has owner_id: all repositories"):
        repository(first, whole, RENAMED)
    with pytest.raises(DefinitionError, match=r"Early has owner name for .*, Early has owner_id: all repositories"):
        _early(root, first, col(first.name))
    repository(first, NAMED, RENAMED, owner=col(first.owner_id))
    repository(second, whole, RENAMED)
    with pytest.raises(DefinitionError, match=r"Early has owner owner_id for .*, Wrong has none: all repositories"):
        _early(root, second, col(second.owner_id))
    assert second.__table__.fullname not in owner_columns()


def test_a_foreign_key_to_the_model_of_an_early_class_contains_the_owner() -> None:
    parent, other = owned("EarlyParent", UniqueConstraint("id", "owner_id")), owned("EarlyOther")
    reference = {"parent_id": (int, Field(foreign_key=f"{parent.__table__.fullname}.id"))}
    _early(CRUDRepository, parent, col(parent.owner_id))
    child = owned("EarlyChild", **reference)
    with_parent = schema("WithParent", name=str, parent_id=int)
    with pytest.raises(DefinitionError, match=r"refers to .*, which has owners, and lets one see"):
        repository(child, with_parent, RENAMED, owner=col(child.owner_id))
    late = owned("EarlyLate", other_id=(int, Field(foreign_key=f"{other.__table__.fullname}.id")))
    repository(late, schema("WithOther", name=str, other_id=int), RENAMED, owner=col(late.owner_id))
    with pytest.raises(DefinitionError, match=r"refers to .*, which has owners, and lets one see"):
        _early(CRUDRepository, other, col(other.owner_id))


def test_a_statement_that_reads_the_model_of_an_early_class_is_held() -> None:
    model = owned("EarlyRead")
    tasks: Any = TaskRepository(Session()).owned_by("a")
    _early(CRUDRepository, model, col(model.owner_id))
    with pytest.raises(UsageError, match="select from its model"):
        tasks.count(exists(select(model.__table__.c.id)))


# A cell of a notebook that is run again


class Run(SQLModel, registry=registry()): ...


def _cell(*, owner: bool = True, early: bool = False) -> Any:
    class Cell(Run, table=True):
        __table_args__ = (UniqueConstraint("owner_id", "name"), {"extend_existing": True})
        id: int = Field(default=None, primary_key=True)
        owner_id: str
        name: str

    if early:
        _early(CRUDRepository, Cell, col(Cell.owner_id))
    elif owner:
        repository(Cell, NAMED, RENAMED, owner=col(Cell.owner_id))
    else:
        repository(Cell, schema("New", name=str, owner_id=str), RENAMED)
    return Cell


@pytest.mark.filterwarnings("ignore")
def test_an_entity_can_be_declared_again_with_the_same_owner() -> None:
    models = [_cell() for _ in range(3)]
    table: Any = inspect(models[-1]).local_table
    assert owner_columns()["cell"] is table.c.owner_id
    with pytest.raises(DefinitionError, match="Wrong has owner none for Cell, Wrong has owner_id: all repositories"):
        _cell(owner=False)
    assert isinstance(owner_columns()["cell"].table, Table)
    for _ in range(2):
        table = inspect(_cell(early=True)).local_table
        assert owner_columns()["cell"] is table.c.owner_id


@pytest.mark.filterwarnings("ignore")
def test_a_foreign_key_may_refer_to_an_entity_that_is_declared_again() -> None:
    class Part(Run, table=True):
        __table_args__ = (ForeignKeyConstraint(["owner_id", "name"], ["cell.owner_id", "cell.name"]),)
        id: int = Field(default=None, primary_key=True)
        owner_id: str
        name: str

    _cell()
    _cell()
    assert repository(Part, NAMED, RENAMED, owner=col(Part.owner_id))
