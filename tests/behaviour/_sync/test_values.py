# Generated from tests/behaviour/_async/test_values.py by `python -m tools.generate_sync`: edit that one.
"""Values of every kind are written and read back as they were, and what cannot be is refused before SQL."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, col

from backend.errors import InvalidDataError, OwnerRequiredError, UsageError
from tests.support.models.types import (
    BoxCreate,
    BoxRepository,
    BoxUpdate,
    Colour,
    Extended,
    Numbered,
    Odd,
    OddCreate,
    OddRepository,
    OddUpdate,
    PinCreate,
    PinRepository,
    Place,
    Point,
    RuledCreate,
    RuledRepository,
    RuledUpdate,
    Sample,
    SampleCreate,
    SampleRepository,
    SampleUpdate,
)
from tests.support.wire import WireProxy

AT = datetime(2026, 3, 4, 5, 6, 7, 89, UTC)


@pytest.fixture
def samples(session: Session) -> SampleRepository:
    return SampleRepository(session)


@pytest.fixture
def ruled(session: Session) -> RuledRepository:
    return RuledRepository(session).owned_by("a")


KEPT: list[tuple[str, Any]] = [
    ("data", {"a": [1, 2.5, None, {"b": "ü"}], "": True}),
    ("data", {}),
    ("colour", Colour.BLUE),
    ("price", Decimal("9999.99")),
    ("price", Decimal("-0.10")),
    ("price", Decimal("1.50")),
    ("tags", ["a", 'b"c', "{d,e}", ""]),
    ("tags", []),
    ("counts", [-(2**31), 2**31 - 1]),
    ("grid", [[1, 2], [3, 4]]),
    ("key", UUID(int=7)),
    ("day", date(2026, 2, 28)),
    ("day", date.max),
    ("hour", time(23, 59, 59, 999999)),
    ("at", AT),
    ("at", AT.astimezone(timezone(timedelta(hours=5, minutes=30)))),
    ("local", datetime(2026, 3, 4, 5, 6, 7, 89)),  # noqa: DTZ001 - a column without a zone
    ("length", timedelta(days=400, microseconds=1)),
    ("small", -(2**15)),
    ("whole", 2**31 - 1),
    ("big", -(2**63)),
    ("ratio", 1e308),
    ("ratio", float("-inf")),
    ("blob", b"\0\xff"),
    ("short", "üüüüü"),
    ("text", "\U0001f600'\"\\%(x)s"),
]


@pytest.mark.parametrize(("field", "value"), KEPT)
def test_a_value_is_read_back_as_it_was_written(samples: SampleRepository, field: str, value: Any) -> None:
    data = SampleCreate.model_construct(**{field: value})
    created = samples.create(data)
    read = samples.get_one(created.id or 0)
    for row in (created, read):
        assert getattr(row, field) == value
        assert type(getattr(row, field)) is type(value)


REFUSED: list[tuple[str, Any, str]] = [
    ("data", {"a": float("nan")}, "finite_number"),
    ("data", {"a": [{"b": float("inf")}]}, "finite_number"),
    ("data", {"a": ["\0"]}, "unstorable_text"),
    ("data", {"a\0": 1}, "unstorable_text"),
    ("data", {"a": [["b\ud800"]]}, "unstorable_text"),
    ("data", {"a": {1: "a", "1": "b"}}, "not_json"),
    ("data", {"a": ("b",)}, "not_json"),
    ("data", {"a": Decimal("1.10")}, "not_json"),
    ("data", {"a": object()}, "not_json"),
    ("data", {"a": b"\xff"}, "not_json"),
    ("colour", "green", "enum"),
    ("price", Decimal(10000), "decimal_whole_digits"),
    ("price", Decimal("1e30"), "decimal_whole_digits"),
    ("price", Decimal("0.001"), "decimal_max_places"),
    ("tags", ["a", "b\0"], "unstorable_text"),
    ("tags", ["a", 1], "string_type"),
    ("counts", [0, 2**31], "out_of_range"),
    ("at", datetime(2026, 3, 4), "timezone_aware"),  # noqa: DTZ001 - what is refused
    ("at", datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "out_of_range"),
    ("local", AT, "timezone_naive"),
    ("grid", [[1], [2**31]], "out_of_range"),
    ("grid", [[1], [2, 3]], "array_shape"),
    ("day", AT, "date_from_datetime_inexact"),
    ("small", 2**15, "out_of_range"),
    ("whole", -(2**31) - 1, "out_of_range"),
    ("big", 2**63, "out_of_range"),
    ("short", "&&", "string_too_long"),
    ("short", "xxxxxx", "string_too_long"),
    ("text", "\0", "unstorable_text"),
    ("text", "\udfff", "unstorable_text"),
    ("key", "no", "uuid_parsing"),
]


@pytest.mark.parametrize(("field", "value", "kind"), REFUSED)
def test_a_value_that_its_column_cannot_store_is_refused_before_sql(
    samples: SampleRepository, proxy: WireProxy, field: str, value: Any, kind: str
) -> None:
    with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
        samples.create(SampleCreate.model_construct(**{field: value}))
    assert [(one.location[0], one.type) for one in raised.value.problems] == [(field, kind)]
    assert raised.value.fields == (field,)
    assert seen.round_trips == 0


def test_a_value_that_only_the_server_refuses_is_invalid_data(session: Session) -> None:
    with pytest.raises(InvalidDataError) as raised:
        PinRepository(session).create(PinCreate(place="nowhere"))
    assert raised.value.sqlstate == "22P02"
    assert raised.value.outcome == "not_applied"


def test_a_model_in_json_whose_keys_would_collide_is_refused(session: Session, proxy: WireProxy) -> None:
    boxes = BoxRepository(session)
    box = boxes.create(BoxCreate(content=Extended.model_validate({"Number": 1, "more": {"a": 2}})))
    assert box.content == {"number": 1, "more": {"a": 2}}
    assert (boxes.update(box.id, BoxUpdate(content=Numbered(names={1: "a"})))).content == {"names": {"1": "a"}}
    meeting = Extended.model_validate({"Number": 1, "number": 2})
    with proxy.watch() as seen:
        with pytest.raises(InvalidDataError, match="content: it holds what JSON cannot say"):
            boxes.create(BoxCreate(content=meeting))
        with pytest.raises(InvalidDataError, match="content: it holds what JSON cannot say"):
            boxes.update(box.id, BoxUpdate(content=Numbered(names={1: "a", "1": "b"})))
    assert seen.round_trips == 0


def test_none_in_a_json_column_is_null(samples: SampleRepository) -> None:
    created = samples.create(SampleCreate(data=None))
    assert created.data is None
    assert samples.count(col(Sample.data).is_(None)) == 1
    full = samples.create(SampleCreate(data={"a": 1}))
    assert full.data == {"a": 1}


def test_a_model_in_a_json_column_is_written_as_its_dump(samples: SampleRepository) -> None:
    created = samples.create(SampleCreate(body=Place(street=" Main ", number=1, seen=AT)))
    assert created.body == {"street": "Main", "number": 1, "seen": "2026-03-04T05:06:07.000089Z"}
    created = samples.create(SampleCreate(body=Point(1, 2)))
    assert created.body == {"x": 1, "y": 2}


def test_a_changed_model_in_a_json_column_is_validated_again(samples: SampleRepository) -> None:
    place = Place(street="Main", number=1)
    data = SampleCreate(body=place)
    assert data.body is place
    place.number = 0
    for wrong in (data, SampleCreate(body=Place.model_construct(street="Main", number=0))):
        with pytest.raises(InvalidDataError) as raised:
            samples.create(wrong)
        assert raised.value.fields == ("body",)


def test_create_and_update_run_the_models_own_rules(ruled: RuledRepository) -> None:
    row = ruled.create(RuledCreate(code="ab", nickname=" Jo "))
    assert (row.code, row.nickname) == ("AB", "Jo")
    changed = ruled.update(row.id, RuledUpdate(code="cd", nickname=" Al "))
    assert (changed.code, changed.nickname) == ("CD", "Al")
    assert (ruled.update(row.id, RuledUpdate(nickname=None))).nickname is None


@pytest.mark.parametrize(
    ("data", "field", "kind"),
    [
        (RuledCreate(code="x", low=3), "low", "multiple_of"),
        (RuledUpdate(low=3), "low", "multiple_of"),
        (RuledCreate.model_construct(code="ü", low=0, high=1), "code", "value_error"),
        (RuledUpdate(code="ü"), "code", "value_error"),
        (RuledCreate(code="x", nickname="none"), "nickname", "value_error"),
        (RuledUpdate(nickname="none"), "nickname", "value_error"),
        (RuledCreate(code="x", low=200), None, "value_error"),
    ],
)
def test_data_that_the_models_own_rules_refuse_are_not_sent(
    ruled: RuledRepository, proxy: WireProxy, data: Any, field: str | None, kind: str
) -> None:
    row = ruled.create(RuledCreate(code="x"))
    with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
        (ruled.create(data) if isinstance(data, RuledCreate) else ruled.update(row.id, data))
    assert [(one.location, one.type) for one in raised.value.problems] == [((field,) if field else (), kind)]
    assert seen.round_trips == 0


def test_update_runs_no_model_validator(ruled: RuledRepository) -> None:
    row = ruled.create(RuledCreate(code="x"))
    assert (ruled.update(row.id, RuledUpdate(low=200))).low == 200


def test_a_model_validator_runs_only_with_an_owner(session: Session) -> None:
    with pytest.raises(OwnerRequiredError):
        RuledRepository(session).create(RuledCreate(code="x", low=200))


def test_create_runs_model_validators_with_the_owner(session: Session) -> None:
    with pytest.raises(InvalidDataError, match="a guest keeps nothing"):
        RuledRepository(session).owned_by("guest").create(RuledCreate(code="x"))


def test_a_subclass_of_a_schema_passes_no_field_that_the_schema_refuses(samples: SampleRepository) -> None:
    class Looser(SampleUpdate):
        short: str | None = None
        key: UUID | None = None

    row = samples.create(SampleCreate())
    changed = samples.update(row.id or 0, Looser(key=UUID(int=1), whole=7))
    assert (changed.key, changed.whole) == (None, 7)
    with pytest.raises(InvalidDataError) as raised:
        samples.update(row.id or 0, Looser(short="xxxxxx"))
    assert raised.value.fields == ("short",)


def test_columns_may_have_the_names_of_parameters(session: Session) -> None:
    odds = OddRepository(session).owned_by("a")
    given: dict[str, Any] = {name: name for name in OddCreate.model_fields}
    row = odds.create(OddCreate(**given))
    assert row.model_dump() == given | {"id": row.id, "owner_is": "a", "version_is": 1}
    assert odds.get_one(row.id) == row
    given = {name: f"{name} new" for name in given}
    changed = odds.update(row.id, OddUpdate(**given), expected=1)
    assert changed.model_dump() == given | {"id": row.id, "owner_is": "a", "version_is": 2}
    assert odds.list(col(Odd.space) == given["space"], col(Odd.percent) == given["percent"]) == [changed]
    assert odds.delete(row.id, expected=2) == changed


@pytest.mark.parametrize(("field", "value"), [one for one in KEPT if one[0] != "data"])
def test_a_condition_on_a_written_value_finds_its_row(samples: SampleRepository, field: str, value: Any) -> None:
    created = samples.create(SampleCreate.model_construct(**{field: value}))
    assert samples.list(getattr(Sample, field) == value) == [created]
    assert samples.list(getattr(Sample, field).in_([value])) == [created]


def test_a_naive_moment_in_a_condition_is_refused_before_sql(samples: SampleRepository, proxy: WireProxy) -> None:
    with (
        proxy.watch() as seen,
        pytest.raises(UsageError, match=r"^sample\.at is compared with a datetime: its column has a time zone: pass"),
    ):
        samples.list(col(Sample.at) > AT.replace(tzinfo=None))
    assert seen.round_trips == 0
