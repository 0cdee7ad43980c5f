"""Which values a PostgreSQL column stores and returns unchanged, and which can be compared with it.

A value that only the server can refuse raises an `InvalidDataError` without a field (SQLSTATE 22…).
"""

from collections.abc import Callable
from decimal import Decimal
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
from sqlalchemy.types import TypeEngine
from sqlmodel import UTCDateTime

from backend.entity.column_types import documents, nested, numbers, texts, times
from backend.entity.column_types.declared import declared_type, item_type, undecorated_type
from backend.entity.column_types.refusal import Check, class_check, refuse_all, take_storable


def column_check(kind: TypeEngine[object]) -> Check:
    """Return the check of values for a column of this type."""
    if (reason := unsupported(kind)) is not None:
        return refuse_all(reason)
    plain, declared = undecorated_type(kind), declared_type(kind)
    if type(kind) is UTCDateTime:
        return times.utc_check(declared)
    make_check = next((make for known, make in _CHECK_BY_TYPE if isinstance(plain, known)), None)
    return take_storable if make_check is None else make_check(plain, declared)


def assigned_check(kind: TypeEngine[object]) -> Check:
    """Return the check of values that a column of this type is set to: a numeric one takes an `int` too."""
    plain, check = undecorated_type(kind), column_check(kind)
    if not isinstance(plain, Numeric | Float) or not plain.asdecimal:
        return check
    return lambda value: check(Decimal(value) if isinstance(value, int) else value)


def compared_check(kind: TypeEngine[object]) -> Check:
    """Return the check of values that are compared: length, digits and precision limit only stored values."""
    plain = undecorated_type(kind)
    if isinstance(plain, Integer):
        in_range = column_check(kind)
        return lambda value: in_range(int(value)) if isinstance(value, int) else None
    if isinstance(plain, DateTime):
        return times.moment_operand_check(plain)
    if isinstance(plain, Enum):
        is_member, labels = column_check(kind), frozenset(plain.enums)
        return lambda value: None if isinstance(value, str) and value in labels else is_member(value)
    return take_storable if isinstance(plain, String) else lambda _: None


def is_checked(kind: TypeEngine[object]) -> bool:
    """Return whether the checks decide every value of a column of this type, so that the server refuses none."""
    plain = undecorated_type(kind)
    if isinstance(plain, ARRAY):
        return is_checked(item_type(plain))
    return isinstance(plain, tuple(known for known, _ in _CHECK_BY_TYPE))


def unsupported(kind: TypeEngine[object]) -> str | None:
    """Return why no value can be written to a column of this type; `None` if some can."""
    plain = undecorated_type(kind)
    for known, reason in _NOT_RETURNED_UNCHANGED:
        if isinstance(plain, known) or isinstance(kind, known):
            return reason
    if isinstance(plain, pg.DOMAIN):
        return unsupported(plain.data_type) or (None if _is_converted_by_driver(plain.data_type) else _DOMAIN_MESSAGE)
    if isinstance(plain, ARRAY):
        return unreadable(kind) or unsupported(item_type(plain))
    return _UNKNOWN_TYPE_MESSAGE if declared_type(kind).partition("(")[0] in _FOREIGN_TYPE_NAMES else None


def unreadable(kind: TypeEngine[object]) -> str | None:
    """Return why a column of this type cannot be read; `None` if it can."""
    plain = undecorated_type(kind)
    if isinstance(plain, ARRAY) and isinstance(undecorated_type(item_type(plain)), pg.CITEXT | pg.DOMAIN | pg.HSTORE):
        return "the driver does not know arrays of a type that a schema or an extension makes: use Text or JSONB"
    return None


def is_json(kind: TypeEngine[object]) -> bool:
    """Return whether the column's values are JSON."""
    return isinstance(undecorated_type(kind), JSON)


def null_value(kind: TypeEngine[object]) -> object:
    """Return what writes `None` as NULL, also in a JSON column, where SQLAlchemy would write a JSON null."""
    return null() if is_json(kind) else None


def _array(kind: ARRAY[object], _declared: str) -> Check:
    return nested.array_check(kind, column_check(item_type(kind)))


def _domain(kind: pg.DOMAIN, _declared: str) -> Check:
    return column_check(kind.data_type)


def _is_converted_by_driver(kind: TypeEngine[object]) -> bool:
    """Return whether the driver, without SQLAlchemy, converts the type's values, as a domain needs."""
    plain = undecorated_type(kind)
    if isinstance(plain, Numeric | Float):
        return plain.asdecimal is not isinstance(plain, Float)
    if isinstance(plain, Uuid):
        return plain.as_uuid and plain.native_uuid
    return isinstance(plain, _DRIVER_TYPES) and not isinstance(plain, Enum)


_DRIVER_TYPES: Final = (String, Boolean, Integer, Date, DateTime, Time, LargeBinary, pg.INTERVAL, pg.INET, pg.CIDR)
_DOMAIN_MESSAGE: Final = "SQLAlchemy converts no values of a domain over such a type: use the type itself"
_UNKNOWN_TYPE_MESSAGE: Final = "PostgreSQL has no such type: use one that it has"
_FOREIGN_TYPE_NAMES: Final = frozenset({"BINARY", "BLOB", "CLOB", "DATETIME", "DOUBLE", "NVARCHAR", "VARBINARY"})
"""Types of other databases, which SQLAlchemy passes to PostgreSQL unchanged."""

_SEARCH_PATH_MESSAGE: Final = "PostgreSQL shows its values by the search_path of the session that reads them: "
_NOT_RETURNED_UNCHANGED: Final[tuple[tuple[type[object], str], ...]] = (
    (pg.MONEY, "PostgreSQL gives money back as text in the form of the server's locale: use Numeric"),
    (pg.REGCLASS, _SEARCH_PATH_MESSAGE + "use Text"),
    (pg.REGCONFIG, _SEARCH_PATH_MESSAGE + "use Text"),
    (pg.TSQUERY, "PostgreSQL gives its text back rewritten: use Text, and make the query where it is used"),
    (pg.TSVECTOR, "PostgreSQL gives its text back rewritten: make it a computed column"),
    (pg.JSONPATH, "PostgreSQL gives its text back rewritten: use Text"),
)
"""Types whose values the server returns in another form."""

_CheckMaker: TypeAlias = Callable[[Any, str], Check]
_CHECK_BY_TYPE: Final[tuple[tuple[type[object], _CheckMaker], ...]] = (  # each takes the type and its declaration
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
"""The function that makes the check of a type: subclasses before their base."""
