"""The primary key as a value: which ids fit, and what is said of those that do not."""

from datetime import date, datetime
from typing import NamedTuple

import pytest
from sqlalchemy import Boolean, Column, Date, Integer

from backend.entity.identity import CompositeIdentity, KeyColumn, ScalarIdentity
from backend.errors import UsageError

NUMBERED = ScalarIdentity("Task", KeyColumn("id", Column("id", Integer), int, 0))


@pytest.mark.parametrize(("id", "got"), [("1", "a str"), (True, "a bool"), (1.0, "a float")])
def test_an_id_of_another_type_is_refused(id: object, got: str) -> None:
    with pytest.raises(UsageError, match=f"^an id of Task is an int, got {got}: pass an int$"):
        NUMBERED.fits(id)


def test_a_bool_is_an_id_where_the_key_is_one() -> None:
    assert ScalarIdentity("Flag", KeyColumn("is_set", Column("is_set", Boolean), bool, 0)).fits(True)


class LineId(NamedTuple):
    day: date
    number: int


LINE = CompositeIdentity(
    "Line",
    [KeyColumn("number", Column("number", Integer), int, 1), KeyColumn("day", Column("day", Date), date, 0)],
    LineId,
)


@pytest.mark.parametrize(
    ("id", "fact"),
    [
        (7, "is a LineId, got an int"),
        ((date.max, 7), "is a LineId, got a tuple"),
        (LineId._make([None, 7]), "has a date as day, got None"),
        (LineId(day=datetime.max, number=7), "has a date as day, got a datetime"),  # noqa: DTZ901 - its class matters
        (LineId(day=date.max, number=True), "has an int as number, got a bool"),
    ],
)
def test_an_id_of_several_columns_has_every_part(id: object, fact: str) -> None:
    with pytest.raises(UsageError) as raised:
        LINE.fits(id, 3)
    assert str(raised.value) == f"an id of Line {fact} at position 3: pass LineId(day=…, number=…)"


def test_an_id_of_several_columns_is_absent_if_a_part_does_not_fit() -> None:
    assert LINE.fits(LineId(day=date.max, number=2**31 - 1))
    assert not LINE.fits(LineId(day=date.max, number=2**31))


def test_the_parts_of_an_id_are_in_the_order_of_the_key() -> None:
    id = LineId(day=date.max, number=7)
    assert LINE.values(id) == LINE.of((date.max, 7)) == (7, date.max)
    assert LINE.id_from((7, date.max)) == id
    assert (NUMBERED.values(7), NUMBERED.of((7,)), NUMBERED.id_from((7,))) == ((7,), (7,), 7)
