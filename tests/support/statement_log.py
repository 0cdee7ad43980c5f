"""Looks at sent statements from outside: does each owned table that one names bind the owner, and to whom?

Reads SQL as text, so that nothing of the package's own reading of a statement is believed.
"""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from backend.entity.parameters import OWNER_PARAMETER

OWNERS: Mapping[str, str] = {"task": "user_id", "project": "owner_id", "ticket": "owner_id", "shelf": "owner_id"}
"""The owned tables of the suite, and the column that says whose a row is."""

_TABLE = "|".join(OWNERS)
_READ = re.compile(rf"(?:\b(?:FROM|JOIN|UPDATE|INTO)\s+\(*|,\s+)(?P<table>{_TABLE})\b(?!\.)(?:\s+AS\s+(?P<alias>\w+))?")
_INSERT_ROWS = re.compile(rf"INSERT INTO (?P<table>{_TABLE}) \((?P<columns>[^)]*)\) SELECT (?P<values>.*?) FROM ")
_INSERT = re.compile(rf"INSERT INTO (?P<table>{_TABLE}) \((?P<columns>[^)]*)\) VALUES \((?P<values>.*?)\) RETURNING")


def unbound(sql: str, parameter: str = r"%\(the_owner_*\)s(?:::\w+)?") -> list[str]:
    """The owned tables that the statement names more often than it binds the owner for them, by name or alias."""
    if insert := _INSERT.search(sql):
        columns, values = (re.split(r",\s+", insert[part]) for part in ("columns", "values"))
        stamped = dict(zip(columns, values, strict=True)).get(OWNERS[insert["table"]], "")
        return [] if re.fullmatch(parameter, stamped) else [insert["table"]]
    if rows := _INSERT_ROWS.search(sql):
        without = sql.replace(f"INSERT INTO {rows['table']} ", "", 1)
        return [] if _stamps_owner(rows, sql, parameter) and not unbound(without, parameter) else [rows["table"]]
    named: dict[str, int] = {}
    columns_of: dict[str, str] = {}
    for read in _READ.finditer(sql):
        name = read["alias"] or read["table"]
        named[name] = named.get(name, 0) + 1
        columns_of[name] = OWNERS[read["table"]]
    followed = "|".join(rf"{re.escape(name)}\.{column}" for name, column in columns_of.items())
    short: list[str] = []
    for name, times in named.items():
        owner = rf"\b{re.escape(name)}\.{columns_of[name]}"
        bound = len(re.findall(rf"{owner} = (?:{parameter})", sql))
        follows = len(re.findall(rf"{owner} = (?:{followed})\b|(?:{followed}) = {owner}\b", sql))
        if bound + (follows if bound < times and "OUTER JOIN" in sql else 0) < times:
            short.append(name)
    return short


def _stamps_owner(insert: re.Match[str], sql: str, parameter: str) -> bool:
    """Whether an INSERT … SELECT sets the owner to the parameter, itself or in the rows that it reads."""
    values = [value.strip() for value in re.split(r",\s+(?![^(]*\))(?![^C]*END)", insert["values"])]
    columns = re.split(r",\s+", insert["columns"])
    stamped = dict(zip(columns, values, strict=True))[OWNERS[insert["table"]]]
    if read := re.fullmatch(r"new_rows\.(\w+) AS \w+", stamped):
        return re.search(rf"(?:{parameter}) AS {read[1]}\b", sql) is not None
    return re.fullmatch(rf"(?:{parameter}) AS \w+", stamped) is not None


@dataclass
class StatementLog:
    """What an engine sent within `log_statements`: every statement with its parameters."""

    sent: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list[tuple[str, Mapping[str, Any]]])

    def leaks(self, owner: object) -> list[str]:
        """The statements that name an owned table without binding this owner."""
        return [
            sql
            for sql, parameters in self.sent
            if re.search(rf"\b(?:{_TABLE})\b", sql) and (unbound(sql) or parameters.get(OWNER_PARAMETER) != owner)
        ]


@contextmanager
def log_statements(engine: Engine) -> Generator[StatementLog]:
    """Records every statement that the engine sends."""
    log = StatementLog()

    def record(_connection: object, _cursor: object, sql: str, parameters: Any, *_: object) -> None:
        log.sent.append((" ".join(sql.split()), dict(parameters or {})))

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield log
    finally:
        event.remove(engine, "before_cursor_execute", record)
