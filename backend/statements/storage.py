"""What a column of PostgreSQL can hold, as far as it is known before SQL, and how a value is written to it.

What only the server can tell, it does, as an `InvalidDataError` without a field (SQLSTATE 22…).
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias, cast

from pydantic_core import to_jsonable_python
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Time,
    Uuid,
    null,
)
from sqlalchemy.dialects.postgresql import INTERVAL

from backend.statements.columns import largest, plain_type

Refusal: TypeAlias = tuple[str, str]
"""A type, as pydantic names them, and a message."""

Check: TypeAlias = Callable[[object], Refusal | None]
"""Why the column cannot hold a value that is not `None`; `None` if it can."""

_UNSTORABLE = ("unstorable_text", "text holds a NUL or a lone surrogate, which PostgreSQL cannot store")


def check_of(kind: object) -> Check:
    """The check for a column of this type."""
    plain = plain_type(kind)
    make = next((make for known, make in _MAKERS if isinstance(plain, known)), None)
    return _any if make is None else make(plain)


def is_checked(kind: object) -> bool:
    """Return whether schema and check decide what a column of this type takes, so that the server refuses no more."""
    plain = plain_type(kind)
    if isinstance(plain, ARRAY):
        return is_checked(cast("ARRAY[object]", plain).item_type)  # of whichever items
    return isinstance(plain, _CHECKED)


def is_json(kind: object) -> bool:
    """Whether the column's values are JSON."""
    return isinstance(plain_type(kind), JSON)


def jsonable(value: object) -> object:
    """The value as JSON says it, models by their JSON dump. Raises `ValueError` for what JSON cannot say."""
    return to_jsonable_python(value, by_alias=False)


def null_of(kind: object) -> object:
    """What `None` is written as: NULL, and in a JSON column too, where SQLAlchemy would write JSON's null."""
    return null() if is_json(kind) else None


def is_storable(value: object) -> bool:
    """Whether PostgreSQL can hold the text in the value: neither a NUL nor a lone surrogate, at any depth."""
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or _encodes(value))
    if isinstance(value, Mapping):
        held = cast("Mapping[object, object]", value)  # what it maps is looked at here
        return all(is_storable(part) for pair in held.items() for part in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(is_storable(part) for part in cast("Collection[object]", value))  # what it holds is looked at here
    return True


def _any(value: object) -> Refusal | None:
    return None if is_storable(value) else _UNSTORABLE


def _text(kind: String) -> Check:
    length = kind.length

    def check(value: object) -> Refusal | None:
        if length is not None and isinstance(value, str) and len(value) > length:
            return ("string_too_long", f"its column holds at most {length} characters")
        return _any(value)

    return check


def _enum(kind: Enum) -> Check:
    members: tuple[type, ...] = () if kind.enum_class is None else (kind.enum_class,)
    names = frozenset(kind.enums)

    def check(value: object) -> Refusal | None:
        if isinstance(value, members) or (isinstance(value, str) and value in names):
            return None
        return ("enum", "it is no member of its column's enum")

    return check


def _whole(kind: Integer) -> Check:
    limit = largest(kind)

    def check(value: object) -> Refusal | None:
        if limit is None or not isinstance(value, int) or -limit - 1 <= value <= limit:
            return None
        return ("out_of_range", f"its column holds whole numbers from {-limit - 1} to {limit}")

    return check


def _decimal(kind: Numeric[Decimal]) -> Check:
    if kind.precision is None:
        return _any
    precision, scale = kind.precision, kind.scale or 0

    def check(value: object) -> Refusal | None:
        number = Decimal(str(value)) if isinstance(value, int | float | Decimal) else Decimal()
        if number.is_nan():
            return None
        if number.is_infinite() or (not number.is_zero() and number.adjusted() >= precision - scale):
            return ("decimal_whole_digits", f"its column holds at most {precision - scale} digits before the point")
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > scale:
            return ("decimal_max_places", f"its column holds at most {scale} digits after the point")
        return None

    return check


def _moment(kind: DateTime) -> Check:
    has_zone = kind.timezone

    def check(value: object) -> Refusal | None:
        if not isinstance(value, datetime) or (value.utcoffset() is not None) == has_zone:
            return _refuse_before_or_after(value)
        if has_zone:
            return ("timezone_aware", "its column holds moments: give it a time zone")
        return ("timezone_naive", "its column holds no time zone: give it none")

    return check


def _refuse_before_or_after(value: object) -> Refusal | None:
    """A moment that Python could not read back in UTC is refused before it is written."""
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            value.astimezone(UTC)
    except OverflowError:
        return ("out_of_range", "its moment lies before the year 1 or after the year 9999 in UTC")
    return None


def _day(_kind: Date) -> Check:
    return _refuse_time


def _refuse_time(value: object) -> Refusal | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return None
    return ("date_type", "its column holds dates without a time")


def _json(_kind: JSON) -> Check:
    return _refuse_not_json


def _refuse_not_json(value: object) -> Refusal | None:
    if not is_storable(value):
        return _UNSTORABLE
    return None if _is_finite(value) else ("finite_number", "JSON has neither infinity nor NaN")


def _array(kind: ARRAY[object]) -> Check:
    check_item = check_of(kind.item_type)

    def check(value: object) -> Refusal | None:
        if value is None or not isinstance(value, list | tuple):
            return None if value is None else check_item(value)
        held = cast("Collection[object]", value)  # what it holds is looked at here
        return next((refusal for item in held if (refusal := check(item)) is not None), None)

    return check


def _is_finite(value: object) -> bool:
    match value:
        case float():
            return isfinite(value)
        case dict():
            return all(_is_finite(one) for one in cast("dict[object, object]", value).values())  # JSON's, seen here
        case list():
            return all(_is_finite(one) for one in cast("list[object]", value))  # JSON's, seen here
        case _:
            return True


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_CHECKED = (
    Boolean, Date, DateTime, Enum, Float, Integer, INTERVAL, Interval, JSON, LargeBinary, Numeric, String, Time, Uuid,
)  # fmt: skip
"""Types whose values Python's classes and the checks here describe; an address, a range or a bit string is none."""

_MAKERS: tuple[tuple[type[object], Callable[[Any], Check]], ...] = (  # each is given its own type
    (Enum, _enum),
    (String, _text),
    (Integer, _whole),
    (Numeric, _decimal),
    (DateTime, _moment),
    (Date, _day),
    (JSON, _json),
    (ARRAY, _array),
)
"""How the check for a type is made: subclasses before their base."""
