"""A statement on many rows that fails on the server unless it writes each of them. No I/O.

A trigger, a rule or a policy may skip a row silently. Without the failure the others would be committed.
"""

from typing import Final

from sqlalchemy import CTE, ColumnElement, Float, Integer, bindparam, case, func, literal, select

from backend.entity.parameters import COUNT_PARAMETER

WRONG_COUNT_SQLSTATE: Final = "2201G"
"""The error of a histogram without a width: no other statement of this package, and hardly a trigger, raises it."""


def all_were_written(written: CTE) -> ColumnElement[bool]:
    """Return a condition that is true if the statement wrote as many rows as its parameter says, and else fails."""
    count = select(func.count()).select_from(written).scalar_subquery()
    return has_count(count)


def has_count(count: ColumnElement[int], wanted: ColumnElement[int] | None = None) -> ColumnElement[bool]:
    """Return a condition that is true for the wanted count, by default that of the parameter, and else fails."""
    expected = bindparam(COUNT_PARAMETER, type_=Integer()) if wanted is None else wanted
    return is_required(count == expected)


def is_required(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition that is true where this one is, and else fails."""
    width = case((condition, literal(1.0, Float())), else_=literal(0.0, Float()))
    bucket = func.width_bucket(
        literal(0.0, Float()), literal(0.0, Float()), width, literal(1, Integer()), type_=Integer()
    )
    return bucket == literal(1, Integer())
