"""What an UPDATE sets by itself and some rows of a call set: a row has its own value, the others that of `onupdate`."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from pydantic import MISSING
from sqlalchemy import Column, Integer, MetaData, Table, Text, column, func
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from backend import CRUDRepository, Database, init_db, typed
from backend.errors import UsageError
from backend.statements.column_defaults import with_python_onupdates

TYPES = registry(metadata=MetaData())
_ONE_MORE: Any = {"server_default": "0", "onupdate": column("edits", Integer()) + 1}
COMPUTED: list[str] = []
"""What Python has computed."""


def _compute_state() -> str:
    COMPUTED.append("changed")
    return COMPUTED[-1]


_CHANGED: Any = {"server_default": "new", "onupdate": _compute_state}


def _trace(context: Any) -> str:
    """Reads the other values of its row."""
    return f"note {context.get_current_parameters().get('note')}"


def _name(context: Any) -> str:
    """Reads the code of its row."""
    return f"code {context.get_current_parameters()['code']}"


class Base(SQLModel, registry=TYPES):
    metadata = TYPES.metadata


class Leaf(Base, table=True):
    """The server counts its edits, Python names its state; a call can set both."""

    code: str = Field(primary_key=True, sa_type=Text)
    note: str | None = None
    edits: int = Field(default=None, sa_type=Integer, sa_column_kwargs=_ONE_MORE)
    state: str = Field(default=None, sa_type=Text, sa_column_kwargs=_CHANGED)
    name: str = Field(default=None, sa_type=Text, sa_column_kwargs={"default": _name})
    trace: str | None = Field(default=None, sa_type=Text, sa_column_kwargs={"onupdate": _trace})


class LeafUpdate(SQLModel):
    note: str | MISSING | None = MISSING
    edits: int | MISSING = MISSING
    state: str | MISSING = MISSING


class LeafCreate(LeafUpdate):
    code: str


class Leaves(CRUDRepository[Leaf, LeafCreate, LeafUpdate, str]): ...


Values = dict[str, Any]
CHANGES: list[Values] = [{"note": "x"}, {"edits": 7}, {"note": "y", "state": "mine"}, {"edits": 8, "state": "mine"}, {}]
CODES = "edcba"


def update_each(leaves: Leaves) -> Sequence[Leaf]:
    return [leaves.update(code, LeafUpdate(**values)) for code, values in zip(CODES, CHANGES, strict=True)]


def update_many(leaves: Leaves) -> Sequence[Leaf]:
    return leaves.update_many([(code, LeafUpdate(**values)) for code, values in zip(CODES, CHANGES, strict=True)])


def update_where(leaves: Leaves) -> Sequence[Leaf]:
    return [
        leaf
        for code, values in zip(CODES, CHANGES, strict=True)
        for leaf in leaves.update_where_returning(LeafUpdate(**values), typed(Leaf.code) == code)
    ]


def upsert_each(leaves: Leaves) -> Sequence[Leaf]:
    items = [LeafCreate(code=code, **values) for code, values in zip(CODES, CHANGES, strict=True)]
    return [leaves.upsert(item, on=col(Leaf.code)).row for item in items]


def upsert_many(leaves: Leaves) -> Sequence[Leaf]:
    items = [LeafCreate(code=code, **values) for code, values in zip(CODES, CHANGES, strict=True)]
    return [one.row for one in leaves.upsert_many(items, on=col(Leaf.code))]


@pytest.fixture
def leaves(own_tables: str) -> Iterator[Leaves]:
    with Database(own_tables) as database:
        init_db(database, TYPES.metadata)
        with database.session() as session:
            leaves = Leaves(session)
            leaves.create_many([LeafCreate(code=code) for code in CODES])
            yield leaves


@pytest.mark.parametrize("call", [update_each, update_many, update_where, upsert_each, upsert_many])
def test_a_row_has_its_own_value_and_else_what_an_update_sets(
    leaves: Leaves, call: Callable[[Leaves], Sequence[Leaf]]
) -> None:
    assert [(leaf.code, leaf.note, leaf.edits, leaf.state) for leaf in call(leaves)] == [
        ("e", "x", 1, "changed"),
        ("d", None, 7, "changed"),
        ("c", "y", 1, "mine"),
        ("b", None, 8, "mine"),
        ("a", None, 0, "new"),
    ]


def test_python_computes_it_for_each_row_and_for_an_upsert_of_many_once(leaves: Leaves) -> None:
    computed: list[int] = []
    for call in (update_many, upsert_many):
        COMPUTED.clear()
        call(leaves)
        computed.append(len(COMPUTED))
    assert computed == [2, 1]


@pytest.mark.parametrize("call", [update_each, update_many, update_where, upsert_each])
def test_a_function_reads_the_other_values_of_its_row(leaves: Leaves, call: Callable[[Leaves], Sequence[Leaf]]) -> None:
    assert [leaf.trace for leaf in call(leaves)] == ["note x", "note None", "note y", "note None", None]


def test_a_default_reads_the_other_values_of_its_row(leaves: Leaves) -> None:
    codes, on = [f"new {code}" for code in CODES], col(Leaf.code)
    made = leaves.upsert_many([LeafCreate(code=code, note="x") for code in codes[:2]], on=on)
    made = [*made, *leaves.upsert_many([LeafCreate(code=codes[2])], on=on)]
    made = [*made, leaves.upsert(LeafCreate(code=codes[3], note="x"), on=on)]
    made = [*made, leaves.get_or_create(LeafCreate(code=codes[4]), on=on)]
    assert [one.row.name for one in made] == [f"code {code}" for code in codes]


def test_a_function_that_returns_an_sql_expression_is_refused() -> None:
    table = Table("t", MetaData(), Column("at", Text, onupdate=lambda: func.now() - 1))
    with pytest.raises(UsageError, match="a Python function has returned an SQL expression: return a value"):
        with_python_onupdates(table, [{}])
