"""Compares the columns of the database with those of the models: types, NULL, and what the database fills in."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeGuard

from sqlalchemy import ARRAY, Column, Connection, Dialect, Enum, MetaData, Table, inspect
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import SAWarning
from sqlalchemy.types import NullType, TypeEngine

from backend.commands.check.column_defaults import default_differences
from backend.commands.check.findings import Finding
from backend.entity.column_types import database_type

_INIT: Final = "run python -m backend init, which creates missing tables"
MIGRATE: Final = "migrate the table: init changes none that exists"

Columns: TypeAlias = Mapping[str, ReflectedColumn]
"""The columns of a table in the database, by name."""

_EQUAL = {"FLOAT": "DOUBLE PRECISION", "DECIMAL": "NUMERIC", "TEXT": "VARCHAR", "CHAR": "CHAR(1)"}
"""Types by another name: PostgreSQL's for the same type, and TEXT, which takes the same values as VARCHAR."""


def check_tables(connection: Connection, metadata: MetaData) -> list[Finding]:
    """Return a finding for each difference, else one that names the tables. Reads the catalogue, and locks nothing."""
    tables = metadata.sorted_tables
    there = read_columns(connection, tables)
    found: list[Finding] = []
    for table in tables:
        columns = there.get(table.fullname)
        if columns is None:
            found.append(_different(table, "is missing", _INIT))
            continue
        for difference in column_differences(table, columns, connection.dialect):
            found.append(_different(table, difference, MIGRATE))
    names = ", ".join(table.fullname for table in tables)
    return found or [Finding("tables", f"all there and equal to the models: {names}")]


def read_columns(connection: Connection, tables: Sequence[Table]) -> Mapping[str, Columns]:
    """Return the columns of the tables that are there, by the full name of the table."""
    found: dict[str, Columns] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of a type that SQLAlchemy does not know
        for schema in {table.schema for table in tables}:
            names = [table.name for table in tables if table.schema == schema]
            several = inspect(connection).get_multi_columns(schema, names, kind=ObjectKind.ANY)
            for table in tables:
                if table.schema == schema and (columns := several.get((schema, table.name))):
                    found[table.fullname] = {column["name"]: column for column in columns}
    return found


def column_differences(table: Table, actual: Columns, dialect: Dialect) -> Iterator[str]:
    """Yield in what the columns of a table differ from the model's."""
    for column in table.columns:
        found = actual.get(column.name)
        if found is None:
            yield f"has no column {column.name}"
            continue
        yield from _type_differences(column, found["type"], dialect)
        if found["nullable"] is not column.nullable:
            takes, does = ("takes NULL", "does not") if found["nullable"] else ("takes no NULL", "does")
            yield f"{takes} in column {column.name}, the model {does}"
        yield from default_differences(column, found)
    known = {column.name for column in table.columns}
    for name, found in actual.items():
        if name not in known and not _may_be_left_out(found):
            yield f"needs a value for column {name}, which the model does not have"


def _different(table: Table, difference: str, fix: str) -> Finding:
    return Finding("tables", f"{table.fullname} {difference}", {"table": table.fullname}, fix, is_problem=True)


def _type_differences(column: Column[object], actual: TypeEngine[object], dialect: Dialect) -> Iterator[str]:
    declared = database_type(column)
    if isinstance(actual, DOMAIN) and not isinstance(declared, DOMAIN):
        actual = actual.data_type  # a domain takes the values of its type that pass its check
    own, other = _type_name(column.type, dialect), _type_name(actual, dialect)
    if own is not None and other is not None and _normal(own) != _normal(other):
        yield f"has {other} in column {column.name}, the model {own}"
    elif missing := [label for label in _labels(declared) if label not in _labels(actual)]:
        yield f"lacks labels of the enum {other} in column {column.name}: {', '.join(missing)}"


def _labels(kind: TypeEngine[object]) -> Sequence[str]:
    if _is_array(kind):
        return _labels(kind.item_type)
    return kind.enums if isinstance(kind, Enum) and kind.native_enum else ()


def _is_array(kind: TypeEngine[object]) -> TypeGuard[ARRAY[object]]:
    return isinstance(kind, ARRAY)


def _type_name(type_: TypeEngine[object], dialect: Dialect) -> str | None:
    """Return the type as DDL has it, or `None` for one that SQLAlchemy does not know."""
    return None if isinstance(type_, NullType) else type_.compile(dialect)


def _normal(type_: str) -> str:
    """Return one name for types that are the same to PostgreSQL, which keeps no number of dimensions of an array."""
    base, bracket, _ = type_.replace(' COLLATE "default"', "").partition("[]")
    if precision := re.fullmatch(r"FLOAT\((\d+)\)", base):
        base = "REAL" if int(precision[1]) <= 24 else "DOUBLE PRECISION"
    elif base.startswith("INTERVAL"):
        base = base.upper()
    base = re.sub(r"^NUMERIC\((\d+), 0\)$", r"NUMERIC(\1)", base)
    return _EQUAL.get(base, base) + bracket


def _may_be_left_out(column: ReflectedColumn) -> bool:
    has_value = column.get("default") is not None or "identity" in column or "computed" in column
    return column["nullable"] or has_value
