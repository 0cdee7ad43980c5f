"""Whatever a schema calls its fields, and the classes within it theirs, what was set is written."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from types import new_class
from typing import Annotated, Any, Literal, Self, TypeAlias, cast

import pytest
from pydantic import (
    MISSING,
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    computed_field,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from sqlalchemy import JSON, MetaData, PickleType
from sqlalchemy.orm import registry
from sqlmodel import Field as ColumnField
from sqlmodel import SQLModel
from typing_extensions import TypedDict, override

from backend.entity.checks import ClassOptions, define
from backend.errors import InvalidDataError
from backend.input.reader import SchemaReader
from backend.input.values import ColumnValues


class Apart(SQLModel, registry=registry()):
    """In a registry of its own, which can be configured."""

    metadata = MetaData()


class Plain(Apart, table=True):
    id: int | None = ColumnField(default=None, primary_key=True)
    first_name: str
    last_name: str | None = None
    the_place: Any = ColumnField(default=None, sa_type=JSON, nullable=True)


PATHS: Any = (AliasChoices("First", AliasPath("names", 0)), AliasPath("names", 1))  # SQLModel says str, and takes these


class Guarded(Apart, table=True):
    """Aliases of its own, and a validator of the whole, which assigns."""

    id: int | None = ColumnField(default=None, primary_key=True)
    first_name: str = ColumnField(validation_alias=PATHS[0])
    last_name: str | None = ColumnField(default=None, validation_alias=PATHS[1])
    the_place: Any = ColumnField(default=None, sa_type=JSON, nullable=True, alias="place")

    @model_validator(mode="after")
    def _last_name_is_set(self) -> Self:
        self.last_name = self.last_name or f"of {self.first_name}"
        return self


FORMS: dict[str, dict[str, Any]] = {
    "alias": {"alias": "firstName"},
    "validation_alias": {"validation_alias": "firstName"},
    "serialization_alias": {"serialization_alias": "firstName"},
    "choices": {"validation_alias": AliasChoices("firstName", "fn")},
    "path": {"validation_alias": AliasPath("firstName", 0)},
    "another field's name": {"alias": "last_name"},
    "none": {},
}
CONFIGS: list[ConfigDict] = [
    ConfigDict(),
    ConfigDict(populate_by_name=True),
    ConfigDict(validate_by_name=True),
    ConfigDict(validate_by_name=True, validate_by_alias=False),
    ConfigDict(alias_generator=to_camel),
    ConfigDict(alias_generator=to_camel, extra="forbid"),
    ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid"),
    ConfigDict(alias_generator=to_camel, loc_by_alias=False, serialize_by_alias=True),
]
BASES: list[type[BaseModel]] = [BaseModel, SQLModel]
MODELS: list[type[SQLModel]] = [Plain, Guarded]


def read(model: type[SQLModel], schema: type[BaseModel], data: BaseModel, operation: str) -> ColumnValues:
    """The values that a call writes."""
    if operation == "create":
        entity = define("Made", (model, schema, Nothing, int, str), ClassOptions())
        return SchemaReader(entity, schema, operation).insert_values(data)
    entity = define("Made", (model, Least, schema, int, str), ClassOptions())
    return SchemaReader(entity, schema, operation).update_values(data)


class Nothing(BaseModel): ...


class Least(BaseModel):
    first_name: str


def made(name: str, base: type[BaseModel], body: dict[str, Any]) -> type[BaseModel]:
    """The class that a class statement with this body makes."""
    return new_class(name, (base,), exec_body=lambda namespace: namespace.update(body))


def named(base: type[BaseModel], config: ConfigDict, form: dict[str, Any]) -> type[BaseModel]:
    """A schema whose first name has an alias."""
    field: Any = ColumnField if base is SQLModel else Field
    body: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"first_name": str, "last_name": str | MISSING | None},
        "model_config": config,
        "first_name": field(**form),
        "last_name": MISSING,
    }
    return made("Named", base, body)


@pytest.mark.parametrize("operation", ["create", "update"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("base", BASES)
def test_what_was_set_is_written_under_every_alias(
    base: type[BaseModel], model: type[SQLModel], operation: str
) -> None:
    for config, form in product(CONFIGS, FORMS):
        schema = named(base, config, FORMS[form])
        data = schema.model_construct({"first_name"})
        vars(data)["first_name"] = "Ada"
        assert read(model, schema, data, operation)["first_name"] == "Ada", (config, form)
        vars(data)["first_name"] = 5
        with pytest.raises(InvalidDataError) as raised:
            read(model, schema, data, operation)
        assert raised.value.fields == ("first_name",), (config, form)


@pytest.mark.parametrize("operation", ["create", "update"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("base", BASES)
def test_what_a_constructor_took_by_alias_is_written(
    base: type[BaseModel], model: type[SQLModel], operation: str
) -> None:
    schema = named(base, ConfigDict(alias_generator=to_camel), {})
    data = schema.model_validate({"firstName": "Ada", "lastName": "L."})
    assert read(model, schema, data, operation) == {"first_name": "Ada", "last_name": "L."}


def test_a_validator_of_a_table_may_assign_to_a_field() -> None:
    assert read(Guarded, Least, Least(first_name="Ada"), "create") == {"first_name": "Ada"}
    schema = named(BaseModel, ConfigDict(), {})
    data = schema.model_validate({"first_name": "Ada", "last_name": None})
    assert read(Guarded, schema, data, "create") == {"first_name": "Ada", "last_name": "of Ada"}


# Classes within a schema.


class Dict(TypedDict, total=False):
    zip_code: Annotated[str, Field(alias="zipCode")]


@dataclass
class Data:
    zip_code: Annotated[str, Field(alias="zipCode")] = ""


@pydantic_dataclass
class Validated:
    zip_code: str = Field(default="", alias="zipCode")


class Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    kind: Literal["model"] = "model"
    zip_code: str = ""
    _seen: int = PrivateAttr(1)

    @computed_field
    def upper_code(self) -> str:
        return self.zip_code.upper()


class Sql(SQLModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")  # type: ignore[assignment]

    kind: Literal["sql"] = "sql"
    zip_code: str = ""
    as_dict: Dict | None = None
    as_model: Model | None = None
    as_data: Validated | None = None


class Own(BaseModel):
    """Its `__init__` takes what its fields do not say."""

    zip_code: str = Field(alias="zipCode")

    def __init__(self, code: str) -> None:
        super().__init__(zipCode=code)


class Hooked(BaseModel):
    """Wants an argument of each of its subclasses."""

    zip_code: str = Field(alias="zipCode")

    @override
    def __init_subclass__(cls, *, kind: str) -> None: ...


class HookedSql(SQLModel):
    zip_code: str = Field(alias="zipCode")

    @override
    def __init_subclass__(cls, **_: Any) -> None:
        seen.append(cls)


seen: list[type] = []
Tagged: TypeAlias = Annotated[Model | Sql, Field(discriminator="kind")]
INSIDE: dict[str, tuple[Any, Callable[[], Any], Any]] = {
    "typed dict": (Dict, lambda: {"zipCode": "x"}, {"zip_code": "x"}),
    "dataclass": (Data, lambda: Data("x"), {"zip_code": "x"}),
    "pydantic dataclass": (Validated, lambda: Validated(zipCode="x"), {"zip_code": "x"}),
    "model": (
        Model,
        lambda: Model.model_validate({"zipCode": "x"}),
        {"kind": "model", "zip_code": "x", "upper_code": "X"},
    ),
    "SQLModel": (Sql, lambda: Sql.model_validate({"zipCode": "x"}), {"kind": "sql", "zip_code": "x"}),
    "all within a SQLModel": (
        Sql,
        lambda: Sql.model_validate(
            {"zipCode": "x", "asDict": {"zipCode": "y"}, "asModel": {"zipCode": "z"}, "asData": {"zipCode": "a"}}
        ),
        {"kind": "sql", "zip_code": "x", "as_dict": {"zip_code": "y"}, "as_data": {"zip_code": "a"}},
    ),
    "in a list": (list[Sql], lambda: [Sql.model_validate({"zipCode": "x"})], [{"kind": "sql", "zip_code": "x"}]),
    "in a union": (Tagged, lambda: Sql.model_validate({"zipCode": "x"}), {"kind": "sql", "zip_code": "x"}),
    "the other of a union": (
        Tagged,
        lambda: Model.model_validate({"zipCode": "x"}),
        {"kind": "model", "zip_code": "x"},
    ),
    "an __init__ of its own": (Own, lambda: Own("x"), {"zip_code": "x"}),
    "a subclass hook": (Hooked, lambda: Hooked(zipCode="x"), {"zip_code": "x"}),
    "a subclass hook beside SQLModel": (
        HookedSql | None,
        lambda: HookedSql.model_validate({"zipCode": "x"}),
        {"zip_code": "x"},
    ),
}


def holding(base: type[BaseModel], inner: Any) -> type[BaseModel]:
    body: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"first_name": str, "the_place": inner},
        "model_config": ConfigDict(alias_generator=to_camel),
    }
    return made("Holding", base, body)


def subset(wanted: object, found: Any) -> bool:
    """Whether all that is wanted is there."""
    if isinstance(wanted, list):
        parts = cast("list[object]", wanted)
        return len(parts) == len(found) and all(map(subset, parts, found))
    if isinstance(wanted, dict):
        named = cast("dict[str, object]", wanted)
        return all(key in found and subset(value, found[key]) for key, value in named.items())
    return bool(wanted == found)


@pytest.mark.parametrize("operation", ["create", "update"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("case", INSIDE)
def test_a_nested_model_is_written_with_what_was_set(
    case: str, base: type[BaseModel], model: type[SQLModel], operation: str
) -> None:
    inner, make, expected = INSIDE[case]
    schema = holding(base, inner)
    data = schema.model_validate({"firstName": "Ada", "thePlace": make()})
    written = read(model, schema, data, operation)
    assert written["first_name"] == "Ada"
    assert subset(expected, written["the_place"]), written


def test_validation_by_name_registers_no_subclass() -> None:
    schema = holding(SQLModel, HookedSql)
    read(Plain, schema, schema.model_validate({"firstName": "Ada", "thePlace": {"zipCode": "x"}}), "create")
    assert seen == []


def test_a_value_outside_of_json_keeps_its_class() -> None:
    """A column of the program's own type is given what the schema names, which pickles."""
    schema = holding(BaseModel, Sql)

    class Pickled(Apart, table=True):
        id: int | None = ColumnField(default=None, primary_key=True)
        first_name: str
        the_place: Any = ColumnField(default=None, sa_type=PickleType, nullable=True)

    data = schema.model_validate({"firstName": "Ada", "thePlace": {"zipCode": "x"}})
    written = read(Pickled, schema, data, "create")["the_place"]
    assert written == Sql.model_validate({"zipCode": "x"})
    assert pickle.dumps(written)


@pytest.mark.parametrize("base", BASES)
def test_a_schema_that_is_built_late_is_read(base: type[BaseModel]) -> None:
    schema = named(base, ConfigDict(alias_generator=to_camel, defer_build=True), {})
    assert read(Guarded, schema, schema.model_validate({"firstName": "x"}), "create")["first_name"] == "x"
