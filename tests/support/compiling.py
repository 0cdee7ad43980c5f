"""Statements as the SQL that psycopg is given, compiled without a database."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Executable, create_engine
from sqlalchemy.sql.elements import ClauseElement


@dataclass(frozen=True)
class Compiled:
    """A statement as it is sent."""

    sql: str
    """On one line, with `%(name)s` for a bound parameter; its cast to the column's type is left out."""
    parameters: dict[str, object]
    """Those bound in the statement with their values, and `None` for those of the call."""


def compiled(statement: Executable, columns: Sequence[str] = ()) -> Compiled:
    """The statement for a call with values for these columns."""
    assert isinstance(statement, ClauseElement)
    found = statement.compile(create_engine("postgresql+psycopg://"), column_keys=list(columns) or None)
    sql = " ".join(str(found).split())
    for kind in ("BIGINT", "INTEGER", "VARCHAR", "UUID", "TIMESTAMP WITH TIME ZONE"):
        sql = sql.replace(f"s::{kind}", "s")
    return Compiled(sql, {name: value for name, value in (found.params or {}).items() if name not in columns})
