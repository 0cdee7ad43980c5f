# Generated from tests/behaviour/_async/test_huge_numbers.py by `python -m tools.generate_sync`: edit that one.
"""A number of more digits than Python turns into text is refused as any other that does not fit, and never printed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Integer, bindparam
from sqlmodel import Session, col

from backend import Change, Retry, typed
from backend.errors import InvalidDataError, NotFoundError, RepositoryError, StaleError, UsageError
from tests.support.edge_values import HUGE
from tests.support.models.suite import Note, NoteCreate, NoteRepository, NoteUpdate
from tests.support.models.types import Sample, SampleCreate, SampleRepository, SampleUpdate
from tests.support.wire import WireProxy

_RANK = Change(typed(Note.rank).to(bindparam("new", type_=Integer())))


class RankRepository(NoteRepository):
    def rank(self, note: Note, new: int) -> Note:
        return self._change(note.id, _RANK, {"new": new})


@pytest.fixture
def samples(session: Session) -> SampleRepository:
    return SampleRepository(session)


Call = Callable[[SampleRepository, int], Any]
REFUSED: list[tuple[str, Call, type[RepositoryError]]] = [
    ("get_one", lambda rows, huge: rows.get_one(huge), NotFoundError),
    ("update", lambda rows, huge: rows.update(huge, SampleUpdate.model_validate({"Whole": 1})), NotFoundError),
    ("update of nothing", lambda rows, huge: rows.update(huge, SampleUpdate()), NotFoundError),
    ("delete", lambda rows, huge: rows.delete(huge), NotFoundError),
    ("limit", lambda rows, huge: rows.list(limit=huge), UsageError),
    ("offset", lambda rows, huge: rows.list(offset=huge), UsageError),
    ("condition", lambda rows, huge: rows.list(col(Sample.id) == huge), UsageError),
    ("order", lambda rows, huge: rows.list(order_by=col(Sample.id) + huge), InvalidDataError),
    ("float", lambda rows, huge: rows.count(col(Sample.ratio) < huge), InvalidDataError),
    ("numeric", lambda rows, huge: rows.count(col(Sample.price) < huge), InvalidDataError),
]


@pytest.mark.parametrize("huge", [HUGE, -HUGE], ids=["positive", "negative"])
@pytest.mark.parametrize(("call", "error"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_a_huge_number_is_refused_and_not_printed(
    samples: SampleRepository, proxy: WireProxy, call: Call, error: type[RepositoryError], huge: int
) -> None:
    with pytest.raises(error) as raised:
        call(samples, huge)
    assert "0" * 100 not in f"{raised.value}{raised.value!r}"


def test_a_huge_id_is_absent_and_not_sent(samples: SampleRepository, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        assert samples.get(HUGE) is None
        assert samples.get(-HUGE) is None
    assert seen.round_trips == 0


@pytest.mark.parametrize("field", sorted(SampleCreate.model_fields.keys() - {"price"}))
def test_a_huge_value_is_refused_before_sql(samples: SampleRepository, proxy: WireProxy, field: str) -> None:
    values: list[Any] = [HUGE, -HUGE, [HUGE], {"a": HUGE}, {"a": [HUGE]}, [[HUGE]]]
    for value in values:
        with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
            samples.create(SampleCreate.model_construct(**{field: value}))
        assert (raised.value.fields, seen.round_trips) == ((field,), 0)


@pytest.mark.parametrize("value", [HUGE, Decimal(HUGE), -Decimal(HUGE)], ids=["int", "decimal", "negative"])
def test_a_huge_price_is_refused_before_sql(samples: SampleRepository, proxy: WireProxy, value: Any) -> None:
    with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
        samples.create(SampleCreate.model_construct(price=value))
    assert (raised.value.fields, seen.round_trips) == (("price",), 0)


def test_a_huge_version_is_stale_and_a_huge_parameter_is_refused(session: Session) -> None:
    notes = RankRepository(session)
    note = notes.create(NoteCreate(text="x"))
    for data in (NoteUpdate(text="y"), NoteUpdate()):
        with pytest.raises(StaleError):
            notes.update(note.id, data, expected=HUGE)
    with pytest.raises(StaleError):
        notes.delete(note.id, expected=-HUGE)
    with pytest.raises(RepositoryError):
        notes.rank(note, HUGE)
    assert notes.get_one(note.id) == note


def test_retries_of_huge_numbers_are_refused() -> None:
    assert Retry(attempts=HUGE).attempts == HUGE
    for options in ({"attempts": -HUGE}, {"within_s": HUGE}, {"within_s": -HUGE}):
        with pytest.raises(UsageError, match="more than 64 bits"):
            Retry(**options)
