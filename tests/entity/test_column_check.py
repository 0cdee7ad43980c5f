"""What a column holds, value by value: the columns of the behaviour suite meet these only after their schema."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field
from sqlalchemy import ARRAY, Date, Float, Integer, Numeric, String, Uuid
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import DOMAIN, MONEY

from backend.entity.column_types import column_check, jsonable
from tests.support.models.types import Colour


class Aliased(BaseModel):
    number: int = Field(alias="Number")


@pytest.mark.parametrize(
    ("kind", "value", "refused"),
    [
        (Date(), date(2026, 1, 1), None),
        (Date(), datetime(2026, 1, 1, tzinfo=UTC), "date_type"),
        (EnumType(Colour), Colour.RED, None),
        (EnumType(Colour), "RED", "enum"),
        (EnumType(Colour), "red", "enum"),
        (EnumType("a", "b"), "c", "enum"),
        (Numeric(4, 2), Decimal("99.99"), None),
        (Numeric(4, 2), Decimal("0E+10"), None),
        (Numeric(4, 2), Decimal("NaN"), None),
        (Numeric(4, 2), Decimal("Infinity"), "decimal_whole_digits"),
        (Numeric(4, 2), Decimal(100), "decimal_whole_digits"),
        (Numeric(4, 2), 1, "decimal_type"),
        (Numeric(2, 2), Decimal("0.99"), None),
        (Numeric(2, 2), Decimal(5), "decimal_whole_digits"),
        (Numeric(4, 2), Decimal("0.125"), "decimal_max_places"),
        (Numeric(4, 2), 0.5, "decimal_type"),
        (Numeric(), Decimal("1e100"), None),
        (Float(asdecimal=True, decimal_return_scale=2), Decimal("0.25"), None),
        (Float(asdecimal=True, decimal_return_scale=2), Decimal("0.125"), "float_digits"),
        (MONEY(), "1", "unsupported_column"),
        (DOMAIN("key", Uuid()), UUID(int=1), None),
        (DOMAIN("key", Uuid(as_uuid=False)), str(UUID(int=1)), "unsupported_column"),
        (String(2), "ab", None),
        (String(2), "abc", "string_too_long"),
        (ARRAY(Integer), [None, 1], None),
        (ARRAY(ARRAY(Integer).item_type), [[2**31]], "out_of_range"),
    ],
)
def test_column_check_takes_what_the_column_stores(kind: Any, value: Any, refused: str | None) -> None:
    found = column_check(kind)(value)
    assert (found and found[0]) == refused


def test_a_model_in_json_is_written_by_its_fields_names() -> None:
    assert jsonable({"a": Aliased(Number=1)}) == {"a": {"number": 1}}
