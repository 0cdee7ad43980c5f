"""Integers, numerics and floats: range, digits, and the rounding of 4-byte floats."""

import re
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Final

from sqlalchemy import Float, Integer, Numeric

from backend.entity.column_types.declared import max_integer
from backend.entity.column_types.refusal import Check, Refusal, class_check

_OF_INT: Final = ("int_type", "its column holds whole numbers, and gives back no bool and no member of an enum")
_OF_FLOAT: Final = ("float_type", "its column holds floats")
_OF_DECIMAL: Final = ("decimal_type", "its column holds decimals")
_OTHER_NAN: Final = ("finite_number", "its column holds no NaN with a sign or a payload")
_WHOLE_DIGITS: Final = 131_072
"""Maximum digits before the point of PostgreSQL's numeric."""

_PLACES: Final = 16_383
"""Maximum digits after the point of PostgreSQL's numeric."""

_FLOAT_DIGITS: Final = 15
"""Digits that PostgreSQL keeps when it converts a float to numeric: DBL_DIG of C."""

_REAL_DIGITS: Final = 6
"""Decimal digits that every 4-byte float returns unchanged: FLT_DIG of C."""

_REAL: Final = re.compile(r"REAL|FLOAT\((?:\d|1\d|2[0-4])\)")
"""Declarations of a 4-byte float."""

_REAL_SMALLEST, _REAL_LARGEST = 1.1754944e-38, 3.402823e38
_REAL_INTEGER: Final = float(1 << 24)
_RETURN_SCALE: Final = 10
"""Digits after the point when SQLAlchemy converts a float to a Decimal, unless the type sets another number."""


def boolean_check(_kind: object, _declared: str) -> Check:
    """Return the check of a boolean column."""
    return class_check("true or false", "bool_type", bool)


def integer_check(kind: Integer, _declared: str) -> Check:
    """Return the check of an integer column."""
    limit = max_integer(kind)
    return range_check(-limit - 1, limit)


def range_check(smallest: int, largest: int) -> Check:
    """Return a check that accepts only integers of a range."""
    refusal = ("out_of_range", f"its column holds whole numbers from {smallest} to {largest}")

    def check(value: object) -> Refusal | None:
        if type(value) is not int and (not isinstance(value, int) or isinstance(value, bool | Enum)):
            return _OF_INT
        return None if smallest <= value <= largest else refusal

    return check


def numeric_check(kind: Numeric[Decimal] | Numeric[float], _declared: str) -> Check:
    """Return the check of a numeric column."""
    check_digits = _digits_check(kind.precision, kind.scale)
    return check_digits if kind.asdecimal else _numeric_of_float_check(check_digits)


def float_check(kind: Float[Decimal] | Float[float], declared: str) -> Check:
    """Return the check of a float column, of 4 bytes or 8."""
    is_real = _REAL.fullmatch(declared) is not None
    if kind.asdecimal:
        return _decimal_of_float_check(kind, is_real=is_real)

    def check(value: object) -> Refusal | None:
        if not isinstance(value, float):
            return _OF_FLOAT
        return _refuse_rounded(value) if is_real else None

    return check


def _digits_check(precision: int | None, scale: int | None) -> Check:
    places = _PLACES if precision is None else scale or 0
    whole = _WHOLE_DIGITS if precision is None else precision - places
    most = f"at most {whole} digits before the point" if whole > 0 else f"numbers below 1e{whole}"
    finest = f"at most {places} digits after the point" if places >= 0 else f"multiples of 1e{-places}"
    too_large = ("decimal_whole_digits", f"its column holds {most}")
    too_fine = ("decimal_max_places", f"its column holds {finest}")

    def check(value: object) -> Refusal | None:
        if not isinstance(value, Decimal):
            return _OF_DECIMAL
        if not value.is_finite():
            return _refuse_other_nan(value) if value.is_nan() or precision is None else too_large
        if value and value.adjusted() >= whole:
            return too_large
        return too_fine if _is_finer(value, places) else None

    return check


def _refuse_other_nan(value: Decimal) -> Refusal | None:
    return _OTHER_NAN if value.is_nan() and str(value) != "NaN" else None


def _is_finer(number: Decimal, places: int) -> bool:
    """Return whether the number has more digits after the point, without trailing zeros. Rounds nothing itself."""
    _, digits, exponent = number.as_tuple()
    if not number or not isinstance(exponent, int) or -exponent <= places:
        return False
    zeros = next(index for index, digit in enumerate(reversed(digits)) if digit)
    return -exponent - zeros > places


def _numeric_of_float_check(check_digits: Check) -> Check:
    def check(value: object) -> Refusal | None:
        if not isinstance(value, float):
            return _OF_FLOAT
        if isfinite(value) and float(f"{value:.{_FLOAT_DIGITS}g}") != value:
            return ("float_digits", f"its column keeps {_FLOAT_DIGITS} digits of a float: round it")
        return check_digits(Decimal(repr(value)))

    return check


def _decimal_of_float_check(kind: Float[Decimal] | Float[float], *, is_real: bool) -> Check:
    scale = kind.decimal_return_scale
    if scale is None:
        scale = kind.scale if kind.scale is not None else _RETURN_SCALE

    def check(value: object) -> Refusal | None:
        if not isinstance(value, Decimal):
            return _OF_DECIMAL
        if not value.is_finite():
            return _refuse_other_nan(value)
        number = float(value)
        if not isfinite(number) or Decimal(f"{number:.{scale}f}") != value:
            return ("float_digits", f"its column gives back floats rounded to {scale} digits after the point: round it")
        return _refuse_rounded(number) if is_real else None

    return check


def _refuse_rounded(value: float) -> Refusal | None:
    """Refuse what a 4-byte float changes: PostgreSQL returns the shortest digits that identify the stored float."""
    if not isfinite(value) or value == 0 or (value.is_integer() and abs(value) <= _REAL_INTEGER):
        return None
    if _REAL_SMALLEST <= abs(value) <= _REAL_LARGEST and float(f"{value:.{_REAL_DIGITS}g}") == value:
        return None
    return ("float_digits", f"its column keeps {_REAL_DIGITS} digits of a float: round it")
