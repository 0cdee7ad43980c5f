"""What a column holds, whichever type of SQLAlchemy's or SQLModel's says so."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, SmallInteger
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import AutoString, UTCDateTime
from typing_extensions import TypeIs

HELD: Final[dict[type, frozenset[type]]] = {
    bool: frozenset({bool}),
    bytes: frozenset({bytes}),
    date: frozenset({date}),
    datetime: frozenset({datetime}),
    Decimal: frozenset({int, float, Decimal}),
    float: frozenset({int, float, Decimal}),
    int: frozenset({bool, int}),
    str: frozenset({str}),
    time: frozenset({time}),
    timedelta: frozenset({timedelta}),
    UUID: frozenset({UUID}),
}
"""The classes whose values a column of a class holds without loss."""

_BITS: Final = {SmallInteger: 15, BigInteger: 63, Integer: 31}
"""Bits of a whole number's magnitude, the subclasses of `Integer` before itself."""


def stored_type(column: Column[object]) -> TypeEngine[object]:
    """The type that the database sees, beneath every decorator of the program."""
    kind: TypeEngine[object] = column.type
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return kind


def plain_type(kind: object) -> object:
    """The type that says which values the column takes; `None` where a decorator of the program converts them."""
    if isinstance(kind, AutoString | UTCDateTime):  # SQLModel's own, which take what is beneath them
        return kind.impl_instance
    return None if isinstance(kind, TypeDecorator) else kind


def python_type(column: Column[object]) -> type | None:
    """The class of the column's values; `None` where it cannot be known."""
    kind = plain_type(column.type)
    try:
        return kind.python_type if isinstance(kind, TypeEngine) else None
    except NotImplementedError:
        return None


def is_scalar(kind: object) -> TypeIs[type]:
    """Whether a class is one that is compared when a class is defined: everything else is looked at when written."""
    return isinstance(kind, type) and kind in HELD


def largest(kind: object) -> int | None:
    """The largest whole number that an integer column holds; its smallest is one further from zero."""
    bits = next((bits for integer, bits in _BITS.items() if isinstance(kind, integer)), None)
    return None if bits is None else (1 << bits) - 1
