"""Arrays, ranges and multiranges: each item by its own type, in the form that PostgreSQL returns."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final, TypeAlias, cast

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, Integer, Numeric
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange

from backend.entity.column_types.numbers import integer_check, numeric_check
from backend.entity.column_types.refusal import Check, Refusal
from backend.entity.column_types.times import date_check, moment_check

_RAGGED: Final = ("array_shape", "its column holds arrays whose parts have one length, none of them empty")
_NOT_IN_ORDER: Final = (
    "multirange_order",
    "its column gives back ranges in order, joined, none empty: give them so",
)
_EMPTY: Final = ("range_empty", "a range of nothing comes back as Range(empty=True): write it so")

AnyRange: TypeAlias = Range[object]


def array_check(kind: ARRAY[object], check_item: Check) -> Check:
    """Return the check of an array column."""
    container = tuple if kind.as_tuple else list
    refusal = ("tuple_type" if kind.as_tuple else "list_type", f"its column holds a {container.__name__}")
    dimensions = kind.dimensions

    def check(value: object) -> Refusal | None:
        if not isinstance(value, container):
            return refusal
        parts = cast("Sequence[object]", value)  # of any types
        if not parts:
            return None
        if dimensions is not None and len(_shape(parts)) != dimensions:
            return ("array_shape", f"its column holds arrays of {dimensions} dimensions")
        return _refuse_level(parts, container, check_item)

    return check


def _refuse_level(parts: Sequence[object], container: type[Sequence[object]], check_item: Check) -> Refusal | None:
    nested = [inner for part in parts if (inner := _parts(part)) is not None]
    if not nested:
        return next((refusal for part in parts if part is not None and (refusal := check_item(part)) is not None), None)
    is_even = len(nested) == len(parts) and bool(nested[0]) and len({_shape(part) for part in nested}) == 1
    if not is_even or not all(isinstance(part, container) for part in nested):
        return _RAGGED
    return next(
        (refusal for part in nested if (refusal := _refuse_level(part, container, check_item)) is not None), None
    )


def _parts(value: object) -> Sequence[object] | None:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else None  # of any types


def _shape(parts: Sequence[object]) -> tuple[int, ...]:
    inner = _parts(parts[0]) if parts else None
    return (len(parts), *(() if inner is None else _shape(inner)))


def one_range_check(_kind: object, declared: str) -> Check:
    """Return the check of a range column."""
    check_bound, step = _BOUNDS[declared]

    def check(value: object) -> Refusal | None:
        if not isinstance(value, Range):
            return ("range_type", "its column holds a Range of SQLAlchemy")
        return _refuse_range(cast("AnyRange", value), check_bound, step)  # of any bounds

    return check


def many_ranges_check(_kind: object, declared: str) -> Check:
    """Return the check of a multirange column."""
    check_bound, step = _BOUNDS[declared.replace("MULTI", "")]

    def check(value: object) -> Refusal | None:
        if not isinstance(value, MultiRange):
            return ("multirange_type", "its column holds a MultiRange of SQLAlchemy")
        ranges = cast("Sequence[object]", value)  # of any types
        for part in ranges:
            if not isinstance(part, Range) or part.empty:
                return _NOT_IN_ORDER
            bounds = cast("AnyRange", part)  # of any types
            if (refusal := _refuse_range(bounds, check_bound, step)) is not None:
                return refusal
        pairs = pairwise(cast("Sequence[AnyRange]", ranges))  # each is a Range
        return None if all(_is_separate(left, right) for left, right in pairs) else _NOT_IN_ORDER

    return check


def _is_separate(left: AnyRange, right: AnyRange) -> bool:
    return left.strictly_left_of(right) and not left.adjacent_to(right)


def _refuse_range(value: AnyRange, check_bound: Check, step: int | timedelta | None) -> Refusal | None:
    if value.empty:
        return None
    bounds = [bound for bound in (value.lower, value.upper) if bound is not None]
    refusal = next((refusal for bound in bounds if (refusal := _refuse_bound(bound, check_bound)) is not None), None)
    return refusal or _refuse_stored(value, check_bound, step)


def _refuse_bound(bound: object, check_bound: Check) -> Refusal | None:
    if isinstance(bound, Decimal) and bound.is_nan():
        return ("finite_number", "a bound of a range is no NaN")
    return check_bound(bound)


def _refuse_stored(value: AnyRange, check_bound: Check, step: int | timedelta | None) -> Refusal | None:
    """Refuse a range that PostgreSQL stores as another one, or with a bound outside the column's range."""
    try:
        first = _canonical_bound(value.lower, step, value.bounds[0] == "(")
        end = _canonical_bound(value.upper, step, value.bounds[1] == "]")
    except OverflowError:
        return _END_OUT_OF_RANGE
    if any(bound is not None and check_bound(bound) is not None for bound in (first, end)):
        return _END_OUT_OF_RANGE
    if first is None or end is None:
        return None
    if not _is_ordered(first, end):
        return ("range_order", "a range's lower bound is not above its upper")
    return _EMPTY if first == end and (step is not None or value.bounds != "[]") else None


_END_OUT_OF_RANGE: Final = ("out_of_range", "its column stores an end that is excluded, and holds no greater one")


def _canonical_bound(bound: object, step: int | timedelta | None, is_moved: bool) -> object:
    """Return the bound as PostgreSQL stores it: integer and date ranges become `[first, end)`."""
    if not is_moved or step is None:
        return bound
    if isinstance(bound, int) and isinstance(step, int):
        return bound + step
    return bound + step if isinstance(bound, date) and isinstance(step, timedelta) else bound


def _is_ordered(lower: object, upper: object) -> bool:
    """Return whether two bounds of one class are in ascending order."""
    if isinstance(lower, int) and isinstance(upper, int):
        return lower <= upper
    if isinstance(lower, Decimal) and isinstance(upper, Decimal):
        return lower <= upper
    return isinstance(lower, date) and isinstance(upper, date) and lower <= upper


_BOUNDS: Final[dict[str, tuple[Check, int | timedelta | None]]] = {
    "INT4RANGE": (integer_check(Integer(), ""), 1),
    "INT8RANGE": (integer_check(BigInteger(), ""), 1),
    "NUMRANGE": (numeric_check(Numeric(), ""), None),
    "DATERANGE": (date_check(Date(), ""), timedelta(days=1)),
    "TSRANGE": (moment_check(DateTime(), ""), None),
    "TSTZRANGE": (moment_check(DateTime(timezone=True), ""), None),
}
"""The check of a bound, and the step by which PostgreSQL moves a bound to store `[first, end)`."""
