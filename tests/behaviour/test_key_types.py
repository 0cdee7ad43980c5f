"""Keys of every type: `get_many` and `require_many` find what `get` finds."""

import enum
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import new_class
from typing import Any
from uuid import UUID

import pytest
from pydantic import Field as PlainField
from pydantic import create_model
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Enum,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString, Field, SQLModel
from typing_extensions import override

from backend import CRUDRepository, Database, init_db
from backend.errors import NotFoundError


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Code(TypeDecorator[str]):
    """Text that is stored behind a prefix."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    @override
    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else f"code-{value}"

    @override
    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value.removeprefix("code-")


KEYS: Mapping[str, tuple[type, Any, list[Any], Any]] = {
    "small": (int, SmallInteger, [1, -2], 2**15),
    "int": (int, Integer, [1, -2], 2**31),
    "big": (int, BigInteger, [2**62, -2], 2**63),
    "uuid": (UUID, Uuid, [UUID(int=1), UUID(int=2)], UUID(int=3)),
    "short": (str, String(3), ['a"', "b,{"], 'a"  '),
    "text": (str, Text, ["NULL", ""], "x\0"),
    "auto": (str, AutoString(3), ["a\\", "{}"], "{}{}"),
    "date": (date, Date, [date(2026, 1, 1), date.min], date.max),
    "time": (datetime, DateTime(timezone=True), [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)], None),
    "number": (Decimal, Numeric(6, 2), [Decimal("1.50"), Decimal(-2)], Decimal("1.501")),
    "enum": (Colour, Enum(Colour, name="many_colour"), [Colour.BLUE], Colour.RED),
    "decorated": (str, Code, ["a", "b,c"], "code-a"),
}
"""The class, the column's type, ids of rows, and an id that no row has."""

LIMITS: Mapping[str, dict[str, Any]] = {
    "short": {"max_length": 3},
    "auto": {"max_length": 3},
    "number": {"max_digits": 6, "decimal_places": 2},
}


@pytest.mark.parametrize("name", KEYS)
def test_many_of_a_key_type_are_found(own_tables: str, name: str) -> None:
    kind, column, ids, absent = KEYS[name]
    types = registry()
    base: Any = new_class("Base", (SQLModel,), {"registry": types})
    body = {
        "__module__": __name__,
        "__tablename__": f"keyed_{name}",
        "__annotations__": {"id": kind},
        "id": Field(sa_column=Column(column, primary_key=True, autoincrement=False)),
    }
    model: Any = new_class("Keyed", (base,), {"table": True}, lambda namespace: namespace.update(body))
    root: Any = CRUDRepository
    new = create_model("New", id=(kind, PlainField(**LIMITS.get(name, {}))))
    repository = new_class("KeyedRepository", (root[model, new, create_model("Change"), kind],))
    with Database(own_tables) as database:
        init_db(database, types.metadata)
        with database.session() as session:
            keyed: Any = repository(session)
            rows = {id: keyed.create(new(id=id)) for id in ids}
            assert keyed.get_many(ids) == rows
            assert keyed.require_many([*reversed(ids), ids[0]]) == [*reversed(rows.values()), rows[ids[0]]]
            if absent is not None:
                assert keyed.get(absent) is None
                assert keyed.get_many([absent, *ids]) == rows
                with pytest.raises(NotFoundError) as raised:
                    keyed.require_many([*ids, absent])
                assert raised.value.positions == (len(ids),)
                if kind in (str, date, Decimal, Colour):
                    assert str(raised.value) == "no Keyed with this id"
