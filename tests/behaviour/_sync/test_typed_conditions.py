# Generated from tests/behaviour/_async/test_typed_conditions.py by `python -m tools.generate_sync`: edit that one.
"""A typed condition means in SQL what it means in Python; NULL is neither true nor false. On a real PostgreSQL."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col

from backend import Database, if_given, typed
from tests.support.models.types import Sample, SampleCreate, SampleRepository

AT = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = timezone(timedelta(hours=5, minutes=30))
TEXTS = st.text("aAbB%_\\/'é", max_size=4)
NUMBERS = st.integers(-3, 3)
TIMES = st.sampled_from([AT, AT + timedelta(hours=1), AT.astimezone(AHEAD), AT.replace(tzinfo=AHEAD)])
ROWS = st.lists(
    st.builds(
        SampleCreate,
        text=st.none() | TEXTS,
        whole=st.none() | NUMBERS,
        small=st.none() | NUMBERS,
        at=st.none() | TIMES,
        length=st.none() | st.sampled_from([timedelta(0), timedelta(hours=1)]),
    ),
    max_size=6,
)


@dataclass(frozen=True)
class Case:
    """A condition, and its meaning for a row: `None` is neither true nor false."""

    sql: Any
    meaning: Callable[[SampleCreate], bool | None]
    text: str

    def __and__(self, other: "Case") -> "Case":
        def both(row: SampleCreate) -> bool | None:
            sides = (self.meaning(row), other.meaning(row))
            return False if False in sides else (None if None in sides else True)

        return Case(self.sql & other.sql, both, f"({self.text} & {other.text})")

    def __or__(self, other: "Case") -> "Case":
        def either(row: SampleCreate) -> bool | None:
            sides = (self.meaning(row), other.meaning(row))
            return True if True in sides else (None if None in sides else False)

        return Case(self.sql | other.sql, either, f"({self.text} | {other.text})")

    def __invert__(self) -> "Case":
        def not_(row: SampleCreate) -> bool | None:
            value = self.meaning(row)
            return None if value is None else not value

        return Case(~self.sql, not_, f"~{self.text}")


def _known(value: Any, compute: Callable[[Any], bool]) -> bool | None:
    """The result of a function as in SQL, where that of a NULL is NULL."""
    return None if value is None else compute(value)


def _both(one: Any, other: Any, compute: Callable[[Any, Any], bool]) -> bool | None:
    return None if one is None or other is None else compute(one, other)


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")
}
_VALUES: dict[str, st.SearchStrategy[Any]] = {"whole": NUMBERS, "small": NUMBERS, "at": TIMES}


@st.composite
def comparisons(draw: st.DrawFn) -> Case:
    """An operator of a column and a value, or another column, or a value that is computed in SQL."""
    name = draw(st.sampled_from(sorted(_VALUES)))
    value, how = draw(_VALUES[name]), draw(st.sampled_from(sorted(_COMPARE)))
    compare, column = _COMPARE[how], typed(getattr(Sample, name))
    text = f"{name} {how} {value!r}"
    same = f"{name} {how} another"
    if name == "at":
        hour = timedelta(hours=1)
        return draw(
            st.sampled_from(
                [
                    Case(compare(column, value), lambda row: _known(row.at, lambda at: compare(at, value)), text),
                    Case(
                        compare(column + hour, value),
                        lambda row: _known(row.at, lambda at: compare(at + hour, value)),
                        "+",
                    ),
                    Case(
                        compare(column - AT, hour), lambda row: _known(row.at, lambda at: compare(at - AT, hour)), "-"
                    ),
                    Case(
                        compare(column + typed(Sample.length), value),
                        lambda row: _both(row.at, row.length, lambda at, length: compare(at + length, value)),
                        same,
                    ),
                ]
            )
        )
    return draw(
        st.sampled_from(
            [
                Case(
                    compare(typed(getattr(Sample, name)), value),
                    lambda row: _known(getattr(row, name), lambda number: compare(number, value)),
                    text,
                ),
                Case(
                    compare(col(getattr(Sample, name)), value),
                    lambda row: _known(getattr(row, name), lambda number: compare(number, value)),
                    text,
                ),
                Case(
                    compare(column, typed(Sample.whole)),
                    lambda row: _both(getattr(row, name), row.whole, compare),
                    same,
                ),
                Case(
                    compare(column * 2 - typed(Sample.whole), value),
                    lambda row: _both(getattr(row, name), row.whole, lambda one, two: compare(one * 2 - two, value)),
                    f"2 * {text}",
                ),
            ]
        )
    )


@st.composite
def memberships(draw: st.DrawFn) -> Case:
    """IN, NOT IN, BETWEEN, IS NULL and IS NOT NULL."""
    name = draw(st.sampled_from(["whole", "text"]))
    column, values = typed(getattr(Sample, name)), draw(st.lists(NUMBERS if name == "whole" else TEXTS, max_size=3))

    def is_one(row: SampleCreate) -> bool | None:
        return _known(getattr(row, name), lambda value: value in values) if values else False

    low, high = draw(NUMBERS), draw(NUMBERS)
    return draw(
        st.sampled_from(
            [
                Case(column.in_(values), is_one, f"{name} in {values}"),
                ~Case(~column.not_in(set(values)), is_one, f"{name} not in {values}"),
                Case(column.is_null(), lambda row: getattr(row, name) is None, f"{name} is null"),
                Case(column.is_not_null(), lambda row: getattr(row, name) is not None, f"{name} is not null"),
                Case(
                    typed(Sample.whole).between(low, high),
                    lambda row: _known(row.whole, lambda value: low <= value <= high),
                    f"whole between {low} and {high}",
                ),
            ]
        )
    )


@st.composite
def searches(draw: st.DrawFn) -> Case:
    """Text in a text, whatever it contains."""
    name, ignore_case, text = draw(st.sampled_from(sorted(_SEARCHES))), draw(st.booleans()), draw(TEXTS)
    search = getattr(typed(Sample.text), name)

    def found(value: str) -> bool:
        return _SEARCHES[name](value.lower(), text.lower()) if ignore_case else _SEARCHES[name](value, text)

    shown = f"{name}({text!r}, {ignore_case})"
    return draw(
        st.sampled_from(
            [
                Case(search(text, ignore_case=ignore_case), lambda row: _known(row.text, found), shown),
                Case(
                    typed(Sample.text) + "%" == text,
                    lambda row: _known(row.text, lambda one: one + "%" == text),
                    "+ %",
                ),
                Case(typed(Sample.text) == text, lambda row: _known(row.text, lambda one: one == text), f"== {text!r}"),
            ]
        )
    )


_SEARCHES: dict[str, Callable[[str, str], bool]] = {
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}
CASES = st.recursive(
    comparisons() | memberships() | searches(),
    lambda inner: (
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1])
        | st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1])
        | inner.map(lambda case: ~case)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, case=CASES)
def test_a_condition_means_what_it_means_in_python(database: Database, rows: list[SampleCreate], case: Case) -> None:
    with database.session() as session, session.begin() as transaction:
        samples = SampleRepository(session)
        ids = [(samples.create(row)).id for row in rows]
        expected = [id for id, row in zip(ids, rows, strict=True) if case.meaning(row)]
        assert [row.id for row in samples.list(case.sql)] == expected, case.text
        assert samples.count(~case.sql) == sum(case.meaning(row) is False for row in rows), case.text
        transaction.rollback()


@pytest.fixture
def samples(session: Session) -> SampleRepository:
    found = SampleRepository(session)
    found.create(SampleCreate(text="50% off", whole=1, at=AT))
    found.create(SampleCreate(text="50 kg", whole=2))
    found.create(SampleCreate())
    return found


def test_text_is_literal_and_its_case_can_be_ignored(samples: SampleRepository) -> None:
    assert samples.count(typed(Sample.text).contains("50%")) == 1
    assert samples.count(typed(Sample.text).starts_with("50_")) == 0
    assert samples.count(typed(Sample.text).contains("KG")) == 0
    assert samples.count(typed(Sample.text).ends_with("KG", ignore_case=True)) == 1


def test_in_nothing_matches_no_row_and_not_in_nothing_every_row(samples: SampleRepository) -> None:
    assert samples.count(typed(Sample.whole).in_([])) == 0
    assert samples.count(typed(Sample.whole).not_in([])) == 3


def test_a_search_form_leaves_out_what_was_not_asked(samples: SampleRepository) -> None:
    def search(text: str | None = None, least: int | None = None) -> int:
        return samples.count(
            *if_given(text, typed(Sample.text).contains),
            *if_given(least, lambda number: typed(Sample.whole) >= number),
        )

    assert [search(), search("50"), search("50", 2), search(least=0)] == [3, 2, 1, 2]


def test_an_order_places_nulls(samples: SampleRepository) -> None:
    def ordered(order: Any) -> list[int | None]:
        return [row.whole for row in samples.list(order_by=order)]

    assert ordered(typed(Sample.whole)) == [1, 2, None]
    assert ordered([typed(Sample.whole).asc().nulls_first()]) == [None, 1, 2]
    assert ordered(typed(Sample.whole).desc().nulls_last()) == [2, 1, None]
