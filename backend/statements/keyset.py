"""The SELECT of the rows that follow a place in a total order, which an index in that order serves without a sort."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Final, Generic, Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    bindparam,
    cast,
    select,
    tuple_,
    union_all,
)

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.entity.parameters import LIMIT_PARAMETER, cursor_parameter
from backend.statements.conditions import Where
from backend.statements.family import StatementFamily
from backend.statements.kept import Kept
from backend.statements.ordering import AnyExpression, Order, SortKey, total_order
from backend.statements.scope.from_clauses import AnySelect
from backend.statements.scope.scoped import ScopedStatement

Side: TypeAlias = Literal["after", "from", "before", "until"]
"""Which rows, seen from a place in the order: those after it, from it on, before it, until it. Without a place, "from"
means from the first row on, and "until" until the last one."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a total order, and the rows on one side of it."""

    side: Side
    values: tuple[str | None, ...]
    """The value of each sort key, as PostgreSQL writes it as text; `None` is NULL. Empty without a place."""

    @property
    def is_backward(self) -> bool:
        """Return whether the rows precede the place."""
        return self.side in ("before", "until")

    @property
    def is_inclusive(self) -> bool:
        """Return whether a row at the place itself is among them."""
        return self.side in ("from", "until")

    @property
    def opposite(self) -> "Position":
        """Return the same place with all other rows."""
        return Position(_OPPOSITE[self.side], self.values)

    def parameters(self, limit: int) -> dict[str, object]:
        """Return the parameters of a statement that reads so many rows."""
        texts = {cursor_parameter(number): text for number, text in enumerate(self.values) if text is not None}
        return {LIMIT_PARAMETER: limit, **texts}


_LIMIT: Final = bindparam(LIMIT_PARAMETER, type_=BigInteger())

_OPPOSITE: dict[Side, Side] = {"after": "until", "until": "after", "from": "before", "before": "from"}


@dataclass(frozen=True, slots=True)
class _Keyset:
    """The SELECT of the rows on one side of a place, without conditions, and what it is made of."""

    statement: ScopedStatement
    branches: Sequence[AnySelect]
    """SELECTs with order and limit, of whose rows the first ones are meant."""
    keys: Sequence[SortKey]


class KeysetStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that read rows from a place in a total order on."""

    @lazy
    def _keysets(self) -> Kept[object, _Keyset]:
        return Kept()

    def order(self, order_by: Order) -> tuple[SortKey, ...]:
        """Return the total order of these expressions, in scope. Raises `UsageError` if no cursor can continue it."""
        keys = total_order(self.entity, order_by)
        for key in keys:
            self._scope_expression(key.expression)
        return keys

    def keyset(self, where: Sequence[Where], order: Sequence[SortKey], position: Position) -> ScopedStatement:
        """Return the SELECT of the rows on the position's side of it that are nearest to it, with a limit to give.

        After the columns of a row come the values of the sort keys, as text. Where every key is NOT NULL and sorted in
        one direction, one comparison of row values finds the place; else a UNION ALL of SELECTs, one for each range of
        values that may follow. Each is read along an index that has the order, and stops at the limit. What has no
        conditions is built once.
        """
        shape = (position.side, *(value is None for value in position.values), *(key.name for key in order))
        kept = self._keysets.get(shape, lambda: self._keyset(order, position))
        if not where:
            return kept.statement

        def build(met: Sequence[ColumnElement[bool]], _: object) -> AnySelect:
            return _first_of([branch.where(*met) for branch in kept.branches], kept.keys)

        return self._filtered(("keyset", *shape), build, where)

    def _keyset(self, order: Sequence[SortKey], position: Position) -> _Keyset:
        keys = [key.reversed for key in order] if position.is_backward else list(order)
        ranges = [self._rows.where(*conditions) for conditions in _ranges(keys, position)]
        branches = [_with_texts(ranges[0], keys)] if len(ranges) == 1 else [_with_keys(one, keys) for one in ranges]
        return _Keyset(self._scoped(_first_of(branches, keys)), branches, keys)


def _with_texts(rows: AnySelect, keys: Sequence[SortKey]) -> AnySelect:
    """Return the first rows in order, with the values of the sort keys as text."""
    texts = (cast(key.operand, String()).label(f"key_{number}") for number, key in enumerate(keys))
    return rows.add_columns(*texts).order_by(*(key.clause for key in keys)).limit(_LIMIT)


def _with_keys(rows: AnySelect, keys: Sequence[SortKey]) -> AnySelect:
    """Return the first rows in order, with the sort keys. Each column gets a name: two of a view may share one."""
    columns = [column.label(f"column_{number}") for number, column in enumerate(rows.selected_columns)]
    sorted_by = [key.operand.label(f"key_{number}") for number, key in enumerate(keys)]
    return rows.with_only_columns(*columns, *sorted_by).order_by(*(key.clause for key in keys)).limit(_LIMIT)


def _first_of(branches: Sequence[AnySelect], keys: Sequence[SortKey]) -> AnySelect:
    """Return the first rows of the branches in order, with the values of the sort keys as text."""
    if len(branches) == 1:
        return branches[0]
    values = list(union_all(*branches).subquery("rows").c)
    columns, sorted_by = values[: -len(keys)], values[-len(keys) :]
    texts = [cast(value, String()) for value in sorted_by]
    ordered = (key.order(value) for key, value in zip(keys, sorted_by, strict=True))
    return select(*columns, *texts).order_by(*ordered).limit(_LIMIT)


def _ranges(keys: Sequence[SortKey], position: Position) -> Sequence[Sequence[ColumnElement[bool]]]:
    """Return the conditions of each range of an index that may have rows on the position's side."""
    if not position.values:
        return [()]
    if not any(key.nullable for key in keys) and len({key.descending for key in keys}) == 1:
        return [[_row_comparison(keys, position)]]
    return [*_branches(keys, position)]


def _row_comparison(keys: Sequence[SortKey], position: Position) -> ColumnElement[bool]:
    compare = _comparison(keys[0], inclusive=position.is_inclusive)
    values = [_value(number, key) for number, key in enumerate(keys)]
    if len(keys) == 1:
        return compare(keys[0].operand, values[0])
    return compare(tuple_(*(key.operand for key in keys)), tuple_(*values))


def _branches(keys: Sequence[SortKey], position: Position) -> Iterator[list[ColumnElement[bool]]]:
    """Yield the conditions of each SELECT: the last key is the first to differ, then the last but one, …"""
    for last in reversed(range(len(keys))):
        equal = [_equals(number, keys[number], position) for number in range(last)]
        inclusive = position.is_inclusive and last == len(keys) - 1  # the primary key, which is never NULL
        for condition in _follows(last, keys[last], position, inclusive=inclusive):
            yield [*equal, condition]


def _follows(number: int, key: SortKey, position: Position, *, inclusive: bool) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions, each for a range of an index, of the values that follow the position's."""
    if position.values[number] is None:
        if key.nulls_first:
            yield key.operand.is_not(None)
        return
    yield _comparison(key, inclusive=inclusive)(key.operand, _value(number, key))
    if key.nullable and not key.nulls_first:
        yield key.operand.is_(None)


def _equals(number: int, key: SortKey, position: Position) -> ColumnElement[bool]:
    is_null = position.values[number] is None
    return key.operand.is_(None) if is_null else key.operand == _value(number, key)


def _comparison(key: SortKey, *, inclusive: bool) -> Callable[[Any, Any], ColumnElement[bool]]:
    if key.descending:
        return le if inclusive else lt
    return ge if inclusive else gt


def _value(number: int, key: SortKey) -> AnyExpression:
    return cast(bindparam(cursor_parameter(number), type_=String()), key.type)
