"""The INSERT … ON CONFLICT: a row whose key is taken changes the row that has it, in one statement. No I/O."""

from typing import Generic, TypeVar

import sqlalchemy
from sqlalchemy import Boolean, ColumnElement, Text, column, literal
from sqlalchemy.dialects.postgresql import insert

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.statements.conflict_targets import UniqueKey, Updates, Upsert, resolve_upsert
from backend.statements.conflicts import on_conflict, onupdates
from backend.statements.inserts import InsertManyStatements, RowsStatement
from backend.statements.kept import Kept
from backend.statements.old_rows import OLD
from backend.statements.row_arrays import RowArrays
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.upsert_rows import RowsUpsert
from backend.statements.upsert_shape import UpsertShape

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class UpsertStatements(InsertManyStatements[ModelT], Generic[ModelT]):
    """Statements that insert rows, or change those that have their keys."""

    @lazy
    def _upserts(self) -> Kept[object, tuple[object, Upsert]]:
        return Kept()

    @lazy
    def _upserts_of_one(self) -> Kept[object, ScopedStatement]:
        return Kept()

    @lazy
    def _upserts_of_many(self) -> Kept[object, RowsStatement]:
        return Kept()

    def upsert(self, on: UniqueKey, update: Updates) -> Upsert:
        """Return what `on=` and `update=` name. Raises `UsageError` for what they cannot name."""
        given = (on, update)  # what an untyped caller passes may have no hash: the ids of what stays alive are the key
        ids = tuple(tuple(map(id, part)) if isinstance(part, tuple) else id(part) for part in given)
        return self._upserts.get(ids, lambda: (given, resolve_upsert(self.entity, on, update)))[1]

    def upsert_one(self, upsert: Upsert, changed: frozenset[str]) -> ScopedStatement:
        """Return the INSERT of one row, which changes these columns of the row that has its key.

        The last column says whether the row is new. The key contains the owner, if there is one.
        """

        def build() -> ScopedStatement:
            statement = insert(self.entity.table)
            if self._owner is not None:
                statement = statement.values(self._owner.insert_values)
            excluded = {name: statement.excluded[name] for name in sorted(changed)}
            values = {**excluded, **onupdates(self.entity, upsert.target, changed)}
            written = on_conflict(statement, upsert.target, values, self._owner_conditions)
            returned = (*self._columns, *self._old_columns)
            return self._scoped_by_version(*(written.returning(*returned, is_new) for is_new in self._is_new()))

        return self._upserts_of_one.get((upsert, changed), build)

    def upsert_many(self, upsert: Upsert, shape: UpsertShape) -> RowsStatement:
        """Return the INSERT of rows of this shape, which change the rows that have their keys.

        It returns the rows in the order of the arrays, each with whether it is new as its last column, and fails unless
        there is one for each. Raises `UsageError` as `insert_many`.
        """

        def build() -> RowsStatement:
            columns = self.entity.table.columns
            flags = dict.fromkeys(shape.flags, Boolean())
            arrays = RowArrays({name: columns[name].type for name in shape.values} | flags, shape.partial)
            values = {name: self._new_value(arrays, columns[name]) for name in shape.values}
            rows = RowsUpsert(
                self.entity,
                self._owner,
                upsert.target,
                shape,
                arrays=arrays,
                values=values,
                old=self._old_columns,
            )
            return RowsStatement(self._scoped_rows(*(rows.statement(is_new) for is_new in self._is_new())), arrays)

        return self._upserts_of_many.get((upsert, shape), build)

    def _is_new(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return whether a row was inserted: for PostgreSQL 18 and later, and for older servers.

        There is no old row then. Before 18 a row that was updated names its transaction in the system column `xmax`: it
        was locked before.
        """
        table = self.entity.table
        older = sqlalchemy.cast(column("xmax"), Text()) == literal("0", Text())
        if table.name in (OLD, "new"):  # `old` is the table then
            return older, older
        return table.alias(OLD).columns[table.primary_key.columns[0].key].is_(None), older
