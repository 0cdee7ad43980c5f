# Generated from tests/behaviour/_async/test_patch.py by `python -m tools.generate_sync`: edit that one.
"""A patch writes what was set, and nothing else, however it came to be set."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import MISSING
from sqlmodel import Session

from backend.errors import InvalidDataError
from tests.support.models.types import Sample, SampleCreate, SampleRepository, SampleUpdate
from tests.support.wire import WireProxy

FULL = {"small": 1, "whole": 2, "big": 3, "tags": ["a"], "ratio": 0.5, "text": "t", "price": Decimal(9)}


@pytest.fixture
def samples(session: Session) -> SampleRepository:
    return SampleRepository(session)


@pytest.fixture
def row(samples: SampleRepository) -> Sample:
    return samples.create(SampleCreate.model_validate(FULL | {"short": "s"}))


def forged(**extra: Any) -> SampleUpdate:
    """Names that are no fields, everywhere that an instance has room for them."""
    data = SampleUpdate.model_construct({"whole", "id", "key", "nothing", *extra}, whole=8, **extra)
    vars(data).update(extra, id=99, key="smuggled", nothing=1)
    object.__setattr__(data, "__pydantic_extra__", {"id": 99, "day": "2026-01-01"})
    object.__setattr__(data, "__pydantic_private__", {"_cache": 1, "id": 99})
    return data


def mutated() -> SampleUpdate:
    """Fields set after the instance was made."""
    data = SampleUpdate(whole=8)
    data.big = 4
    return data


WRITTEN: dict[str, tuple[SampleUpdate, dict[str, Any]]] = {
    "a field": (SampleUpdate(whole=8), {"whole": 8}),
    "None": (SampleUpdate(whole=None, ratio=None), {"whole": None, "ratio": None}),
    "a default that is given": (SampleUpdate(whole=5), {"whole": 5}),
    "MISSING that is given": (SampleUpdate(small=MISSING, whole=8), {"whole": 8}),
    "an alias": (SampleUpdate.model_validate({"Small": 8}), {"small": 8}),
    "a name beside its alias": (SampleUpdate.model_validate({"small": 8}), {"small": 8}),
    "a validation alias": (SampleUpdate.model_validate({"Whole": 8}), {"whole": 8}),
    "one of several aliases": (SampleUpdate.model_validate({"Large": 8}), {"big": 8}),
    "a list for one with a default factory": (SampleUpdate(tags=["b"]), {"tags": ["b"]}),
    "a field that no dump shows": (SampleUpdate(ratio=2.5), {"ratio": 2.5}),
    "a field that a validator sets": (SampleUpdate(short="x"), {"short": "x", "text": "short is x"}),
    "a copy": (SampleUpdate(whole=8).model_copy(update={"big": 4}), {"whole": 8, "big": 4}),
    "a copy with what is no field": (SampleUpdate(whole=8).model_copy(update={"id": 99}), {"whole": 8}),
    "a change afterwards": (mutated(), {"whole": 8, "big": 4}),
    "what was made without validation": (SampleUpdate.model_construct(whole="8"), {"whole": 8}),
    "what is no field": (forged(), {"whole": 8}),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_exactly_what_was_set_is_written(samples: SampleRepository, row: Sample, case: str) -> None:
    data, expected = WRITTEN[case]
    changed = samples.update(row.id or 0, data)
    assert changed.model_dump() == row.model_dump() | expected
    assert samples.get(row.id or 0) == changed


@pytest.mark.parametrize(
    "data",
    [
        SampleUpdate(),
        SampleUpdate(small=MISSING),
        SampleUpdate.model_construct(),
        SampleUpdate.model_construct({"id", "key"}, id=99, key="x"),
    ],
)
def test_nothing_set_writes_nothing_and_returns_the_row(
    samples: SampleRepository, row: Sample, proxy: WireProxy, data: SampleUpdate
) -> None:
    with proxy.watch() as seen:
        assert samples.update(row.id or 0, data) == row
    assert seen.round_trips == 1
    assert [one.sql.split()[0] for one in seen.statements] == ["SELECT"]


def test_none_is_refused_where_the_column_forbids_it(samples: SampleRepository, row: Sample, proxy: WireProxy) -> None:
    with proxy.watch() as seen, pytest.raises(InvalidDataError, match="body: None is not allowed here"):
        samples.update(row.id or 0, SampleUpdate(body=None))
    assert seen.round_trips == 0
