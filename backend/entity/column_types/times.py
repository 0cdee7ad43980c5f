"""Dates, times, timestamps and intervals: no rounding, no lost time zone, no value that Python cannot read back."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import Date, DateTime, Time
from sqlalchemy.dialects.postgresql import INTERVAL

from backend.entity.column_types.refusal import Check, Refusal, class_check

_DAY: Final = timedelta(days=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC) + _DAY
_LAST: Final = datetime.max.replace(tzinfo=UTC) - _DAY
"""Timestamps within the years 1 to 9999 in every time zone: the session's zone shifts them by less than a day."""

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - SQLAlchemy's epoch of an interval that is stored as a timestamp
_OFFSET: Final = timedelta(hours=16)
"""PostgreSQL reads only offsets below this."""

_MICROSECOND_DIGITS: Final = 6
_PRECISION: Final = re.compile(r"\((\d+)\)")
_ZONE_NEEDED: Final = ("timezone_aware", "its column has a time zone: pass a datetime that has one")
_NO_ZONE: Final = ("timezone_naive", "its column holds no time zone: give it none")
_OUT_OF_YEARS: Final = (
    "out_of_range",
    "in some time zone it lies before the year 1 or after the year 9999, and could not be read there: "
    "stay a day within them",
)
_NO_OFFSET: Final = ("timezone_offset", "PostgreSQL reads no such offset: use one of whole seconds below 16 hours")
_FIELD_SECONDS: Final = {"YEAR": 0, "MONTH": 0, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60}
"""Seconds of the smallest field that an interval column keeps; 0 if it keeps no field of a timedelta."""


def date_check(_kind: Date, _declared: str) -> Check:
    """Return the check of a date column."""
    return _refuse_time


def time_check(kind: Time, declared: str) -> Check:
    """Return the check of a time column, with a zone or without."""
    has_zone, refuse_rounded = kind.timezone, _rounding_check(declared)

    def check(value: object) -> Refusal | None:
        if not isinstance(value, time):
            return ("time_type", "its column holds times")
        if not has_zone:
            return _NO_ZONE if value.tzinfo is not None else refuse_rounded(value.microsecond)
        offset = value.utcoffset()
        if offset is None:
            return ("timezone_aware", "its column holds times with an offset: give it a fixed one")
        return _NO_OFFSET if _is_unreadable(offset) else refuse_rounded(value.microsecond)

    return check


def moment_check(kind: DateTime, declared: str) -> Check:
    """Return the check of a timestamp column, with a time zone or without."""
    return _aware_check(declared, any_offset=False) if kind.timezone else _naive_check(declared)


def utc_check(declared: str) -> Check:
    """Return the check of a timestamp column that SQLModel writes in UTC."""
    return _aware_check(declared, any_offset=True)


def moment_operand_check(kind: DateTime) -> Check:
    """Return the check of a timestamp that is compared, not stored."""
    return _aware_check("", any_offset=False, is_stored=False) if kind.timezone else _naive_check("")


def interval_check(kind: INTERVAL, _declared: str) -> Check:
    """Return the check of an interval column."""
    smallest = None if kind.fields is None else _FIELD_SECONDS.get(kind.fields.upper().split()[-1])
    refuse_rounded = _rounding_check("" if kind.precision is None else f"({kind.precision})")

    def check(value: object) -> Refusal | None:
        if not isinstance(value, timedelta):
            return _OF_TIMEDELTA
        if smallest is not None and value and (not smallest or value.microseconds or value.seconds % smallest):
            return ("interval_fields", f"its column keeps no field below {kind.fields}")
        return refuse_rounded(value.microseconds)

    return check


def check_emulated_interval(value: object) -> Refusal | None:
    """Refuse an interval that SQLAlchemy cannot store as a timestamp since 1970."""
    if not isinstance(value, timedelta):
        return _OF_TIMEDELTA
    fits = datetime.min - _EPOCH <= value <= datetime.max - _EPOCH  # noqa: DTZ901 - as SQLAlchemy's epoch, naive
    return None if fits else _BEYOND_YEARS


_BEYOND_YEARS: Final = ("out_of_range", "its column holds intervals that, from 1970, stay within the years 1 to 9999")
_OF_TIMEDELTA: Final = ("timedelta_type", "its column holds intervals")


def _naive_check(declared: str) -> Check:
    refuse_rounded = _rounding_check(declared)

    def check(value: object) -> Refusal | None:
        if not isinstance(value, datetime):
            return _OF_DATETIME
        return _NO_ZONE if value.tzinfo is not None else refuse_rounded(value.microsecond)

    return check


def _aware_check(declared: str, *, any_offset: bool, is_stored: bool = True) -> Check:
    refuse_rounded = _rounding_check(declared)

    def check(value: object) -> Refusal | None:
        if not isinstance(value, datetime):
            return _OF_DATETIME
        offset = value.utcoffset()
        if offset is None:
            return _ZONE_NEEDED
        if not any_offset and _is_unreadable(offset):
            return _NO_OFFSET
        if is_stored and not _is_readable(value):
            return _OUT_OF_YEARS
        return refuse_rounded(value.microsecond)

    return check


def _is_readable(moment: datetime) -> bool:
    """Return whether the timestamp is within the years 1 to 9999 in every time zone."""
    try:
        return _FIRST <= moment.astimezone(UTC) <= _LAST
    except OverflowError:
        return False


_OF_DATETIME: Final = class_check("dates with a time", "datetime_type", datetime)(None)


def _refuse_time(value: object) -> Refusal | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return None
    return ("date_type", "its column holds dates without a time")


def _rounding_check(declared: str) -> "Check":
    """Return a check of microseconds: it refuses those that the column's precision would round."""
    precision = _PRECISION.search(declared)
    digits = _MICROSECOND_DIGITS if precision is None else min(int(precision[1]), _MICROSECOND_DIGITS)
    unit = 10 ** (_MICROSECOND_DIGITS - digits)
    refusal = ("time_precision", f"its column keeps {digits} digits of a second: round it")
    return lambda microseconds: refusal if isinstance(microseconds, int) and microseconds % unit else None


def _is_unreadable(offset: timedelta) -> bool:
    return bool(offset.microseconds) or not -_OFFSET < offset < _OFFSET
