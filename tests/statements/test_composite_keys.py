"""The statements of a key of several columns: one condition, one order key and one array for each."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import CHAR, BigInteger, Column, Enum, Integer, Numeric, String, Text, Uuid
from sqlalchemy.dialects.postgresql import CITEXT, DOMAIN
from sqlmodel import SQLModel, col

from backend import typed
from backend.entity.checks import ClassOptions, define
from backend.entity.column_types import compares_as_python
from backend.errors import UsageError
from backend.statements.change import Change
from backend.statements.keyset import Position
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.statements import Statements
from backend.statements.typed import TypedColumn
from tests.support.compiling import compiled
from tests.support.models.keyed import Lower
from tests.support.models.suite import Entry, EntryCreate, EntryId, EntryUpdate

ENTRY = define(
    "EntryRepository",
    (Entry, EntryCreate, EntryUpdate, EntryId, str),
    ClassOptions(owner=col(Entry.owner_id), version=col(Entry.revision)),
)
SCOPED = Statements(ENTRY, scoped=True)
COLUMNS = "entry.owner_id, entry.journal, entry.number, entry.text, entry.revision"
MINE = "entry.owner_id = %(the_owner)s"
THIS = f"entry.owner_id = %(the_id_0)s AND entry.journal = %(the_id_1)s AND entry.number = %(the_id_2)s AND {MINE}"
CHANGE = Change(typed(Entry.text).to("x"))

SHAPES: dict[str, tuple[Callable[[Statements[SQLModel]], ScopedStatement], str]] = {
    "one": (lambda s: s.select_by_id, f"SELECT {COLUMNS} FROM entry WHERE {THIS}"),
    "delete": (lambda s: s.delete, f"DELETE FROM entry WHERE {THIS} RETURNING {COLUMNS}"),
    "change": (
        lambda s: s.change(CHANGE, {}),
        f"UPDATE entry SET text=%(text)s, revision=(revision + %(revision_1)s) WHERE {THIS} RETURNING {COLUMNS}",
    ),
    "many": (
        lambda s: s.select_by_ids,
        f"SELECT {COLUMNS}, anon_1.position FROM entry, "
        "unnest(%(the_keys_0)s::TEXT[], %(the_keys_1)s::TEXT[], %(the_keys_2)s) WITH ORDINALITY "
        "AS anon_1(key_0, key_1, key_2, position) WHERE entry.owner_id = anon_1.key_0 "
        f"AND entry.journal = anon_1.key_1 AND entry.number = anon_1.key_2 AND {MINE}",
    ),
    "list": (
        lambda s: s.list((), col(Entry.text).desc(), None, 0),
        f"SELECT {COLUMNS} FROM entry WHERE {MINE} "
        "ORDER BY entry.text DESC, entry.owner_id, entry.journal, entry.number",
    ),
    "exists": (
        lambda s: s.exists(()),
        f"SELECT EXISTS (SELECT entry.owner_id, entry.journal, entry.number FROM entry WHERE {MINE}) AS anon_1",
    ),
    "rows after a place": (
        lambda s: s.keyset((), s.order(col(Entry.number)), Position("after", ("1", "a", "x"))),
        f"SELECT {COLUMNS}, CAST(entry.number AS VARCHAR) AS key_0, CAST(entry.owner_id AS VARCHAR) AS key_1, "
        f"CAST(entry.journal AS VARCHAR) AS key_2 FROM entry WHERE {MINE} AND (entry.number, entry.owner_id, "
        "entry.journal) > (CAST(%(the_cursor_0)s AS BIGINT), CAST(%(the_cursor_1)s AS TEXT), "
        "CAST(%(the_cursor_2)s AS TEXT)) ORDER BY entry.number, entry.owner_id, entry.journal LIMIT %(the_limit)s",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_statement_names_every_column_of_the_key(name: str) -> None:
    make, sql = SHAPES[name]
    assert compiled(make(SCOPED)).sql == sql


@pytest.mark.parametrize("column", [typed(Entry.journal), typed(Entry.owner_id)])
def test_a_change_of_a_part_of_the_key_is_refused(column: TypedColumn[str]) -> None:
    change = Change(column.to("x"))
    with pytest.raises(UsageError, match="a Change of Entry cannot set primary key, owner or version"):
        SCOPED.change(change, {})


def test_the_parameters_of_an_id_are_its_parts_in_the_order_of_the_key() -> None:
    identity, id = ENTRY.identity, EntryId(7, "home", "a")
    assert [*identity.parameters(id).values()] == ["a", "home", 7]
    assert [*identity.parameters(id)] == [*identity.parameter_names]
    arrays = identity.array_parameters([id, EntryId(8, "away", "b")])
    assert [*arrays.values()] == [
        ["a", "b"],
        ["home", "away"],
        [7, 8],
    ]
    assert identity.of(("a", "home", 7, "text", 1)) == identity.values(id) == ("a", "home", 7)
    assert identity.id_from(("a", "home", 7)) == id
    assert identity.fields == ("number", "journal", "owner_id")


@pytest.mark.parametrize(
    ("kind", "is_as_python"),
    [
        (Integer(), True),
        (BigInteger(), True),
        (Text(), True),
        (String(9), True),
        (String(collation="C"), True),
        (Uuid(), True),
        (Uuid(as_uuid=False), False),
        (String(collation="without_case"), False),
        (CITEXT(), False),
        (CHAR(3), False),
        (DOMAIN("name", Text()), False),
        (Enum("a", "b", name="ab"), False),
        (Numeric(), False),
        (Lower(), False),
    ],
)
def test_rows_are_matched_by_value_only_where_equal_in_python_too(kind: Any, is_as_python: bool) -> None:
    assert compares_as_python(Column("id", kind)) is is_as_python
