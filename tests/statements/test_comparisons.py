"""A value of a wrong type beside a column is refused before SQL, in words that name the column; others are taken."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Numeric, Text, and_, bindparam, cast, exists, func, literal, not_, or_
from sqlmodel import col, select

from backend import typed
from backend.entity.checks import ClassOptions, define
from backend.errors import UsageError
from backend.statements.change import Change
from backend.statements.statements import Statements
from tests.support.compiling import compiled
from tests.support.models.types import Colour, Sample, SampleCreate, SampleUpdate

SAMPLES: Statements[Any] = Statements(
    define("Samples", (Sample, SampleCreate, SampleUpdate, int, str), ClassOptions()), scoped=False
)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what is refused
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Word(StrEnum):
    X = "x"


_NO_ZONE = "sample.at is compared with a datetime: its column has a time zone: pass a datetime that has one"
_NO_STR = "sample.text is compared with an int, expected a str"
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "naive time": (lambda: col(Sample.at) > NAIVE, _NO_ZONE),
    "naive time on the left": (lambda: literal(NAIVE) < col(Sample.at), _NO_ZONE),
    "aware time": (
        lambda: col(Sample.local) > AT,
        "sample.local is compared with a datetime: its column holds no time zone: give it none",
    ),
    "date for a moment": (lambda: col(Sample.at) >= date(2026, 1, 1), "sample.at is compared with a date, expected a"),
    "moment for a date": (lambda: col(Sample.day) == AT, "sample.day is compared with a datetime, expected a date"),
    "int for text": (lambda: col(Sample.text) == 5, _NO_STR),
    "int distinct from text": (lambda: col(Sample.text).is_distinct_from(5), _NO_STR),
    "int under lower": (lambda: func.lower(col(Sample.text)) == 5, _NO_STR),
    "int under coalesce": (lambda: func.coalesce(col(Sample.text), "x") == 5, _NO_STR),
    "within and": (lambda: and_(col(Sample.id) > 1, col(Sample.text) == 5), _NO_STR),
    "within or": (lambda: or_(col(Sample.id) > 1, col(Sample.text) == 5), _NO_STR),
    "within not": (lambda: not_(or_(col(Sample.id) > 1, col(Sample.text) == 5)), _NO_STR),
    "within a function": (lambda: func.coalesce(col(Sample.text) == 5, False), _NO_STR),
    "within a subquery": (lambda: col(Sample.id).in_(select(Sample.id).where(col(Sample.text) == 5)), _NO_STR),
    "within exists": (lambda: exists(select(Sample.id).where(col(Sample.text) == 5)), _NO_STR),
    "a member": (lambda: col(Sample.small).in_([1, "2"]), "sample.small is compared with a str, expected an int"),
    "no member": (lambda: col(Sample.small).not_in(["2"]), "sample.small is compared with a str, expected an int"),
    "a bound": (lambda: col(Sample.small).between(1, "2"), "sample.small is compared with a str, expected an int"),
    "bool for a number": (lambda: col(Sample.whole) == True, "sample.whole is compared with a bool"),  # noqa: E712
    "number for a bool": (lambda: col(Sample.price) == "1", "sample.price is compared with a str, expected a Decimal"),
    "too large": (
        lambda: col(Sample.small) < 2**15,
        "sample.small is compared with an int: its column holds whole numbers from -32768 to 32767",
    ),
    "text for a key": (
        lambda: col(Sample.key) == str(UUID(int=1)),
        "sample.key is compared with a str, expected a",
    ),
    "no member of an enum": (
        lambda: col(Sample.colour) == "green",
        "sample.colour is compared with a str: it is no member of its column's enum",
    ),
    "text for bytes": (lambda: col(Sample.blob) == "x", "sample.blob is compared with a str, expected a bytes"),
    "unstorable": (lambda: col(Sample.text) == "\0", "sample.text is compared with a str: text holds a NUL"),
    "number of seconds": (
        lambda: col(Sample.length) > 5,
        "sample.length is compared with an int, expected a",
    ),
    "text for a time": (lambda: col(Sample.hour) > "10:00", "sample.hour is compared with a str, expected a time"),
}

RIGHT: list[Callable[[], Any]] = [
    lambda: col(Sample.text) == None,  # noqa: E711 - IS NULL
    lambda: col(Sample.text) == Word.X,
    lambda: col(Sample.short) == "longer than it is",
    lambda: col(Sample.whole) > 1.5,
    lambda: col(Sample.whole) > Decimal("1.5"),
    lambda: col(Sample.price) > Decimal("0.001"),
    lambda: col(Sample.price) == 10**9,
    lambda: col(Sample.ratio) < 1,
    lambda: col(Sample.small).in_([]),
    lambda: col(Sample.small).in_([1, None]),
    lambda: col(Sample.small).between(-1, 1),
    lambda: col(Sample.colour) == Colour.RED,
    lambda: col(Sample.colour) == "RED",
    lambda: col(Sample.at) > AT,
    lambda: col(Sample.at) + timedelta(1) > AT,
    lambda: col(Sample.at) - col(Sample.at) > timedelta(1),
    lambda: col(Sample.local) < NAIVE,
    lambda: col(Sample.day) == date(2026, 1, 1),
    lambda: col(Sample.hour) == time(1),
    lambda: col(Sample.blob) == memoryview(b"x"),
    lambda: col(Sample.tags) == ["a"],
    lambda: cast(col(Sample.whole), Text) == "5",
    lambda: func.length(col(Sample.text)) == 5,
    lambda: col(Sample.text).contains("5"),
    lambda: col(Sample.data)["a"].as_integer() == 5,
    lambda: col(Sample.whole) == col(Sample.big),
]


@pytest.mark.parametrize("case", WRONG)
def test_a_value_of_a_wrong_type_is_refused_in_every_place(case: str) -> None:
    make, text = WRONG[case]
    where = make()
    builds: tuple[Callable[[], object], ...] = (
        lambda: SAMPLES.list((where,), (), None, 0),
        lambda: SAMPLES.count((col(Sample.id) > 1, where)),
        lambda: SAMPLES.exists((where,)),
        lambda: SAMPLES.list((), where, None, 0),
        lambda: SAMPLES.bind_owner(SAMPLES.select([col(Sample.id)]).where(where)),
        lambda: SAMPLES.change(Change(typed(Sample.text).to("x"), where=where), {}),
    )
    for build in builds:
        with pytest.raises(UsageError) as raised:
            build()
        assert str(raised.value).startswith(text)


@pytest.mark.parametrize("make", RIGHT)
def test_a_value_that_may_be_compared_is_taken(make: Callable[[], Any]) -> None:
    SAMPLES.list((make(),), (), None, 0)
    SAMPLES.bind_owner(SAMPLES.select([col(Sample.id)]).where(make()))


def test_a_parameter_of_a_statement_is_checked() -> None:
    statement = SAMPLES.select([col(Sample.id)]).where(col(Sample.at) > bindparam("since"))
    SAMPLES.bind_owner(statement, {"since": AT})
    with pytest.raises(UsageError, match=r"^sample\.at is compared with a datetime"):
        SAMPLES.bind_owner(statement, {"since": NAIVE})


# What a change sets.

SET: list[tuple[Any, Any, str]] = [
    (col(Sample.text), 5, "sets sample.text to an int, expected a str"),
    (col(Sample.short), "too long", "sets sample.short to a str: its column holds at most 5 characters"),
    (col(Sample.small), 2**15, "sets sample.small to an int: its column holds whole numbers from"),
    (col(Sample.small), 1.5, "sets sample.small to a float, expected an int"),
    (col(Sample.small), True, "sets sample.small to a bool, expected an int"),
    (col(Sample.price), Decimal("0.001"), "sets sample.price to a Decimal: its column holds at most 2 digits after"),
    (col(Sample.at), NAIVE, "sets sample.at to a datetime: its column has a time zone: pass a datetime that has one"),
    (col(Sample.key), "x", "sets sample.key to a str, expected a"),
    (col(Sample.colour), "green", "sets sample.colour to a str: it is no member"),
    (col(Sample.body), None, "sets sample.body to None, which it does not allow"),
    (col(Sample.data), {"a": float("nan")}, "sets sample.data to a dict: JSON has neither infinity nor NaN"),
    (col(Sample.counts), [2**31], "sets sample.counts to a list: its column holds whole numbers from"),
]


@pytest.mark.parametrize(("column", "value", "text"), SET)
def test_what_a_change_sets_is_checked(column: Any, value: Any, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        typed(column).to(value)
    assert str(raised.value).startswith(f"a change {text}")
    change = Change(typed(column).to(bindparam("new")))
    with pytest.raises(UsageError) as raised:
        SAMPLES.change(change, {"new": value})
    assert str(raised.value).startswith(f"a change {text}")


@pytest.mark.parametrize(
    ("change", "value", "text"),
    [
        (
            Change(typed(Sample.text).to("x"), where=col(Sample.at) == bindparam("p")),
            NAIVE,
            "compares sample.at with a datetime",
        ),
        (Change(typed(Sample.small).to(typed(Sample.small) + bindparam("p"))), "5", "takes for its parameter 'p' a st"),
        (Change(typed(Sample.small).to(col(Sample.small) + bindparam("p"))), 1.5, "takes for its parameter 'p' a flo"),
        (Change(typed(Sample.text).to(bindparam("p", type_=Text()))), 5, "sets sample.text to an int"),
        (Change(typed(Sample.text).to(func.upper(bindparam("p", type_=Text())))), 5, "takes for its parameter 'p' an"),
    ],
)
def test_what_a_change_computes_with_is_checked(change: Change, value: Any, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        SAMPLES.change(change, {"p": value})
    assert str(raised.value).startswith(f"a change {text}")


def test_what_a_change_may_take_is_taken() -> None:
    change = Change(
        typed(Sample.text).to(bindparam("new")),
        typed(Sample.price).to(typed(Sample.price) * bindparam("factor", type_=Numeric(6, 2))),
        typed(Sample.whole).to(7),
        typed(Sample.data).to_null(),
        where=typed(Sample.at) == bindparam("then"),
    )
    SAMPLES.change(change, {"new": None, "factor": Decimal("1.075"), "then": AT})
    SAMPLES.change(change, {"new": "x", "factor": 2, "then": None})


def test_a_change_sets_the_values_that_it_is_given() -> None:
    made = compiled(SAMPLES.change(Change(typed(Sample.text).to("x"), typed(Sample.data).to_null()), {}))
    assert made.parameters["text"] == "x"
    assert "data=NULL" in made.sql


class Rank(IntEnum):
    FIRST = 1


@pytest.mark.parametrize(
    "condition",
    [
        lambda: col(Sample.at) < datetime.max.replace(tzinfo=UTC),
        lambda: col(Sample.at) > datetime.min.replace(tzinfo=UTC),
        lambda: col(Sample.small) == Rank.FIRST,
        lambda: col(Sample.price) > 5,
    ],
)
def test_what_is_compared_need_not_come_back_from_the_column(condition: Callable[[], Any]) -> None:
    SAMPLES.list([condition()], (), None, 0)


def test_a_change_sets_a_numeric_column_to_a_whole_number() -> None:
    untyped: Any = typed(Sample.price)
    SAMPLES.change(Change(untyped.to(5)), {})
    with pytest.raises(UsageError, match="price"):
        untyped.to(10**4)
