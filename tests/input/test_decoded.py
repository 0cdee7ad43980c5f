"""What a schema has decoded is not decoded again, and a table's own configuration applies to what is written."""

from math import inf
from typing import Any

import pytest
from pydantic import Base64Bytes, Base64Str, Base64UrlStr, BaseModel, ConfigDict, Json
from sqlalchemy import JSON, MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from backend.entity.checks import ClassOptions, define
from backend.errors import InvalidDataError
from backend.input.reader import SchemaReader
from backend.input.values import ColumnValues
from tests.support.models.invalid import schema


class Apart(SQLModel, registry=registry()):
    """In a registry of its own, which can be configured."""

    metadata = MetaData()


class Decoded(Apart, table=True):
    id: int | None = Field(default=None, primary_key=True)
    text: str = ""
    blob: bytes = b""
    data: Any = Field(default=None, sa_type=JSON, nullable=True)


class Inner(SQLModel):
    code: Base64Str
    more: Json[list[int]]


class DecodedCreate(BaseModel):
    text: Base64Str = "aGVsbG8="
    blob: Base64Bytes = b"aGVsbG8="
    data: Json[dict[str, Base64UrlStr]] | list[Inner] | Json[Any] | None = None


def created(model: type[SQLModel], data: BaseModel) -> ColumnValues:
    entity = define("Made", (model, type(data), schema("Empty"), int, str), ClassOptions())
    return SchemaReader(entity, type(data), "create").insert_values(data)


def test_what_a_schema_has_decoded_is_written_as_it_is() -> None:
    data = DecodedCreate.model_validate({"text": "aGVsbG8=", "blob": b"aGVsbG8=", "data": '{"a": "aGk="}'})
    assert created(Decoded, data) == {"text": "hello", "blob": b"hello", "data": {"a": "hi"}}


def test_what_a_nested_model_has_decoded_is_written_as_its_dump() -> None:
    """Which encodes it."""
    data = schema("Nesting", data=list[Inner]).model_validate({"data": [{"code": "aGk=", "more": "[1, 2]"}]})
    assert created(Decoded, data)["data"] == [{"code": "aGk=", "more": [1, 2]}]


class Configured(Apart, table=True):
    """Limits and changes that its configuration says."""

    model_config = ConfigDict(  # type: ignore[assignment]  # SQLModel's own kind of it
        str_max_length=6, str_min_length=2, str_strip_whitespace=True, str_to_lower=True, allow_inf_nan=False
    )

    id: int | None = Field(default=None, primary_key=True)
    text: str = "xx"
    ratio: float = 0.0


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [("text", " AB ", "ab"), ("text", "abcdef", "abcdef"), ("ratio", 1.5, 1.5)],
)
def test_a_tables_configuration_changes_what_is_written(field: str, value: Any, expected: Any) -> None:
    assert created(Configured, schema("New", **{field: type(value)})(**{field: value})) == {field: expected}


@pytest.mark.parametrize(("field", "value"), [("text", "abcdefg"), ("text", " a "), ("ratio", inf)])
def test_a_tables_configuration_refuses_what_is_written(field: str, value: Any) -> None:
    new = schema("New", **{field: type(value)})(**{field: value})
    with pytest.raises(InvalidDataError) as raised:
        created(Configured, new)
    assert raised.value.fields == (field,)
