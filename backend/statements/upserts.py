"""The INSERT … ON CONFLICT: a row whose key is taken changes the row that has it, in one statement. No I/O."""

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import sqlalchemy
from sqlalchemy import Boolean, ColumnElement, SQLColumnExpression, Text, column, literal
from sqlalchemy.dialects.postgresql import insert
from typing_extensions import override

from backend.entity.entity import Entity, ModelT
from backend.statements.conflict_targets import UniqueKey, Updates, Upsert, resolve_upsert
from backend.statements.conflicts import on_conflict, onupdates
from backend.statements.inserts import InsertManyStatements, RowsStatement
from backend.statements.row_arrays import RowArrays
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.upsert_rows import RowsUpsert
from backend.statements.upsert_shape import UpsertShape

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

_KEPT: Final = 128
"""Upserts and statements that are kept for one entity and scope: which fields are set together comes from a program."""


class UpsertStatements(InsertManyStatements[ModelT], Generic[ModelT]):
    """Statements that insert rows, or change those that have their keys."""

    @override
    def __init__(
        self, entity: Entity[ModelT], *, scoped: bool, columns: Sequence[SQLColumnExpression[object]] | None = None
    ) -> None:
        super().__init__(entity, scoped=scoped, columns=columns)
        self._upserts: dict[object, tuple[object, Upsert]] = {}
        self._upserts_of_one: dict[object, ScopedStatement] = {}
        self._upserts_of_many: dict[object, RowsStatement] = {}

    def upsert(self, on: UniqueKey, update: Updates) -> Upsert:
        """Return what `on=` and `update=` name. Raises `UsageError` for what they cannot name."""
        given = (on, update)  # what an untyped caller passes may have no hash: the ids of what stays alive are the key
        ids = tuple(tuple(map(id, part)) if isinstance(part, tuple) else id(part) for part in given)
        known = self._upserts.get(ids)
        if known is None:
            known = _kept(self._upserts, ids, (given, resolve_upsert(self.entity, on, update)))
        return known[1]

    def upsert_one(self, upsert: Upsert, changed: frozenset[str]) -> ScopedStatement:
        """Return the INSERT of one row, which changes these columns of the row that has its key.

        The last column says whether the row is new. The key contains the owner, if there is one.
        """
        built = self._upserts_of_one.get((upsert, changed))
        if built is None:
            statement = insert(self.entity.table)
            if self._owner is not None:
                statement = statement.values(self._owner.insert_values)
            excluded = {name: statement.excluded[name] for name in sorted(changed)}
            values = {**excluded, **onupdates(self.entity, upsert.target, changed)}
            written = on_conflict(statement, upsert.target, values, self._owner_conditions)
            versions = (written.returning(*self._columns, is_new) for is_new in self._is_new())
            built = _kept(self._upserts_of_one, (upsert, changed), self._scoped_by_version(*versions))
        return built

    def upsert_many(self, upsert: Upsert, shape: UpsertShape) -> RowsStatement:
        """Return the INSERT of rows of this shape, which change the rows that have their keys.

        It returns the rows in the order of the arrays, each with whether it is new as its last column, and fails unless
        there is one for each. Raises `UsageError` as `insert_many`.
        """
        built = self._upserts_of_many.get((upsert, shape))
        if built is None:
            columns = self.entity.table.columns
            flags = dict.fromkeys(shape.flags, Boolean())
            arrays = RowArrays({name: columns[name].type for name in shape.values} | flags, shape.partial)
            values = {name: self._new_value(arrays, columns[name]) for name in shape.values}
            rows = RowsUpsert(self.entity, self._owner, upsert.target, shape, arrays=arrays, values=values)
            statement = self._scoped_rows(*(rows.statement(is_new) for is_new in self._is_new()))
            built = _kept(self._upserts_of_many, (upsert, shape), RowsStatement(statement, arrays))
        return built

    def _is_new(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return whether a row was inserted: for PostgreSQL 18 and later, and for older servers.

        There is no old row then. Before 18 a row that was updated names its transaction in the system column `xmax`: it
        was locked before.
        """
        table = self.entity.table
        older = sqlalchemy.cast(column("xmax"), Text()) == literal("0", Text())
        if table.name in ("old", "new"):  # `old` is the table then
            return older, older
        return table.alias("old").columns[table.primary_key.columns[0].key].is_(None), older


def _kept(of: dict[KeyT, ValueT], key: KeyT, value: ValueT) -> ValueT:
    if len(of) >= _KEPT:
        of.clear()
    of[key] = value
    return value
