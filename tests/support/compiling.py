"""Statements as the SQL that psycopg is given, compiled without a database."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Executable, create_engine
from sqlalchemy.sql.elements import ClauseElement
from sqlmodel import col

from backend.entity.checks import ClassOptions, define
from backend.entity.parameters import (
    COUNT_PARAMETER,
    EXPECTED_PARAMETER,
    ID_PARAMETER,
    LIMIT_PARAMETER,
    OFFSET_PARAMETER,
    OWNER_PARAMETER,
    array_parameter,
    assigned_parameter,
    condition_parameter,
    cursor_parameter,
    id_parameter,
    keys_parameter,
    mask_parameter,
)
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.statements import Statements
from tests.support.models.suite import Shelf, ShelfCreate, ShelfUpdate

SHELVES = Statements(
    define(
        "ShelfRepository",
        (Shelf, ShelfCreate, ShelfUpdate, int, str),
        ClassOptions(owner=col(Shelf.owner_id), version=col(Shelf.revision), shared_keys=(col(Shelf.label),)),
    ),
    scoped=True,
)
"""Those of one owner's rows of `Shelf`."""


@dataclass(frozen=True)
class Compiled:
    """A statement as it is sent."""

    sql: str
    """On one line, with `%(name)s` for a bound parameter, without what fills a name up and without its cast."""
    parameters: dict[str, object]
    """Those bound in the statement with their values, and `None` for those of the call."""


_CASTS = re.compile(r"s::(?:BIGINT|BOOLEAN|INTEGER|VARCHAR|UUID|TIMESTAMP WITH TIME ZONE)(?:\(\d+\))?(?:\[\])?")
_NAMES = (
    COUNT_PARAMETER, ID_PARAMETER, EXPECTED_PARAMETER, LIMIT_PARAMETER, OFFSET_PARAMETER, OWNER_PARAMETER
)  # fmt: skip


def compiled(statement: Executable | ScopedStatement, columns: Sequence[str] = ()) -> Compiled:
    """The statement for a call with values for these columns."""
    values: Mapping[str, object] = {}
    if isinstance(statement, ScopedStatement):
        values, statement = statement.values, statement.statement
    assert isinstance(statement, ClauseElement)
    found = statement.compile(create_engine("postgresql+psycopg://"), column_keys=list(columns) or None)
    sql = " ".join(str(found).split())
    sql = _CASTS.sub("s", sql)
    bound = {name: value for name, value in {**(found.params or {}), **values}.items() if name not in columns}
    return Compiled(unfilled(sql), {unfilled(name): value for name, value in bound.items()})


def unfilled(text: str) -> str:
    """The text with the names of `backend.entity.parameters` as they are before they are filled up."""
    makes = (
        array_parameter,
        assigned_parameter,
        condition_parameter,
        cursor_parameter,
        id_parameter,
        keys_parameter,
        mask_parameter,
    )
    several = (make(at) for make in makes for at in range(8))
    for name in (*_NAMES, *several):
        text = text.replace(name, name.rstrip("_"))
    return text
