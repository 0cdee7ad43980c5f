"""The rows of a bulk statement, sent as one array parameter a column and unnested by the server. No I/O."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import psycopg
import sqlalchemy
from psycopg.adapt import PyFormat
from sqlalchemy import (
    ARRAY,
    CTE,
    BindParameter,
    Boolean,
    ColumnElement,
    Dialect,
    Text,
    bindparam,
    case,
    column,
    func,
    select,
)
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from backend.entity.column_types import is_array
from backend.entity.parameters import array_parameter, mask_parameter

AnyExpression: TypeAlias = ColumnElement[Any]  # of whatever type the column has
AnyType: TypeAlias = TypeEngine[Any]  # as above

_POSITION: Final = "position"


class RowArrays:
    """Rows of named values, in the order in which they are sent. A value of a partial name is not set in each row.

    A statement that reads them in several places has them as a CTE of a name that its table lacks.
    """

    def __init__(self, types: Mapping[str, AnyType], partial: Collection[str] = (), *, cte: str = "") -> None:
        self.names: tuple[str, ...] = tuple(types)
        self._types = types
        self._numbers = {name: number for number, name in enumerate(types)}
        self._partial = tuple(name for name in types if name in partial)
        arrays = [bindparam(array_parameter(at), type_=_array_of(kind)) for at, kind in enumerate(types.values())]
        masks = [bindparam(mask_parameter(self._numbers[name]), type_=ARRAY(Boolean)) for name in self._partial]
        columns = [column(f"value_{at}", _sent_type(kind)) for at, kind in enumerate(types.values())]
        flags = [column(f"is_set_{self._numbers[name]}", Boolean) for name in self._partial]
        unnested = func.unnest(*arrays, *masks).table_valued(*columns, *flags, with_ordinality=_POSITION)
        sent = unnested.render_derived(name="sent" if cte else "given")
        self.source: TableValuedAlias | CTE = select(*sent.c).cte(cte) if cte else sent

    @property
    def position(self) -> ColumnElement[int]:
        """Return the number of the row, from 1."""
        return cast("ColumnElement[int]", self.source.c[_POSITION])  # an ordinality is a bigint

    def value(self, name: str) -> AnyExpression:
        """Return the value of this name, NULL where it is not set."""
        sent = self.source.c[f"value_{self._numbers[name]}"]
        kind = self._types[name]
        value = sqlalchemy.cast(sent, kind) if is_array(kind) else sent
        written = kind.bind_expression(cast("BindParameter[Any]", value))  # SQLAlchemy types it for parameters alone
        return value if written is None else written

    def is_set(self, name: str) -> ColumnElement[bool] | None:
        """Return whether the row sets the value of this name; `None` if every row does."""
        return self.source.c[f"is_set_{self._numbers[name]}"] if name in self._partial else None

    def value_or(self, name: str, otherwise: AnyExpression) -> AnyExpression:
        """Return the value of this name, and something else for a row that does not set it."""
        is_set = self.is_set(name)
        return self.value(name) if is_set is None else case((is_set, self.value(name)), else_=otherwise)

    def parameters(self, rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """Return the array parameters of these rows."""
        arrays: dict[str, object] = {
            array_parameter(at): [row.get(name) for row in rows] for name, at in self._numbers.items()
        }
        masks = {mask_parameter(self._numbers[name]): [name in row for row in rows] for name in self._partial}
        return arrays | masks


def set_names(rows: Sequence[Mapping[str, object]], order: Iterable[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the names that the rows set, in this order, and those of them that only some rows set."""
    first = rows[0].keys()
    in_all, in_some = set(first), set(first)
    for row in rows:
        if row.keys() != first:
            in_all &= row.keys()
            in_some |= row.keys()
    return tuple(name for name in order if name in in_some), frozenset(in_some - in_all)


class _ArrayTexts(TypeDecorator[Sequence[object]]):
    """Values that are arrays, each as the text of PostgreSQL: an array of arrays would be one of more dimensions."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = ARRAY(Text)  # as SQLAlchemy types it
    cache_ok: bool | None = True

    def __init__(self, kind: AnyType) -> None:
        super().__init__()
        self.kind = kind

    @override
    def process_bind_param(self, value: Sequence[object] | None, dialect: Dialect) -> list[str | None] | None:
        if value is None:
            return None
        process = self.kind.dialect_impl(dialect).bind_processor(dialect)
        return [_as_text(item if process is None else process(item)) for item in value]


def _as_text(value: object) -> str | None:
    """Return the array as PostgreSQL writes it."""
    if value is None:
        return None
    value = _with_hexadecimal_bytes(value)
    dumper = psycopg.adapters.get_dumper(type(value), PyFormat.TEXT)(type(value), None).upgrade(value, PyFormat.TEXT)
    text = dumper.dump(value)
    return None if text is None else bytes(text).decode()


def _with_hexadecimal_bytes(value: object) -> object:
    """Return the array with each `bytea` as text: without a connection, psycopg doubles quotes in it."""
    if isinstance(value, list | tuple):
        return [_with_hexadecimal_bytes(part) for part in cast("Sequence[object]", value)]  # of any type
    if isinstance(value, psycopg.Binary):
        value = value.obj
    return f"\\x{value.hex()}" if isinstance(value, bytes | bytearray | memoryview) else value


def _array_of(kind: AnyType) -> AnyType:
    return _ArrayTexts(kind) if is_array(kind) else ARRAY(kind, dimensions=1)


def _sent_type(kind: AnyType) -> AnyType:
    return Text() if is_array(kind) else kind
