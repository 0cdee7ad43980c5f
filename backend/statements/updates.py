"""The UPDATE of many rows in one statement. No I/O."""

from collections.abc import Sequence
from typing import Final, Generic

from sqlalchemy import ColumnElement, case, or_, select, true, update

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.entity.parameters import EXPECTED_PARAMETER, keys_parameter
from backend.statements.column_defaults import AnyColumn, onupdate_expression
from backend.statements.family import StatementFamily
from backend.statements.inserts import RowsStatement
from backend.statements.kept import Kept
from backend.statements.locks import Lock
from backend.statements.named_rows import NamedRows, if_all
from backend.statements.names import unused_name
from backend.statements.row_arrays import AnyExpression, AnyType, RowArrays
from backend.statements.row_counts import all_were_written
from backend.statements.scope.from_clauses import AnySelect

_LOCK: Final = Lock("no key update")
"""The lock that an UPDATE of other columns than the key takes itself."""


class UpdateManyStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that update many rows, each named by its key."""

    @lazy
    def _updates(self) -> Kept[tuple[object, ...], RowsStatement]:
        return Kept()

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Return the names of what a row of `update_many` can have: its key, the expected version, the columns."""
        keys = map(keys_parameter, range(len(self.entity.identity.columns)))
        return (*keys, EXPECTED_PARAMETER, *self.entity.table.columns.keys())

    def update_many(self, names: tuple[str, ...], partial: frozenset[str], *, some_set_nothing: bool) -> RowsStatement:
        """Return the UPDATE of rows that have these names, those of `partial` in some rows only.

        It returns for each row of the arrays, in their order: the row, its key, which is NULL if there is none, and
        whether its version is the expected one, if any row expects one. It writes nothing if one is missing, stale or
        named twice, and else fails unless it writes each.
        """

        def build() -> RowsStatement:
            types = {name: self._type_of(name) for name in names}
            arrays = RowArrays(types, partial, cte=unused_name(self.entity, "given"))
            return RowsStatement(self._scoped_rows(self._update_each(arrays, keeps_some=some_set_nothing)), arrays)

        return self._updates.get((names, partial, some_set_nothing), build)

    def _update_each(self, arrays: RowArrays, *, keeps_some: bool) -> AnySelect:
        table, position = self.entity.table, unused_name(self.entity, "given_position")
        values = {name: self._changed(arrays, table.columns[name]) for name in arrays.names if name in table.columns}
        named, is_current = self._named(arrays, is_written=bool(values), with_rows=keeps_some or not values)
        answer = (*named.keys, *is_current)
        joined = arrays.source.outerjoin(named.table, named.is_same)
        kept = named.columns[: len(self._columns)] * (2 if self._returns_old else 1)
        if not values:
            return select(*kept, *answer).select_from(joined).order_by(arrays.position)
        can_write = named.are_all(*is_current)
        old = [
            column.label(unused_name(self.entity, f"old_{number}")) for number, column in enumerate(self._old_columns)
        ]
        written = (
            update(table)
            .where(named.is_given(self.entity.identity.columns), *self._owner_conditions, can_write)
            .where(self._sets_something(arrays, [*values]) if keeps_some else true())
            .values(values)
            .returning(*self._columns, *old, arrays.position.label(position))
            .cte("written")
        )
        columns = [column.key for column in self.entity.columns.values()]
        rows: list[AnyExpression] = [written.c[name] for name in (*columns, *(column.key for column in old))]
        is_written = written.c[position].is_not(None)
        if keeps_some:
            rows = [case((is_written, new), else_=found) for new, found in zip(rows, kept, strict=True)]
        return (
            select(*rows, *answer)
            .select_from(joined.outerjoin(written, written.c[position] == arrays.position))
            .where(if_all(can_write, all_were_written(written)))
            .order_by(arrays.position)
        )

    def _named(
        self, arrays: RowArrays, *, is_written: bool, with_rows: bool
    ) -> tuple[NamedRows, Sequence[ColumnElement[bool]]]:
        """Return the rows, with their columns if returned, and whether one has the version that is expected."""
        columns: tuple[AnyExpression, ...] = self._columns if with_rows else ()
        expects = EXPECTED_PARAMETER in arrays.names
        if expects:
            columns = (*columns, self.entity.required_version().column)
        lock = _LOCK if is_written else None
        named = NamedRows(self.entity.identity, arrays, self._owner_conditions, columns, lock)
        return named, [named.is_current(named.columns[-1])] if expects else []

    def _changed(self, arrays: RowArrays, column: AnyColumn) -> AnyExpression:
        expression = onupdate_expression(column)
        return arrays.value_or(column.key, column if expression is None else expression)

    def _sets_something(self, arrays: RowArrays, names: Sequence[str]) -> ColumnElement[bool]:
        return or_(*(flag for name in names if (flag := arrays.is_set(name)) is not None))

    def _type_of(self, name: str) -> AnyType:
        if name == EXPECTED_PARAMETER:
            return self.entity.required_version().column.type
        for at, column in enumerate(self.entity.identity.columns):
            if name == keys_parameter(at):
                return column.type
        return self.entity.table.columns[name].type
