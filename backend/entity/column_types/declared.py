"""What a column's SQLAlchemy or SQLModel type tells: its database type, Python class and range."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ARRAY, JSON, BigInteger, Column, Dialect, Integer, PickleType, SmallInteger, make_url
from sqlalchemy.dialects.postgresql import BIT, CIDR, DOMAIN, HSTORE, INET, MACADDR, MACADDR8, OID, BitString, Range
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange, AbstractSingleRange, MultiRange
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
"""For each class of column values, the classes that the column stores without loss."""

DIALECT: Final[Dialect] = make_url("postgresql+psycopg://").get_dialect()()
"""The dialect that declares types. It never connects."""


def database_type(column: Column[object]) -> TypeEngine[object]:
    """Return the type that the database has, below every `TypeDecorator`."""
    kind: TypeEngine[object] = column.type
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return kind


def is_array(kind: TypeEngine[Any]) -> bool:  # of whatever type its values have
    """Return whether the database has an array type for this type."""
    implementation: TypeEngine[object] = kind.dialect_impl(DIALECT)
    while isinstance(implementation, TypeDecorator):
        implementation = implementation.impl_instance
    return isinstance(implementation, ARRAY)


def undecorated_type(kind: TypeEngine[object]) -> TypeEngine[object] | None:
    """Return the type as PostgreSQL's dialect implements it; `None` if the application's own code converts values."""
    if isinstance(kind, TypeDecorator) and type(kind) in (AutoString, UTCDateTime):  # SQLModel's own convert no values
        return undecorated_type(kind.impl_instance)
    implementation = kind.dialect_impl(DIALECT)
    if isinstance(implementation, TypeDecorator) and not isinstance(implementation, Interval | PickleType):
        return None
    return implementation


def item_type(kind: object) -> TypeEngine[object]:
    """Return the type of an array's items."""
    return cast("ARRAY[object]", kind).item_type  # the caller has checked that it is an array


def declared_type(kind: TypeEngine[object]) -> str:
    """Return the type as the table's DDL declares it: `TIME(0) WITHOUT TIME ZONE`."""
    try:
        return kind.compile(dialect=DIALECT)
    except CompileError:  # an enum without a name
        return ""


def python_type(kind: TypeEngine[object]) -> type | None:
    """Return the class of the values of a column of this type; `None` if the application's own code converts them."""
    plain = undecorated_type(kind)
    return None if plain is None else plain.python_type


def value_classes(declared: TypeEngine[object]) -> tuple[type, ...]:
    """Return the classes whose instances the column takes; `object` or none if they are unknown."""
    kind = undecorated_type(declared)
    if isinstance(kind, DOMAIN):
        kind = undecorated_type(kind.data_type)
    if isinstance(kind, ARRAY):
        return (tuple if kind.as_tuple else list,)
    for known, classes in _OTHER_VALUE_CLASSES:
        if isinstance(kind, known):
            return classes
    stored = python_type(declared)
    return () if stored is None else tuple(LOSSLESS_PYTHON_TYPES.get(stored, (stored,)))


_OTHER_VALUE_CLASSES: Final[tuple[tuple[type[TypeEngine[Any]], tuple[type, ...]], ...]] = (
    (BIT, (BitString,)),
    (CIDR, (IPv4Network, IPv6Network)),
    (HSTORE, (dict,)),
    (INET, (IPv4Address, IPv6Address)),
    (JSON, (dict, list, str, int, float)),
    (MACADDR, (str,)),
    (MACADDR8, (str,)),
    (OID, (int,)),
    (AbstractSingleRange, (Range,)),
    (AbstractMultiRange, (MultiRange,)),
)
"""For types of which SQLAlchemy names no class: what their columns take. An interface is an address."""


def is_scalar(kind: object) -> TypeIs[type]:
    """Return whether this is one of `LOSSLESS_PYTHON_TYPES`: only these are compared when a class is defined."""
    return isinstance(kind, type) and kind in LOSSLESS_PYTHON_TYPES


def max_integer(kind: Integer) -> int:
    """Return the largest whole number that an integer column holds; the smallest is `-max_integer(kind) - 1`."""
    if isinstance(kind, SmallInteger):
        return (1 << 15) - 1
    return (1 << 63 if isinstance(kind, BigInteger) else 1 << 31) - 1
