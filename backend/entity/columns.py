"""What a column holds, whichever type of SQLAlchemy's or SQLModel's says so."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, cast
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Dialect, Integer, PickleType, SmallInteger, make_url
from sqlalchemy.exc import CompileError
from sqlalchemy.types import Interval, TypeDecorator, TypeEngine
from sqlmodel import AutoString, UTCDateTime
from typing_extensions import TypeIs

LOSSLESS_PYTHON_TYPES: Final[dict[type, frozenset[type]]] = {
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

DIALECT: Final[Dialect] = make_url("postgresql+psycopg://").get_dialect()()
"""What says how a type is declared and which values it takes; it never connects."""


def database_type(column: Column[object]) -> TypeEngine[object]:
    """The type that the database sees, beneath every decorator of the program."""
    kind: TypeEngine[object] = column.type
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return kind


def undecorated_type(kind: object) -> TypeEngine[object] | None:
    """Return the type that says which values the column takes, as PostgreSQL's dialect has it.

    `None` where a decorator of the program converts them.
    """
    if not isinstance(kind, TypeEngine):
        return None
    declared = cast("TypeEngine[object]", kind)  # of whichever values
    if type(declared) in (AutoString, UTCDateTime):  # SQLModel's own, which take what is beneath them
        return undecorated_type(cast("TypeDecorator[object]", declared).impl_instance)  # both are decorators
    found = declared.dialect_impl(DIALECT)
    if isinstance(found, TypeDecorator) and not isinstance(found, Interval | PickleType):
        return None
    return found


def item_type(kind: object) -> object:
    """Return the type of an array's items."""
    return cast("ARRAY[object]", kind).item_type  # an array's, as the caller has seen


def declared_type(kind: object) -> str:
    """Return the type as the table's DDL declares it: `TIME(0) WITHOUT TIME ZONE`."""
    try:
        return kind.compile(dialect=DIALECT) if isinstance(kind, TypeEngine) else ""
    except CompileError:  # an enum without a name
        return ""


def python_type(column: Column[object]) -> type | None:
    """The class of the column's values; `None` where it cannot be known."""
    kind = undecorated_type(column.type)
    try:
        return kind.python_type if isinstance(kind, TypeEngine) else None
    except NotImplementedError:
        return None


def is_scalar(kind: object) -> TypeIs[type]:
    """Whether a class is one that is compared when a class is defined: everything else is looked at when written."""
    return isinstance(kind, type) and kind in LOSSLESS_PYTHON_TYPES


def max_integer(kind: Integer) -> int:
    """Return the largest whole number that an integer column holds; its smallest is one further from zero."""
    if isinstance(kind, SmallInteger):
        return (1 << 15) - 1
    return (1 << 63 if isinstance(kind, BigInteger) else 1 << 31) - 1
