"""Models whose primary key has one column or several of any type, made when a test asks."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, ip_address
from types import new_class
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import Field as PlainField
from pydantic import create_model
from pydantic_core import PydanticUndefined
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Text,
    Time,
    TypeDecorator,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString, Field, SQLModel
from typing_extensions import override

from backend import CRUDRepository


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


class Lower(TypeDecorator[str]):
    """Text that is stored in lower case."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    @override
    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value.lower()


@dataclass(frozen=True)
class KeyKind:
    """A type of a key column: the class of its values, two of rows, and one that no row has."""

    type: type
    column: Any
    values: Sequence[Any]
    absent: Any
    limits: dict[str, Any] = field(default_factory=dict[str, Any])
    """Those of the create schema."""


KEYS: Mapping[str, KeyKind] = {
    "small": KeyKind(int, SmallInteger, [1, -2], 2**15),
    "int": KeyKind(int, Integer, [1, -2], 2**31),
    "big": KeyKind(int, BigInteger, [2**62, -2], 2**63),
    "uuid": KeyKind(UUID, Uuid, [UUID(int=1), UUID(int=2)], UUID(int=3)),
    "short": KeyKind(str, String(3), ['a"', "b,{"], 'a"  ', {"max_length": 3}),
    "text": KeyKind(str, Text, ["NULL", ""], "x\0"),
    "auto": KeyKind(str, AutoString(3), ["a\\", "{}"], "{}{}", {"max_length": 3}),
    "date": KeyKind(date, Date, [date(2026, 1, 1), date.min], date.max),
    "moment": KeyKind(
        datetime,
        DateTime(timezone=True),
        [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)],
        datetime(2026, 1, 3, tzinfo=UTC),
    ),
    "time": KeyKind(time, Time, [time(1, 2, 3, 4), time.max], time.min),
    "interval": KeyKind(timedelta, Interval, [timedelta(1), timedelta(hours=-1)], timedelta(days=30)),
    "number": KeyKind(
        Decimal,
        Numeric(6, 2),
        [Decimal("1.50"), Decimal(-2)],
        Decimal("1.501"),
        {"max_digits": 6, "decimal_places": 2},
    ),
    "bytes": KeyKind(bytes, LargeBinary, [b"\0\\", b""], b"x"),
    "flag": KeyKind(bool, Boolean, [True], False),
    "enum": KeyKind(Colour, Enum(Colour, name="key_colour"), [Colour.BLUE], Colour.RED),
    "address": KeyKind(IPv4Address, INET, [ip_address("10.0.0.1"), ip_address("10.0.0.2")], ip_address("10.0.0.3")),
    "decorated": KeyKind(str, Code, ["a", "b,c"], "code-a"),
}


class Keyed(NamedTuple):
    """A model with such a key, and its repository."""

    metadata: MetaData
    model: Any
    create: Any
    update: Any
    repository: Any


def keyed(name: str, kinds: Mapping[str, KeyKind], id_type: Any, made: Mapping[str, str] = {}) -> Keyed:
    """A model with these key columns and a text; the functions of `made` make values of some."""
    types = registry()
    base: Any = new_class("Base", (SQLModel,), {"registry": types})
    body: dict[str, Any] = {
        "__module__": __name__,
        "__tablename__": f"keyed_{name}",
        "__annotations__": {**{key: kind.type for key, kind in kinds.items()}, "note": str | None},
        "note": None,
        **{
            key: Field(
                default=None if key in made else PydanticUndefined,
                sa_column=Column(
                    kind.column,
                    primary_key=True,
                    autoincrement=False,
                    server_default=getattr(func, made[key])() if key in made else None,
                ),
            )
            for key, kind in kinds.items()
        },
    }
    model: Any = new_class("Keyed", (base,), {"table": True}, lambda namespace: namespace.update(body))
    fields: dict[str, Any] = {
        key: (kind.type, PlainField(**kind.limits)) for key, kind in kinds.items() if key not in made
    }
    create, update = create_model("New", **fields), create_model("Change", note=(str | None, None))
    root: Any = CRUDRepository
    repository = new_class("KeyedRepository", (root[model, create, update, id_type],))
    return Keyed(types.metadata, model, create, update, repository)
