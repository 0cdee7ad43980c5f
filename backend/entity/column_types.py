"""What a column of PostgreSQL holds and gives back as it was, and how a value is written to it.

What only the server can tell, it does, as an `InvalidDataError` without a field (SQLSTATE 22…).
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

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
    PickleType,
    String,
    Time,
    Uuid,
    null,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange, AbstractSingleRange
from sqlmodel import UTCDateTime

from backend.entity.column_values import documents, nested, numbers, texts, times
from backend.entity.column_values.documents import jsonable
from backend.entity.column_values.refusal import Check, Refusal, class_check, is_storable, refuse_all, take_storable
from backend.entity.columns import declared_type, item_type, undecorated_type

__all__ = [
    "Check",
    "Refusal",
    "column_check",
    "is_json",
    "is_storable",
    "jsonable",
    "null_value",
    "unreadable",
    "unsupported",
]


def column_check(kind: object) -> Check:
    """Return the check for a column of this type."""
    if (reason := unsupported(kind)) is not None:
        return refuse_all(reason)
    plain, declared = undecorated_type(kind), declared_type(kind)
    if type(kind) is UTCDateTime:
        return times.utc_check(declared)
    make = next((make for known, make in _MAKERS if isinstance(plain, known)), None)
    return take_storable if make is None else make(plain, declared)


def is_checked(kind: object) -> bool:
    """Return whether schema and check decide what a column of this type takes, so that the server refuses no more."""
    plain = undecorated_type(kind)
    if isinstance(plain, ARRAY):
        return is_checked(item_type(plain))
    return isinstance(plain, tuple(known for known, _ in _MAKERS))


def unsupported(kind: object) -> str | None:
    """Return why no value can be written to a column of this type; `None` if some can."""
    plain = undecorated_type(kind)
    for known, reason in _REWRITTEN:
        if isinstance(plain, known) or isinstance(kind, known):
            return reason
    if isinstance(plain, pg.DOMAIN):
        return unsupported(plain.data_type) or (None if _is_adapted(plain.data_type) else _DOMAIN)
    if isinstance(plain, ARRAY):
        return unreadable(kind) or unsupported(item_type(plain))
    return _UNKNOWN if declared_type(kind).partition("(")[0] in _UNKNOWN_NAMES else None


def unreadable(kind: object) -> str | None:
    """Return why a column of this type cannot be read; `None` if it can."""
    plain = undecorated_type(kind)
    if isinstance(plain, ARRAY) and isinstance(undecorated_type(item_type(plain)), pg.CITEXT | pg.DOMAIN | pg.HSTORE):
        return "the driver does not know arrays of a type that a schema or an extension makes: use Text or JSONB"
    return None


def is_json(kind: object) -> bool:
    """Return whether the column's values are JSON."""
    return isinstance(undecorated_type(kind), JSON)


def null_value(kind: object) -> object:
    """Return what `None` is written as: NULL, and in a JSON column too, where SQLAlchemy would write JSON's null."""
    return null() if is_json(kind) else None


def _array(kind: ARRAY[object], _declared: str) -> Check:
    return nested.array_check(kind, column_check(item_type(kind)))


def _domain(kind: pg.DOMAIN, _declared: str) -> Check:
    return column_check(kind.data_type)


def _is_adapted(kind: object) -> bool:
    """Return whether the driver alone converts the type's values, as it must for a domain."""
    plain = undecorated_type(kind)
    if isinstance(plain, Numeric | Float):
        return plain.asdecimal is not isinstance(plain, Float)
    if isinstance(plain, Uuid):
        return plain.as_uuid and plain.native_uuid
    return isinstance(plain, _ADAPTED) and not isinstance(plain, Enum)


_ADAPTED: Final = (String, Boolean, Integer, Date, DateTime, Time, LargeBinary, pg.INTERVAL, pg.INET, pg.CIDR)
_DOMAIN: Final = "SQLAlchemy converts no values of a domain over such a type: use the type itself"
_UNKNOWN: Final = "PostgreSQL has no such type: use one that it has"
_UNKNOWN_NAMES: Final = frozenset({"BINARY", "BLOB", "CLOB", "DATETIME", "DOUBLE", "NVARCHAR", "VARBINARY"})
"""Types of other databases that SQLAlchemy declares as they are."""

_BY_CATALOGUE: Final = "PostgreSQL gives its values back as the session finds them, and not as they were: "
_REWRITTEN: Final[tuple[tuple[type[object], str], ...]] = (
    (pg.MONEY, "PostgreSQL gives money back as text in the form of the server's locale: use Numeric"),
    (pg.REGCLASS, _BY_CATALOGUE + "use Text"),
    (pg.REGCONFIG, _BY_CATALOGUE + "use Text"),
    (pg.TSQUERY, "PostgreSQL gives its text back rewritten: use Text, and make the query where it is used"),
    (pg.TSVECTOR, "PostgreSQL gives its text back rewritten: make it a computed column"),
    (pg.JSONPATH, "PostgreSQL gives its text back rewritten: use Text"),
)
"""Types whose text the server writes anew."""

_Maker: TypeAlias = Callable[[Any, str], Check]
_MAKERS: Final[tuple[tuple[type[object], _Maker], ...]] = (  # each is given its own type, and its declaration
    (Enum, texts.enum_check),
    (String, texts.text_check),
    (Boolean, numbers.boolean_check),
    (Integer, numbers.integer_check),
    (Float, numbers.float_check),
    (Numeric, numbers.numeric_check),
    (DateTime, times.moment_check),
    (Date, times.date_check),
    (Time, times.time_check),
    (pg.INTERVAL, times.interval_check),
    (Interval, lambda _kind, _declared: times.check_emulated_interval),
    (PickleType, documents.pickle_check),
    (LargeBinary, lambda _kind, _declared: class_check("bytes", "bytes_type", bytes)),
    (Uuid, texts.uuid_check),
    (JSON, documents.json_check),
    (pg.HSTORE, lambda _kind, _declared: documents.refuse_not_hstore),
    (pg.OID, lambda _kind, _declared: numbers.range_check(0, (1 << 32) - 1)),
    (pg.BIT, texts.bits_check),
    (pg.MACADDR, lambda _kind, _declared: texts.mac_check(6)),
    (pg.MACADDR8, lambda _kind, _declared: texts.mac_check(8)),
    (pg.INET, lambda _kind, _declared: texts.refuse_unusual_address),
    (pg.CIDR, lambda _kind, _declared: texts.check_network),
    (ARRAY, _array),
    (pg.DOMAIN, _domain),
    (AbstractSingleRange, nested.one_range_check),
    (AbstractMultiRange, nested.many_ranges_check),
)
"""How the check for a type is made: subclasses before their base."""
