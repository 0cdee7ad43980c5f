"""A class that cannot be a view of a model is refused at its first use, with a message that says what to change."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    RootModel,
    computed_field,
    create_model,
    field_validator,
)
from sqlalchemy import MetaData, bindparam, func, text
from sqlalchemy.orm import aliased, registry
from sqlmodel import Field as ColumnField
from sqlmodel import Session, SQLModel, col, select

from backend import CRUDRepository, shows
from backend.errors import DefinitionError, OwnerRequiredError
from backend.tasks import Task
from tests.support.models.invalid import Local, repository, schema
from tests.support.models.suite import Note, NoteRepository, Project, Ticket, TicketRepository


class Plain(Local, table=True):
    id: int | None = ColumnField(default=None, primary_key=True)
    name: str
    note: str | None = None
    rank: int | None = None
    amount: Decimal = Decimal(0)
    at: datetime


PLAIN: Any = repository(Plain, schema("New", name=(str, ...), at=(datetime, ...)), schema("Changed", name=(str, ...)))


def refusal(rows: Any, view: Any) -> str:
    with pytest.raises(DefinitionError) as raised:
        rows.as_(view)
    return str(raised.value)


def bound(rows: Any) -> Any:
    """What the calls of a repository run on."""
    return rows._bound


def tickets() -> TicketRepository:
    return TicketRepository(Session()).owned_by("a")


def view(**fields: Any) -> type[BaseModel]:
    return create_model("Line", **fields)


class Line(BaseModel):
    id: int


class Root(RootModel[int]): ...


class Empty(BaseModel): ...


class Unfinished(BaseModel):
    id: "Missing"  # type: ignore[name-defined]  # noqa: F821 - it is never defined


UNDEFINED = "Unfinished names Missing, which is not defined: define it before as_(Unfinished) is called"
NOT_A_VIEW: Mapping[str, tuple[Any, str]] = {
    "an instance": (Line(id=1), "as_() takes a class, got an instance of Line: write as_(Line)"),
    "a dict": (dict, "as_() takes a pydantic model, got the class dict: declare the fields to read as one"),
    "a text": ("id", "as_() takes a pydantic model, got a str: declare the fields to read as one"),
    "a table": (
        Ticket,
        "as_() takes a pydantic model without a table, got Ticket: leave as_() out to read a whole Ticket, or "
        "declare a class without table=True",
    ),
    "a root": (Root, "Root has no fields of its own: declare those to read, as name: type"),
    "no fields": (Empty, "Empty has no fields of its own: declare those to read, as name: type"),
    "no class yet": (Unfinished, UNDEFINED),
}


@pytest.mark.parametrize(("given", "message"), NOT_A_VIEW.values(), ids=NOT_A_VIEW)
def test_as_of_what_is_no_view_says_what_to_pass(given: Any, message: str) -> None:
    assert refusal(tickets(), given) == message


FIELDS: Mapping[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"titel": (str, ...)}, "Line.titel is no column of Ticket: did you mean 'title'?"),
    "unknown": (
        {"xyz": (str, ...)},
        "Line.xyz is no column of Ticket: its columns are id, owner_id, project_id, title, opened_on, assignee",
    ),
    "a default": (
        {"titel": (str, "")},
        "Line.titel has a default and is no column of Ticket (did you mean 'title'?): rename it, or make it a "
        "@computed_field",
    ),
    "NULL": (
        {"assignee": (str, ...)},
        "Line.assignee forbids None, and Ticket.assignee may be NULL: add | None to its type",
    ),
    "NULL of another name": (
        {"who": (str, shows(Ticket.assignee))},
        "Line.who forbids None, and Ticket.assignee may be NULL: add | None to its type",
    ),
    "another class": (
        {"title": (int, ...)},
        "Line.title is int, and Ticket.title holds str: declare it so, or convert it, "
        "Annotated[int, BeforeValidator(…)]",
    ),
    "a time of a day": (
        {"opened_on": (datetime, ...)},
        "Line.opened_on is datetime, and Ticket.opened_on holds date: declare it so, or convert it, "
        "Annotated[datetime, BeforeValidator(…)]",
    ),
    "another model": (
        {"project": (str, shows(Project.name))},
        "Line.project shows Project.name, which is no column of Ticket: write a subquery, "
        "shows(select(col(Project.name)).where(…).scalar_subquery())",
    ),
    "an expression of another model": (
        {"project": (int, shows(func.length(col(Project.name))))},
        "Line.project cannot be shown: a value on ticket names a column of project, which is not read here: "
        "write a subquery, typed(Model.field).in_(select(…))",
    ),
    "an alias": (
        {"other": (str, shows(aliased(Ticket).title))},
        "Line.other shows aliased(Ticket).title, which is no column of Ticket: write a subquery, "
        "shows(select(col(aliased(Ticket).title)).where(…).scalar_subquery())",
    ),
    "a value": (
        {"one": (int, shows(1))},
        "Line.one cannot be shown: a value is an int, expected an SQL expression: "
        "write an expression of typed(Model.field), or select(…).scalar_subquery()",
    ),
    "an aggregate": (
        {"n": (int, shows(func.count(col(Ticket.id))))},
        "Line.n shows count(), which gives no value for each row: write it in a subquery, select(…).scalar_subquery()",
    ),
    "several rows": (
        {"n": (int, shows(func.unnest(col(Ticket.title)) + 1))},
        "Line.n shows unnest(), which gives no value for each row: write it in a subquery, select(…).scalar_subquery()",
    ),
    "a parameter": (
        {"n": (int, shows(col(Ticket.id) + bindparam("n")))},
        "Line.n has the parameter 'n', which no call gives: write its value",
    ),
    "raw SQL": (
        {"n": (int, shows(col(Ticket.id).op("+")(text("1")).label("n")))},
        "Line.n cannot be shown: SQL in a string cannot be restricted to one owner: "
        "use expressions of the models' columns",
    ),
    "an owned table": (
        {"n": (int, shows(select(func.count()).select_from(Project.__table__).scalar_subquery()))},  # type: ignore[attr-defined]  # of a table model
        "Line.n cannot be shown: a subquery reads a table that has owners: select from its model, select(Model.id)",
    ),
}


@pytest.mark.parametrize(("fields", "message"), FIELDS.values(), ids=FIELDS)
def test_a_field_that_cannot_be_read_says_what_to_change(fields: dict[str, Any], message: str) -> None:
    assert refusal(tickets(), view(**fields)) == message


def test_a_view_of_a_model_without_owner_reads_no_owned_table() -> None:
    tasks = view(n=(int, shows(select(func.count(col(Task.id))).scalar_subquery())))
    assert refusal(NoteRepository(Session()), tasks) == (
        "Line.n cannot be shown: Note has no owner, and the statement reads task, which has owners: "
        "read task with its own repository"
    )


def test_a_view_needs_a_scope_first() -> None:
    with pytest.raises(OwnerRequiredError, match="does not say whose rows are meant"):
        TicketRepository(Session()).as_(dict)  # type: ignore[type-var]


class Colour(StrEnum):
    RED = "red"


class Size(Enum):
    BIG = "big"


ACCEPTED: Mapping[str, dict[str, Any]] = {
    "fewer columns": {"id": (int, ...)},
    "an alias": {"label": (str, Field(alias="name"))},
    "a validation alias": {"label": (str, Field(validation_alias="name"))},
    "one of several aliases": {"label": (str, Field(validation_alias=AliasChoices("label", "name")))},
    "another column": {"label": (str, shows(Plain.name))},
    "another column, annotated": {"label": (Annotated[str, Field(min_length=1)], shows(Plain.name))},
    "an expression": {"length": (int, shows(func.length(col(Plain.name))))},
    "a window": {"n": (int, shows(func.count().over()))},
    "a subquery": {"n": (int, shows(select(func.count(col(Note.id))).scalar_subquery()))},
    "NULL": {"note": (str | None, ...)},
    "NULL by a default": {"note": (str | None, None)},
    "NULL as anything": {"note": (Any, ...)},
    "NULL as a literal": {"note": (Literal["x", None], ...)},
    "NULL converted": {"note": (Annotated[str, BeforeValidator(str)], ...)},
    "a wider class": {"rank": (float | None, ...), "id": (Decimal, ...), "amount": (float, ...)},
    "an enum of texts": {"name": (Colour, ...)},
    "an enum": {"name": (Size, ...)},
    "another class, converted": {"name": (Annotated[int, BeforeValidator(len)], ...)},
    "one class of two": {"name": (int | str, ...)},
    "other columns' names": {"name": (datetime, shows(Plain.at))},
}


@pytest.mark.parametrize("fields", ACCEPTED.values(), ids=ACCEPTED)
def test_a_field_that_can_be_read_is_accepted(fields: dict[str, Any]) -> None:
    assert repr(PLAIN(Session()).as_(view(**fields))) == "<Reads of Plain as Line>"


REFUSED: Mapping[str, dict[str, Any]] = {
    "a date of a time": {"at": (date, ...)},
    "a bool of a number": {"id": (bool, ...)},
    "an int of a numeric": {"amount": (int, ...)},
    "two classes": {"name": (int | datetime, ...)},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_a_field_that_would_refuse_values_of_its_column_is_refused(fields: dict[str, Any]) -> None:
    assert "declare it so, or convert it" in refusal(PLAIN(Session()), view(**fields))


class Named(SQLModel):
    """A SQLModel class, whose fields are inherited and computed too."""

    label: str = shows(Plain.name)


class Computed(Named):
    @computed_field
    def loud(self) -> str:
        return self.label.upper()

    @field_validator("*", mode="before")
    @classmethod
    def anything(cls, value: object) -> object:
        return value


class Late(BaseModel):
    """Its annotation is resolved later."""

    label: "Text_" = shows(Plain.name)


Text_ = str


@pytest.mark.parametrize("given", [Named, Computed, Late])
def test_what_a_field_shows_is_inherited(given: Any) -> None:
    rows = PLAIN(Session()).as_(given)
    sql = str(bound(rows).statements.select_by_id.statement)
    assert sql.startswith("SELECT plain.name \nFROM plain ")


def test_a_field_that_shows_a_column_has_no_default() -> None:
    assert Named.model_fields["label"].is_required()


def test_a_view_is_checked_once_for_each_repository_class() -> None:
    rows = PLAIN(Session())
    assert bound(rows.as_(Named)).returned is bound(rows.as_(Named)).returned
    assert bound(rows.as_(Named)).statements is bound(rows.as_(Named)).statements


def test_a_view_has_no_writes_and_no_protected_calls() -> None:
    rows = PLAIN(Session()).as_(Named)
    absent = ("create", "update", "delete", "owned_by", "every_owner", "as_", "session", "_select", "_all", "_change")
    assert [name for name in absent if hasattr(rows, name)] == []


def test_repr_of_a_view_says_whose_rows_it_shows() -> None:
    owned = TicketRepository(Session())
    assert repr(owned) == "<TicketRepository of Ticket, no scope yet>"
    assert repr(owned.every_owner().as_(Line)) == "<Reads of Ticket as Line, every owner>"
    assert repr(owned.owned_by("a").as_(Line)) == "<Reads of Ticket as Line, one owner>"


OWN = registry(metadata=MetaData())


class Apart(SQLModel, registry=OWN):
    """Base of models whose mappers can be configured."""

    metadata = OWN.metadata


class Reader(Apart, table=True):
    id: int = ColumnField(default=None, primary_key=True)
    owner: str


class Alcove(Apart, table=True):
    id: int = ColumnField(default=None, primary_key=True)
    owner: str


class ReaderCreate(BaseModel): ...


class ReaderRepository(CRUDRepository[Reader, ReaderCreate, ReaderCreate], owner=col(Reader.owner)): ...


class AlcoveCount(BaseModel):
    alcoves: int = shows(select(func.count(col(Alcove.id))).scalar_subquery())


def test_a_view_is_restricted_anew_when_a_table_that_it_reads_gets_an_owner() -> None:
    rows = ReaderRepository(Session()).owned_by("a").as_(AlcoveCount)
    before = str(bound(rows).statements.select_by_id.statement)
    assert "alcove.owner" not in before

    class AlcoveRepository(CRUDRepository[Alcove, ReaderCreate, ReaderCreate], owner=col(Alcove.owner)): ...

    for made in (rows, ReaderRepository(Session()).owned_by("a").as_(AlcoveCount)):
        assert "WHERE alcove.owner = :the_owner" in str(bound(made).statements.select_by_id.statement)
    del AlcoveRepository
