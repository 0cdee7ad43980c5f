"""Wrong classes, each refused with the text that leads to the mend, and right ones, which are accepted."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import new_class
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import pytest
from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    ConfigDict,
    PositiveInt,
    StringConstraints,
    computed_field,
    create_model,
    field_validator,
)
from sqlalchemy import ARRAY, JSON, Column, Enum, Integer, Numeric, String, Text, column, inspect
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col
from typing_extensions import TypeAliasType

from backend.entity.checks import ClassOptions, define
from backend.errors import DefinitionError
from tests.support.models.invalid import (
    NAMED,
    REGISTRY,
    RENAMED,
    Animal,
    Bill,
    BillCreate,
    Bills,
    BillUpdate,
    Checked,
    Dog,
    Hero,
    HeroCreate,
    HeroUpdate,
    Local,
    Mapped,
    Pair,
    asynchronous,
    repository,
    schema,
)
from tests.support.models.suite import Note, NoteCreate, NoteUpdate

NAME = Annotated[str, StringConstraints(max_length=20)]
OPEN = create_model("Open", __config__=ConfigDict(extra="allow"), name=(NAME, ...))
Alias = TypeAliasType("Alias", Annotated[str, StringConstraints(max_length=30)])


def hero(create: Any = None, update: Any = None, **keywords: Any) -> Callable[[], object]:
    """A class of `Hero` whose one schema is wrong: fields of it, beside the name that it needs."""
    new = HeroCreate if create is None else create if isinstance(create, type) else schema("New", **create)
    changed = HeroUpdate if update is None else update if isinstance(update, type) else schema("Changed", **update)
    return lambda: repository(Hero, new, changed, **keywords)


def bill(create: Any = BillCreate, update: Any = BillUpdate, *types: Any, **keywords: Any) -> Callable[[], object]:
    """A class of `Bill`."""
    named: dict[str, Any] = {"owner": col(Bill.owner_id), **keywords}
    return lambda: repository(Bill, create, update, *types, **named)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a schema as the model": (
        lambda: repository(Mapped, NAMED, RENAMED),
        "Mapped is no table: declare class Mapped(…, table=True)",
    ),
    "no SQLModel as the model": (
        lambda: repository(dict, NAMED, RENAMED),
        "Wrong is bound to dict, expected a SQLModel class with table=True",
    ),
    "the base of an inheritance": (
        lambda: repository(Animal, NAMED, RENAMED),
        "Animal is mapped by inheritance, expected one class for one table: "
        "share fields through a base class without table=True",
    ),
    "a class of an inheritance": (
        lambda: repository(Dog, NAMED, RENAMED),
        "Dog is mapped by inheritance, expected one class for one table: "
        "share fields through a base class without table=True",
    ),
    "a composite key": (
        lambda: repository(Pair, schema("New", left=int, right=int), schema("Changed")),
        "Pair has the primary key (left, right), Wrong has int as its id type: declare class PairId(NamedTuple) with "
        "the fields left: int, right: int, and name it as the fourth type argument",
    ),
    "a dict as the create schema": (
        lambda: repository(Hero, dict, HeroUpdate),
        "Wrong has dict as its create schema, expected a pydantic model",
    ),
    "no class as the update schema": (
        lambda: repository(Hero, HeroCreate, int | str),
        "Wrong has int | str as its update schema, expected a pydantic model",
    ),
    "the table as the create schema": (
        lambda: repository(Hero, Hero, HeroUpdate),
        "Wrong has the table Hero as its create schema, whose constructor validates nothing: "
        "declare a class without table=True",
    ),
    "the table as the update schema": (
        lambda: repository(Hero, HeroCreate, Hero),
        "Wrong has the table Hero as its update schema, whose constructor validates nothing: "
        "declare a class without table=True",
    ),
    "an id type that does not fit": (
        lambda: repository(Hero, HeroCreate, HeroUpdate, UUID),
        "Hero.id holds int, Wrong has UUID as its id type: name its type arguments [Hero, Create, Update, int]",
    ),
    "an id type that is left out": (
        lambda: repository(Note, NoteCreate, NoteUpdate),
        "Note.id holds UUID, Wrong has int as its id type (the default): name its type arguments "
        "[Note, Create, Update, UUID]",
    ),
    "an owner type that does not fit": (
        bill(BillCreate, BillUpdate, int, int),
        "Bill.owner_id holds str, Wrong has int as its owner type: name its type arguments "
        "[Bill, Create, Update, Id, str]",
    ),
    "an id type that is no class": (
        lambda: repository(Hero, HeroCreate, HeroUpdate, int | str),
        "Wrong has int | str as its id type, expected a class",
    ),
    "a misspelt field": (
        hero({"name": NAME, "nmae": str}),
        "New.nmae is no column of Hero: did you mean 'name'?",
    ),
    "a field like no column": (
        hero(update={"zzz": str}),
        "Changed.zzz is no column of Hero: its columns are id, name, code, age, price, born_at, key, initial, team_id",
    ),
    "a relationship as a field": (
        hero(update={"missions": list[int]}),
        "Changed.missions is no column of Hero: "
        "its columns are id, name, code, age, price, born_at, key, initial, team_id",
    ),
    "a computed column": (
        hero({"name": NAME, "initial": str}),
        "New.initial is computed by the database: remove it",
    ),
    "extra fields": (hero(OPEN), "Open allows fields that are no columns: remove extra='allow'"),
    "extra fields of an update": (hero(update=OPEN), "Open allows fields that are no columns: remove extra='allow'"),
    "a generated key in the create schema": (
        hero({"name": NAME, "id": int}),
        "New.id is generated by the database: remove it",
    ),
    "a key in the update schema": (
        hero(update={"id": int}),
        "Changed.id is the primary key, which never changes: remove it",
    ),
    "a required column is missing": (
        hero({"age": Annotated[int, Field(ge=0, lt=200)]}),
        "Hero.name is required and neither New nor the database gives it: add it to New, or a server_default to Hero, "
        "or name it as the owner, owner=col(Hero.name)",
    ),
    "swapped schemas": (
        lambda: repository(Hero, HeroUpdate, HeroCreate),
        "Wrong has HeroUpdate as its create schema and HeroCreate as its update schema, which are swapped: "
        "write [Hero, HeroCreate, HeroUpdate]",
    ),
    "a required column may be left out": (
        hero({"name": (NAME | MISSING, MISSING)}),
        "New.name may be left out, and Hero.name is required: remove MISSING",
    ),
    "None for a required column": (
        hero({"name": NAME | None}),
        "New.name allows None, Hero.name does not: remove None",
    ),
    "None for a column with a default": (
        hero({"name": NAME, "price": (Decimal | None, None)}),
        "New.price allows None, Hero.price does not: remove None, and leave it out by T | MISSING = MISSING",
    ),
    "no max_length": (hero({"name": str}), "New.name is looser than Hero.name: add max_length=20"),
    "a larger max_length": (
        hero(update={"name": (str | None, Field(default=None, max_length=21))}),
        "Changed.name is looser than Hero.name: add max_length=20",
    ),
    "a larger max_length by constraints": (
        hero({"name": Annotated[str, StringConstraints(max_length=21)]}),
        "New.name is looser than Hero.name: add max_length=20",
    ),
    "a larger max_length by Optional": (
        hero(update={"name": (Optional[Annotated[str, Field(max_length=30)]], None)}),  # noqa: UP045 - the old form
        "Changed.name is looser than Hero.name: add max_length=20",
    ),
    "MISSING without it as the default": (
        hero(update={"name": (NAME | MISSING, ...)}),
        "Changed.name may be MISSING and has no default: add = MISSING",
    ),
    "the same in the create schema": (
        hero({"name": NAME, "price": (Decimal | MISSING, ...)}),
        "New.price may be MISSING and has no default: add = MISSING",
    ),
    "a larger max_length beside MISSING": (
        hero(update={"name": (Annotated[str, Field(max_length=30)] | MISSING, MISSING)}),
        "Changed.name is looser than Hero.name: add max_length=20",
    ),
    "a larger max_length in one of two": (
        hero({"name": NAME | Annotated[str, Field(max_length=30)]}),
        "New.name is looser than Hero.name: add max_length=20",
    ),
    "a larger max_length by an alias": (
        hero({"name": Alias}),
        "New.name is looser than Hero.name: add max_length=20",
    ),
    "no min_length": (
        hero(update={"code": Annotated[str, Field(max_length=8)]}),
        "Changed.code is looser than Hero.code: add min_length=2",
    ),
    "no lower bound": (
        hero(update={"age": Annotated[int, Field(lt=100)]}),
        "Changed.age is looser than Hero.age: add ge=0",
    ),
    "a bound that is not exclusive": (
        hero(update={"age": Annotated[int, Field(ge=0, le=200)]}),
        "Changed.age is looser than Hero.age: add lt=200",
    ),
    "a str for an integer column": (
        hero(update={"team_id": (str | None, None)}),
        "Changed.team_id is str, Hero.team_id holds int: declare it int",
    ),
    "an int for a text column": (
        hero({"name": int}),
        "New.name is int, Hero.name holds str: declare it str",
    ),
    "a float for an integer column": (
        hero(update={"team_id": float}),
        "Changed.team_id is float, Hero.team_id holds int: declare it int",
    ),
    "a date for a moment": (
        hero(update={"born_at": date}),
        "Changed.born_at is date, Hero.born_at holds datetime: declare it datetime",
    ),
    "a str for a UUID": (
        hero(update={"key": str}),
        "Changed.key is str, Hero.key holds UUID: declare it UUID",
    ),
    "a str as the owner": (
        bill(owner="owner_id"),
        "Wrong names 'owner_id' as owner, expected a column of Bill: col(Bill.owner_id)",
    ),
    "another model's column as the owner": (
        bill(owner=col(Hero.name)),
        "Wrong names Hero.name as owner, expected a column of Bill: col(Bill.name)",
    ),
    "another model's column as the version": (
        bill(version=col(Hero.born_at)),
        "Wrong names Hero.born_at as version, expected a column of Bill: col(Bill.…)",
    ),
    "an owner that may be NULL": (
        lambda: repository(Hero, HeroCreate, HeroUpdate, int, int, owner=col(Hero.team_id)),
        "Hero.team_id is the owner and may be NULL: make it required",
    ),
    "the key as the owner": (
        bill(BillCreate, BillUpdate, int, int, owner=col(Bill.id)),
        "Bill.id is both key and owner: use two columns",
    ),
    "a version that does not count": (
        bill(version=col(Bill.name)),
        "Bill.name is AutoString(), a version is timestamptz or an integer: "
        "give it sa_type=DateTime(timezone=True) or Integer",
    ),
    "a version without a time zone": (
        lambda: repository(Checked, NAMED, RENAMED, version=col(Checked.made_at)),
        "Checked.made_at is DateTime(), a version is timestamptz or an integer: "
        "give it sa_type=DateTime(timezone=True) or Integer",
    ),
    "a validator of the whole that lacks what the database gives": (
        lambda: repository(Checked, NAMED, RENAMED),
        "Checked has a model validator, which runs on create, and Checked.made_at is required "
        "and not given then: give it default=None",
    ),
    "no max_length in one of two": (
        hero({"name": NAME | str}),
        "New.name is looser than Hero.name: add max_length=20",
    ),
    "the key as the version": (
        bill(version=col(Bill.id)),
        "Bill.id never changes and is no version: use another column",
    ),
    "the owner in the create schema": (
        bill(schema("New", name=str, owner_id=str)),
        "New.owner_id is the owner, which owned_by() stamps: remove it",
    ),
    "the owner in the update schema": (
        bill(update=schema("Changed", owner_id=str)),
        "Changed.owner_id is the owner, which never changes: remove it",
    ),
    "the version in the create schema": (
        bill(schema("New", name=str, updated_at=datetime), version=col(Bill.updated_at)),
        "New.updated_at is the version, which the database counts: remove it",
    ),
    "the version in the update schema": (
        bill(update=schema("Changed", updated_at=datetime), version=col(Bill.updated_at)),
        "Changed.updated_at is the version, which the database counts: remove it",
    ),
    "a forgotten owner": (
        lambda: repository(Bill, schema("New", name=str, owner_id=str), BillUpdate, version=col(Bill.updated_at)),
        "Wrong has owner none for Bill, Bills has owner_id: all repositories of one table name the same",
    ),
    "a forgotten owner of an asynchronous class": (
        lambda: asynchronous(Bill, schema("New", name=str, owner_id=str), BillUpdate, version=col(Bill.updated_at)),
        "Wrong has owner none for Bill, Bills has owner_id: all repositories of one table name the same",
    ),
    "a forgotten version": (
        bill(),
        "Wrong has version none for Bill, Bills has updated_at: all repositories of one table name the same",
    ),
    "another version in a subclass": (
        lambda: type("Wrong", (Bills,), {}, version=col(Bill.amount)),
        "Wrong has version amount for Bill, Bills has updated_at: all repositories of one table name the same",
    ),
    "a column as the shared keys": (
        bill(shared_keys=col(Bill.name)),
        "Wrong gives Bill.name as shared_keys, expected a tuple: shared_keys=(col(…),)",
    ),
    "a table's column as the shared keys": (
        bill(shared_keys=inspect(Bill).columns["name"]),
        "Wrong gives bill.name as shared_keys, expected a tuple: shared_keys=(col(…),)",
    ),
    "a str as a shared key": (
        bill(shared_keys=("nam",)),
        "Wrong names 'nam' as a shared key, expected a column of Bill: col(Bill.name)",
    ),
    "a shared key that is no key": (
        bill(shared_keys=(col(Bill.amount),)),
        "Wrong names Bill.amount in shared_keys, which is in no key that all owners share: remove it",
    ),
    "a shared key that contains the owner": (
        bill(shared_keys=(col(Bill.name),)),
        "Wrong names Bill.name in shared_keys, which is in no key that all owners share: remove it",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_class_is_refused_with_the_fix(case: str) -> None:
    define, text = WRONG[case]
    with pytest.raises(DefinitionError) as raised:
        define()
    assert str(raised.value) == text


class Whole(Local, table=True):
    """Everything that a right model may have."""

    id: UUID = Field(primary_key=True)
    tenant: UUID
    serial: int = Field(
        default=None,
        sa_column=Column(
            "serial_number",
            Integer,
            server_default="1",
            onupdate=column("serial_number", Integer()) + 1,
            nullable=False,
        ),
    )
    label: str = Field(max_length=10, sa_type=String(12))
    mail: str = Field(default="", max_length=50)
    kind: str = Field(default="a", max_length=1)
    rank: int = Field(default=0, ge=0)
    shown: str | None = None


class Colour(StrEnum):
    RED = "red"


class Flag(Local, table=True):
    """A column whose enum has names alone."""

    id: int | None = Field(default=None, primary_key=True)
    colour: str = Field(sa_type=Enum("red", "blue", name="flag_colour"), nullable=True)
    more: dict[str, Any] | None = Field(default=None, sa_type=JSON)


Tree = TypeAliasType("Tree", "dict[str, Tree] | int | None")


class Converting(BaseModel):
    team_id: str

    @field_validator("team_id")
    @classmethod
    def _number(cls, text: str) -> int:
        return int(text)


def _upper(text: str) -> str:
    return text.upper()


class WholeCreate(BaseModel):
    id: UUID
    label: Annotated[str, StringConstraints(max_length=10), AfterValidator(_upper)] = Field(alias="Label")
    mail: Annotated[str, Field(max_length=50)] = ""
    kind: Literal["a", "b"] = "a"
    rank: PositiveInt = 1
    shown: str | None = None

    @computed_field
    def title(self) -> str:
        return self.label


class WholePatch(BaseModel):
    label: Annotated[str, StringConstraints(max_length=5)] | MISSING = MISSING
    rank: Optional[PositiveInt] = None  # noqa: UP045 - the old form is accepted too
    shown: str | MISSING | None = MISSING


RIGHT: dict[str, Callable[[], object]] = {
    "every feature": lambda: repository(
        Whole,
        WholeCreate,
        WholePatch,
        UUID,
        UUID,
        owner=col(Whole.tenant),
        version=col(Whole.serial),
        shared_keys=(col(Whole.id),),
    ),
    "the tutorial's forms": hero(),
    "a subclass that says nothing": lambda: type("Right", (Bills,), {}),
    "the same owner and version again": lambda: asynchronous(
        Bill, BillCreate, BillUpdate, owner=col(Bill.owner_id), version=col(Bill.updated_at)
    ),
    "the table's column as the owner": bill(
        owner=inspect(Bill).columns["owner_id"], version=inspect(Bill).columns["updated_at"]
    ),
    "a class of a string for text": hero({"name": Literal["a", "b"]}),
    "an enum of text": hero({"name": NAME, "code": (Colour | None, None)}),
    "an int for a decimal": hero({"name": NAME, "price": int}),
    "what a validator converts": hero({"name": NAME, "team_id": Annotated[str, AfterValidator(int)]}),
    "what a decorated validator converts": hero(update=Converting),
    "a field that is None alone": hero(update={"name": (None, None)}),
    "None of a patch": hero(update={"price": (Decimal | None, None)}),
    "a tighter bound": hero(update={"age": Annotated[int, Field(gt=0, lt=100)]}),
    "a str for an enum of strings": lambda: repository(
        Flag, schema("New", colour=str), schema("Changed", colour=(None, None))
    ),
    "an alias that refers to itself": lambda: repository(Flag, schema("New", colour=str, more=Tree), schema("Changed")),
    "a field of any type": hero({"name": NAME, "team_id": Any}),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_class_is_accepted(case: str) -> None:
    RIGHT[case]()


def test_defining_needs_no_database_and_configures_no_mapper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    repository(Hero, HeroCreate, HeroUpdate)
    assert not any(mapper.configured for mapper in REGISTRY.mappers)


def test_the_relationship_target_of_the_right_model_does_not_exist() -> None:
    with pytest.raises(InvalidRequestError, match="expression 'Mission' failed to locate a name"):
        REGISTRY.configure()


class Grade(StrEnum):
    GOOD = "good"


@pytest.mark.parametrize(
    ("annotation", "kind", "message"),
    [
        (Grade, String, "is Grade, and its column gives back str: make its column an Enum"),
        (float, Numeric(12, 2), "is float, and its column gives back Decimal: declare it Decimal"),
        (int, Numeric(12, 0), "is int, and its column gives back Decimal: declare it Decimal"),
        (bool, Integer, "is bool, and its column gives back int: declare it int"),
        (str, INET, "is str, and its column gives back IPv4Address or IPv6Address: declare it IPv4Address or IPv6"),
        (set[str], ARRAY(Text), "is set, and its column gives back list: declare it list, or another sa_type"),
        (list[str], Text, "is list, and its column gives back str: declare it str, or another sa_type"),
        (Decimal, JSONB, "is Decimal, and its column gives back dict, list, str, int or float: declare it dict"),
    ],
)
def test_a_field_whose_column_gives_back_another_class_is_refused(annotation: Any, kind: Any, message: str) -> None:
    name = f"Other{annotation.__name__.title()}"
    body = {
        "__module__": __name__,
        "__annotations__": {"id": int, "value": annotation},
        "id": Field(default=None, primary_key=True),
        "value": Field(sa_type=kind),
    }
    base = new_class("Base", (SQLModel,), {"registry": registry()})
    model = new_class(name, (base,), {"table": True}, lambda namespace: namespace.update(body))
    schema = create_model("Schema", value=(annotation, ...))
    with pytest.raises(DefinitionError, match=message):
        define("Rows", (model, schema, schema, int, str), ClassOptions())
