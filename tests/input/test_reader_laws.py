"""Laws of the intake: what passes can be stored, what was not set is not there, and no refusal shows the input."""

import pickle
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Any, Literal, Never, NewType, Self
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    RootModel,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from sqlalchemy import JSON, MetaData, Text
from sqlalchemy.orm import registry
from sqlmodel import Field as ColumnField
from sqlmodel import SQLModel, col
from typing_extensions import TypeAliasType, TypedDict

from backend.entity.checks import ClassOptions, define
from backend.errors import InvalidDataError, UsageError
from backend.input.model_rules import ModelRules
from backend.input.reader import SchemaReader
from backend.input.values import ColumnValues
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.support.models.invalid import Local, schema
from tests.support.models.types import Colour, Ruled, RuledCreate, RuledUpdate, Sample, SampleCreate, SampleUpdate

SAMPLE = define("Samples", (Sample, SampleCreate, SampleUpdate, int, str), ClassOptions())
CREATED = SchemaReader(SAMPLE, SampleCreate, "create")
CHANGED = SchemaReader(SAMPLE, SampleUpdate, "update")
COLUMNS = {column.key for column in SAMPLE.columns.values()}

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.decimals()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.dates()
    | st.uuids()
    | st.just(SimpleNamespace()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=6,
)
QUIETLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FORGED = st.dictionaries(st.sampled_from([*Sample.model_fields, "nothing", "_sa_instance_state"]), ANYTHING)


def taken(take: Callable[[], ColumnValues]) -> ColumnValues | InvalidDataError:
    """The values, or the refusal: nothing else may come out."""
    try:
        return take()
    except InvalidDataError as refused:
        return refused


@QUIETLY
@given(FORGED)
def test_what_passes_names_columns_and_passes_again(held: dict[str, Any]) -> None:
    values = taken(lambda: CREATED.insert_values(SampleCreate.model_construct(**held)))
    if isinstance(values, InvalidDataError):
        assert values.problems
        assert set(values.fields) <= SampleCreate.model_fields.keys()
    else:
        assert values.keys() <= COLUMNS - {"id"}
        kept: dict[str, Any] = {
            key: value for key, value in values.items() if held.get(key) is not None and key != "short"
        }
        again = CREATED.insert_values(SampleCreate.model_construct(**kept))
        assert {key: again[key] for key in kept} == kept


@QUIETLY
@given(FORGED, st.sets(st.sampled_from([*Sample.model_fields, "nothing"])))
def test_a_patch_has_exactly_what_is_set_and_held(held: dict[str, Any], named: set[str]) -> None:
    data = SampleUpdate.model_construct(named, **held)
    own = SampleUpdate.model_fields.keys()
    is_set = {name for name in named & own if name in vars(data) and (name in held or name not in ("small", "text"))}
    values = taken(lambda: CHANGED.update_values(data))
    if isinstance(values, InvalidDataError):
        assert set(values.fields) <= is_set | {"text"}
    else:
        assert values.keys() == is_set | ({"text"} if "short" in is_set else set())


@pytest.mark.parametrize("data", [SampleUpdate(), {"whole": 1}, None, SampleCreate, Sample(body={})])
def test_data_of_another_class_raise_a_usage_error(data: Any) -> None:
    got = r"(None|a \w+|the class \w+)"
    with pytest.raises(UsageError, match=rf"create takes a SampleCreate, got {got}: pass SampleCreate\(…\)"):
        CREATED.insert_values(data)


def test_an_instance_without_values_is_validated() -> None:
    bare = RuledCreate.__new__(RuledCreate)
    entity = define("Ruleds", (Ruled, RuledCreate, RuledUpdate, int, str), ClassOptions(owner=Ruled.owner_id))
    with pytest.raises(InvalidDataError, match="code: Field required"):
        SchemaReader(entity, RuledCreate, "create").insert_values(bare, "a")


def test_data_that_contain_themselves_are_refused() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    with pytest.raises(InvalidDataError, match="data: it contains itself, or is nested too deeply"):
        CREATED.insert_values(SampleCreate.model_construct(data=endless))


def test_a_model_that_contains_itself_is_refused() -> None:
    endless = Dog.model_construct(kind="dog")
    endless.inner = {"again": endless}  # type: ignore[dict-item]
    with pytest.raises(InvalidDataError, match="nested: it contains itself, or is nested too deeply"):
        TELLING.insert_values(TellingCreate.model_construct(nested=endless))


# What a refusal may say.

LITERAL = "a word is not blank"


def _refuse_with_input(value: Any) -> Any:
    raise ValueError(f"never {value!r}")


def _refuse_with_literal(value: str) -> str:
    if not value:
        raise ValueError("a literal")
    _refuse_word()


def _refuse_word() -> Never:
    raise ValueError(LITERAL)


def _assert(value: str) -> str:
    assert value == "", f"{value} is not empty"
    return value


def _refuse_by_template(value: str) -> str:
    raise PydanticCustomError("of_the_author", "words of the author")


def _refuse_by_context(value: str) -> str:
    raise PydanticCustomError("with_context", "not {pattern}", {"pattern": value})


def _refuse_with_cause(value: str) -> str:
    raise PydanticCustomError("with_cause", "{error}", {"error": ValueError(value)})


class Cat(BaseModel):
    kind: Literal["cat"]
    name: int


class Dog(BaseModel):
    kind: Literal["dog"]
    inner: dict[str, Cat]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int = 0


class Telling(Local, table=True):
    """A JSON column for each way in which a message could tell the input."""

    id: int | None = ColumnField(default=None, primary_key=True)
    literal: str | None = ColumnField(default=None, sa_type=Text)
    raised: str | None = ColumnField(default=None, sa_type=Text)
    asserted: str | None = ColumnField(default=None, sa_type=Text)
    custom: str | None = ColumnField(default=None, sa_type=Text)
    context: str | None = ColumnField(default=None, sa_type=Text)
    cause: str | None = ColumnField(default=None, sa_type=Text)
    uuid: UUID | None = None
    at: datetime | None = None
    number: Decimal | None = None
    mapping: dict[str, int] | None = ColumnField(default=None, sa_type=JSON)
    nested: dict[str, Any] | None = ColumnField(default=None, sa_type=JSON)
    tagged: dict[str, Any] | None = ColumnField(default=None, sa_type=JSON)
    closed: dict[str, Any] | None = ColumnField(default=None, sa_type=JSON)
    parsed: dict[str, Any] | None = ColumnField(default=None, sa_type=JSON)
    several: list[int] | None = ColumnField(default=None, sa_type=JSON)


class TellingCreate(SQLModel):
    literal: Annotated[str, AfterValidator(_refuse_with_literal)] | None = None
    raised: Annotated[str, AfterValidator(_refuse_with_input)] | None = None
    asserted: Annotated[str, AfterValidator(_assert)] | None = None
    custom: Annotated[str, AfterValidator(_refuse_by_template)] | None = None
    context: Annotated[str, AfterValidator(_refuse_by_context)] | None = None
    cause: Annotated[str, AfterValidator(_refuse_with_cause)] | None = None
    uuid: UUID | None = None
    at: datetime | None = None
    number: Decimal | None = None
    mapping: dict[str, int] | None = None
    nested: Dog | None = None
    tagged: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    closed: Closed | None = None
    parsed: Json[dict[str, int]] | None = None
    several: Annotated[list[int], BeforeValidator(lambda text: text.split(",") if isinstance(text, str) else text)] = []

    @model_validator(mode="after")
    def _refuse_all(self) -> Self:
        if self.literal == self.raised == "both":
            raise ValueError(f"not {self.literal}")
        return self


class TellingUpdate(SQLModel): ...


TELLING = SchemaReader(
    define("Tellings", (Telling, TellingCreate, TellingUpdate, int, str), ClassOptions()), TellingCreate, "create"
)


def refusal(**held: Any) -> InvalidDataError:
    with pytest.raises(InvalidDataError) as raised:
        TELLING.insert_values(TellingCreate.model_construct(**held))
    return raised.value


GIVEN = "s3cret"


@pytest.mark.parametrize(
    "held",
    [
        {"raised": GIVEN},
        {"asserted": GIVEN},
        {"context": GIVEN},
        {"cause": GIVEN},
        {"uuid": GIVEN},
        {"at": GIVEN},
        {"number": GIVEN},
        {"mapping": {GIVEN: "x"}},
        {"mapping": {"x": GIVEN}},
        {"mapping": [GIVEN]},
        {"nested": {"kind": "dog", "inner": {GIVEN: {"kind": "cat", "name": GIVEN}}}},
        {"nested": {"kind": GIVEN, "inner": GIVEN}},
        {"nested": Dog.model_construct(kind="dog", inner={GIVEN: Cat.model_construct(kind="cat", name=GIVEN)})},
        {"tagged": {"kind": GIVEN}},
        {"tagged": {"kind": "dog", "inner": {GIVEN: 1}}},
        {"closed": {GIVEN: 1}},
        {"parsed": '{"s3cret": "x"}'},
        {"parsed": GIVEN},
        {"several": "1,s3cret"},
        {"mapping": {GIVEN: 1, "\0": 2}},
        {"literal": GIVEN, "raised": GIVEN, "uuid": GIVEN},
        {"literal": None, "uuid": GIVEN, "mapping": {GIVEN: GIVEN}},
    ],
)
def test_a_refusal_never_shows_the_input(held: dict[str, Any]) -> None:
    error = refusal(**held)
    shown = [str(error), repr(error), repr(error.problems), repr(error.details), repr(pickle.dumps(error))]
    assert not [text for text in shown if GIVEN in text]
    assert error.fields == tuple(key for key, value in held.items() if value is not None)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"literal": ""}, "literal: a literal"),
        ({"literal": "x"}, "literal: a word is not blank"),
        ({"raised": "x"}, "raised: a validator refuses it"),
        ({"asserted": "x"}, "asserted: a validator refuses it"),
        ({"custom": "x"}, "custom: words of the author"),
        ({"context": "x"}, "context: it does not pass (with_context)"),
        ({"cause": "x"}, "cause: a validator refuses it"),
        ({"uuid": "x"}, "uuid: it does not pass (uuid_parsing)"),
        ({"mapping": {"x": "y"}}, "mapping.*: Input should be a valid integer, unable to parse string as an integer"),
        ({"nested": {"kind": "dog", "inner": {"x": {"kind": "cat"}}}}, "nested.inner.*.name: Field required"),
        ({"tagged": {"kind": "dog"}}, "tagged.*.inner: Field required"),
        ({"closed": {"x": 1}}, "closed.*: Extra inputs are not permitted"),
        ({"several": "1,x"}, "several.1: Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_a_refusal_says_where_and_why(held: dict[str, Any], said: str) -> None:
    assert str(refusal(**held)) == f"invalid TellingCreate: {said}"


def test_a_refusal_by_a_model_validator_names_no_field() -> None:
    class Whole(TellingCreate):
        literal: str | None = None
        raised: str | None = None

    intake = SchemaReader(define("Wholes", (Telling, Whole, TellingUpdate, int, str), ClassOptions()), Whole, "create")
    with pytest.raises(InvalidDataError, match=r"^invalid Whole: a validator refuses it$") as raised:
        intake.insert_values(Whole(literal="both", raised="none").model_copy(update={"raised": "both"}))
    assert (raised.value.problems[0].location, raised.value.fields) == ((), ())


@dataclass
class Pointed:
    inner: dict[int, int]


class Pointing(Local, table=True):
    id: int | None = ColumnField(default=None, primary_key=True)
    nested: Pointed = ColumnField(sa_type=JSON)


class Open(Local, table=True):
    id: int | None = ColumnField(default=None, primary_key=True)
    nested: Any = ColumnField(sa_type=JSON)


class Root(RootModel[Closed]): ...


class Typed(TypedDict):
    inner: Closed


One = TypeAliasType("One", Closed)
Quoted = TypeAliasType("Quoted", "list[Closed]")
STATED: Any = getattr(typing, "TypeAliasType", TypeAliasType)  # what a `type` statement makes
WITHIN: dict[str, tuple[Any, Callable[[Closed], object], object]] = {
    "list": (list[Closed], lambda one: [one], [{"number": 1}]),
    "alias": (One, lambda one: one, {"number": 1}),
    "alias twice": (dict[str, One] | list[One], lambda one: [one], [{"number": 1}]),
    "quoted alias": (Quoted, lambda one: [one], [{"number": 1}]),
    "type statement": (STATED("Stated", list[Closed]), lambda one: [one], [{"number": 1}]),
    "new type": (NewType("New", list[Closed]), lambda one: [one], [{"number": 1}]),
    "root model": (Root, Root.model_construct, {"number": 1}),
    "typed dict": (Typed, lambda one: {"inner": one}, {"inner": {"number": 1}}),
}


@pytest.mark.parametrize(("annotation", "hold", "stored"), WITHIN.values(), ids=WITHIN)
def test_a_model_within_any_type_is_validated_again(
    annotation: Any, hold: Callable[[Closed], object], stored: object
) -> None:
    new = schema("New", nested=annotation)
    intake = SchemaReader(define("Openings", (Open, new, TellingUpdate, int, str), ClassOptions()), new, "create")
    assert intake.insert_values(new(nested=hold(Closed(number=1)))) == {"nested": stored}
    with pytest.raises(InvalidDataError, match=r"^invalid New: nested.*: Input should be a valid integer"):
        intake.insert_values(new.model_construct(nested=hold(Closed.model_construct(number="x"))))


def test_a_location_hides_a_key_that_is_a_number() -> None:
    new = schema("New", nested=Pointed)
    intake = SchemaReader(define("Pointeds", (Pointing, new, TellingUpdate, int, str), ClassOptions()), new, "create")
    with pytest.raises(InvalidDataError, match=r"^invalid New: nested(\.\*)+: Input should be a valid integer"):
        intake.insert_values(new.model_construct(nested={"inner": {4711: "x"}}))


def test_a_location_leaves_out_the_label_of_a_union() -> None:
    new = schema("New", low=Annotated[int, Field(gt=0)] | Annotated[int, Field(lt=-9)])
    created, _ = strict(new, schema("Empty"))
    with pytest.raises(InvalidDataError) as raised:
        created.insert_values(new.model_construct(low=0))
    assert {one.location for one in raised.value.problems} == {("low",)}


def test_a_location_leaves_out_a_key_that_a_validator_lets_in() -> None:
    class New(BaseModel):
        model_config = ConfigDict(extra="forbid")

        high: int

        @model_validator(mode="before")
        @classmethod
        def _spread(cls, held: dict[str, Any]) -> dict[str, Any]:
            return {**held, str(held["high"]): 1}

    created, _ = strict(New, schema("Empty"))
    with pytest.raises(InvalidDataError, match=r"^invalid New: Extra inputs are not permitted$"):
        created.insert_values(New.model_construct(high=4711))


# What is read of an instance.


def test_a_field_that_a_validator_sets_is_written_however_the_instance_was_made() -> None:
    values = CHANGED.update_values(SampleUpdate.model_construct({"short"}, short="x"))
    assert values == {"short": "x", "text": "short is x"}


def test_a_name_that_is_another_fields_alias_stays_its_own() -> None:
    new = schema("New", low=(int, Field(default=0, validation_alias="high")), high=(int, 0))
    _, changed = strict(schema("Empty"), new)
    data = new.model_construct()
    vars(data)["high"] = 5
    data.model_fields_set.add("high")
    assert changed.update_values(data) == {"high": 5}


# Which of the model's own rules run.


def test_one_member_of_a_union_that_the_model_takes_does_not_vouch_for_another() -> None:
    new = schema("New", colour=Colour | Literal["blue"])
    _, changed = strict(schema("Empty"), new)
    assert changed.update_values(new(colour="blue")) == {"colour": Colour.BLUE}


class Apart(SQLModel, registry=registry()):
    """In a registry of its own, which can be configured."""

    metadata = MetaData()


class Strict(Apart, table=True):
    """A validator, an enum, and a rule of the whole."""

    id: int | None = ColumnField(default=None, primary_key=True)
    low: int = 0
    high: int = 0
    colour: Colour | None = None

    @field_validator("low")
    @classmethod
    def _low_is_even(cls, low: int) -> int:
        if low % 2:
            raise ValueError("low is even")
        return low

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def strict(new: type[BaseModel], changed: type[BaseModel]) -> tuple[SchemaReader, SchemaReader]:
    entity = define("Stricts", (Strict, new, changed, int, str), ClassOptions())
    return SchemaReader(entity, new, "create"), SchemaReader(entity, changed, "update")


def test_a_validator_that_only_the_model_has_runs_beside_fields_that_ask_nothing() -> None:
    both = schema("Both", low=int, high=int)
    _, changed = strict(both, both)
    with pytest.raises(InvalidDataError, match=r"^invalid Both: low: low is even$"):
        changed.update_values(both(low=1, high=2))


def test_a_model_validator_runs_on_create_alone() -> None:
    both = schema("Both", low=int, high=int)
    created, changed = strict(both, both)
    with pytest.raises(InvalidDataError, match=r"^invalid Both: low is above high$"):
        created.insert_values(both(low=2, high=0))
    assert changed.update_values(both(low=2, high=0)) == {"low": 2, "high": 0}


class Exact(BaseModel):
    """A nested model that does not accept its own dump."""

    model_config = ConfigDict(strict=True)

    id: UUID


class Holding(Local, table=True):
    id: int | None = ColumnField(default=None, primary_key=True)
    exact: Exact = ColumnField(sa_type=JSON)


@pytest.mark.parametrize("annotation", [Exact, Annotated[Exact, AfterValidator(lambda exact: exact)]])
def test_a_nested_model_that_the_model_declares_too_is_not_validated_from_its_dump(annotation: Any) -> None:
    new = schema("New", exact=annotation)
    reader = SchemaReader(define("Holdings", (Holding, new, schema("Empty"), int, str), ClassOptions()), new, "create")
    assert reader.insert_values(new(exact=Exact(id=UUID(int=1)))) == {"exact": {"id": str(UUID(int=1))}}


@pytest.mark.parametrize("schema", [TaskCreate, TaskUpdate])
def test_the_schemas_of_a_task_leave_no_rule_of_the_model_to_run(schema: type[BaseModel]) -> None:
    entity = define(
        "Tasks", (Task, TaskCreate, TaskUpdate, int, str), ClassOptions(col(Task.user_id), col(Task.updated_at))
    )
    assert ModelRules(entity, schema).is_noop


def test_an_enum_that_the_schema_gives_by_value_is_written_as_its_member() -> None:
    by_value = create_model("ByValue", __config__=ConfigDict(use_enum_values=True), colour=(Colour, ...))
    _, changed = strict(schema("Empty"), by_value)
    assert changed.update_values(by_value(colour=Colour.RED)) == {"colour": Colour.RED}


def test_names_that_are_no_fields_do_not_reach_a_schema_that_forbids_them() -> None:
    closed = create_model("ClosedPatch", __config__=ConfigDict(extra="forbid"), high=(int, 0))
    _, changed = strict(schema("Empty"), closed)
    data = closed.model_construct({"high", "id"}, high=1)
    vars(data)["id"] = 99
    assert changed.update_values(data) == {"high": 1}


class Defaulted(Apart, table=True):
    """A model with a validator of the whole, and a default that is none of its field's values."""

    id: int | None = ColumnField(default=None, primary_key=True)
    name: str
    made: int = ColumnField(
        default=None, schema_extra={"validate_default": True}, sa_column_kwargs={"server_default": "1"}
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        return self


def test_a_field_that_no_schema_gives_and_the_model_refuses_is_not_the_clients_fault() -> None:
    named = schema("Named", name=str)
    entity = define("Defaults", (Defaulted, named, named, int, str), ClassOptions())
    with pytest.raises(UsageError, match=r"^Defaulted\.made is given by no schema, and the model's own rules"):
        SchemaReader(entity, named, "create").insert_values(named(name="x"))
