"""Compares the tables of the database with those of the models: columns, their types, and whether they may be NULL."""

import re
import warnings
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Dialect, MetaData, Table, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import SAWarning
from sqlalchemy.types import NullType, TypeEngine

from backend.commands.check.findings import Finding

_INIT = "run python -m backend init, which creates missing tables"
_MIGRATE = "migrate the table: init changes none that exists"

_EQUAL = {"FLOAT": "DOUBLE PRECISION", "DECIMAL": "NUMERIC", "TEXT": "VARCHAR", "CHAR": "CHAR(1)"}
"""Types by another name: PostgreSQL's for the same type, and TEXT, which takes the same values as VARCHAR."""


def check_tables(connection: Connection, metadata: MetaData) -> list[Finding]:
    """Return a finding for each difference, else one that names the tables. Reads the catalog, and locks nothing."""
    tables = metadata.sorted_tables
    found: list[Finding] = []
    for table in tables:
        columns = _columns_of(connection, table)
        if columns is None:
            found.append(_different(table, "is missing", _INIT))
            continue
        for difference in _differences(table, columns, connection.dialect):
            found.append(_different(table, difference, _MIGRATE))
    names = ", ".join(table.fullname for table in tables)
    return found or [Finding("tables", f"all there and equal to the models: {names}")]


def _different(table: Table, difference: str, fix: str) -> Finding:
    return Finding("tables", f"{table.fullname} {difference}", {"table": table.fullname}, fix, is_problem=True)


def _columns_of(connection: Connection, table: Table) -> Mapping[str, ReflectedColumn] | None:
    """Return the columns in the database by name, or `None` if the table is not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of a type that SQLAlchemy does not know
        found = inspect(connection).get_multi_columns(table.schema, [table.name], kind=ObjectKind.ANY)
    return next(({column["name"]: column for column in columns} for columns in found.values() if columns), None)


def _differences(table: Table, actual: Mapping[str, ReflectedColumn], dialect: Dialect) -> Iterator[str]:
    for column in table.columns:
        found = actual.get(column.name)
        if found is None:
            yield f"has no column {column.name}"
            continue
        own, other = _type_name(column.type, dialect), _type_name(found["type"], dialect)
        if own is not None and other is not None and _normal(own) != _normal(other):
            yield f"has {other} in column {column.name}, the model {own}"
        if found["nullable"] is not column.nullable:
            takes, does = ("takes NULL", "does not") if found["nullable"] else ("takes no NULL", "does")
            yield f"{takes} in column {column.name}, the model {does}"
    known = {column.name for column in table.columns}
    for name, found in actual.items():
        if name not in known and not _may_be_left_out(found):
            yield f"needs a value for column {name}, which the model does not have"


def _type_name(type_: TypeEngine[object], dialect: Dialect) -> str | None:
    """Return the type as DDL has it, or `None` for one that SQLAlchemy does not know."""
    return None if isinstance(type_, NullType) else type_.compile(dialect)


def _normal(type_: str) -> str:
    """Return one name for types that are the same to PostgreSQL, which keeps no number of dimensions of an array."""
    base, bracket, _ = type_.partition("[]")
    if precision := re.fullmatch(r"FLOAT\((\d+)\)", base):
        base = "REAL" if int(precision[1]) <= 24 else "DOUBLE PRECISION"
    elif base.startswith("INTERVAL"):
        base = base.upper()
    base = re.sub(r"^NUMERIC\((\d+), 0\)$", r"NUMERIC(\1)", base)
    return _EQUAL.get(base, base) + bracket


def _may_be_left_out(column: ReflectedColumn) -> bool:
    has_value = column.get("default") is not None or "identity" in column or "computed" in column
    return column["nullable"] or has_value
