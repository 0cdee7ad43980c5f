"""The INSERT of many rows in one statement. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic

from sqlalchemy import CTE, ColumnElement, and_, func, insert, select

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.errors import UsageError
from backend.statements.column_defaults import AnyColumn, default_expression, sequence_increment
from backend.statements.family import StatementFamily
from backend.statements.kept import Kept
from backend.statements.row_arrays import AnyExpression, RowArrays
from backend.statements.row_counts import all_were_written, has_count, is_required
from backend.statements.scope.from_clauses import AnySelect
from backend.statements.scope.scoped import ScopedStatement

_POSITION: Final = "position"


@dataclass(frozen=True, slots=True, eq=False)
class RowsStatement:
    """A statement on many rows, and the arrays in which they are sent."""

    statement: ScopedStatement
    arrays: RowArrays


class InsertManyStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that insert many rows."""

    @lazy
    def _inserts(self) -> Kept[tuple[object, ...], RowsStatement]:
        return Kept()

    def insert_many(self, names: tuple[str, ...], partial: frozenset[str], *, returning: bool) -> RowsStatement:
        """Return the INSERT of rows that set these columns, those of `partial` in some rows only.

        It returns the rows in the order of the arrays, or their number, and fails unless it inserts each. Raises
        `UsageError` for a column that only some rows set and whose default the server alone knows.
        """

        def build() -> RowsStatement:
            columns = self.entity.table.columns
            arrays = RowArrays({name: columns[name].type for name in names}, partial)
            values = {name: self._new_value(arrays, columns[name]) for name in names}
            if self._owner is not None:
                values |= self._owner.insert_values
            return RowsStatement(self._scoped_rows(self._insert(arrays, values, returning=returning)), arrays)

        return self._inserts.get((names, partial, returning), build)

    def _insert(self, arrays: RowArrays, values: dict[str, AnyExpression], *, returning: bool) -> AnySelect:
        unset = [key for key in self._keys if key.key not in values]
        drawn = {key.key: expression for key in unset if (expression := default_expression(key)) is not None}
        numbered = [key for key in unset if key.key not in drawn]
        if numbered or not returning:
            rows = select(*values.values()).select_from(arrays.source).order_by(arrays.position)
            inserted = insert(self.entity.table).from_select([*values], rows)
            if not returning:
                return _count(inserted.returning(*self._keys).cte("written"))
            return self._numbered(inserted.returning(*self._columns).cte("written"), numbered[0])
        values |= drawn
        labels = {name: f"value_{number}" for number, name in enumerate(values)}
        labelled = [value.label(labels[name]) for name, value in values.items()]
        given = select(arrays.position.label(_POSITION), *labelled).cte("new_rows")
        keys = {key.key: given.c[labels[key.key]] for key in self._keys}
        rows = select(*(given.c[label] for label in labels.values())).order_by(*keys.values())
        written = insert(self.entity.table).from_select([*values], rows).returning(*self._columns).cte("written")
        same = and_(*(written.c[name] == key for name, key in keys.items()))
        return (
            select(*self._columns_of(written))
            .select_from(written.outerjoin(given, same))
            .where(all_were_written(written), is_required(given.c[_POSITION].is_not(None)))  # a trigger may change keys
            .order_by(given.c[_POSITION])
        )

    def _numbered(self, written: CTE, key: AnyColumn) -> AnySelect:
        """Return the rows in the order in which the server drew their keys: that of the arrays."""
        increment = sequence_increment(key)
        if increment is None:
            raise UsageError(
                f"{self.entity.name}.{key.key} is given by the server in a way that the model does not declare, so the "
                "new rows cannot be returned in the order of the data: call create_many(…, returning=False)"
            )
        order = written.c[key.key] if increment > 0 else written.c[key.key].desc()
        return select(*self._columns_of(written)).where(all_were_written(written)).order_by(order)

    def _columns_of(self, written: CTE) -> list[ColumnElement[object]]:
        return [written.c[column.key] for column in self.entity.columns.values()]

    def _new_value(self, arrays: RowArrays, column: AnyColumn) -> AnyExpression:
        if arrays.is_set(column.key) is None:
            return arrays.value(column.key)
        default = default_expression(column)
        if default is None:
            raise UsageError(
                f"only some rows set {self.entity.name}.{column.key}, whose default the server alone knows: set it in "
                "every row or in none"
            )
        return arrays.value_or(column.key, default)

    @property
    def _keys(self) -> Sequence[AnyColumn]:
        return [*self.entity.table.primary_key.columns]


def _count(written: CTE) -> AnySelect:
    count = func.count()
    return select(count).select_from(written).having(has_count(count))
