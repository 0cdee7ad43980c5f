"""The upsert of many rows in one statement. No I/O.

new_rows    the data, each row with its position and with what it changes
unchanged   the rows that are there and do not change: read, not written, and locked only where the key is partial
written     INSERT … ON CONFLICT DO UPDATE of the others, which are locked or inserted in the order of their keys
refused     the rows whose key another owner has: a plain INSERT, which fails as that of `create`
result      every row with its position
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Insert,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningInsert

from backend.entity.entity import Entity
from backend.entity.ownership import Ownership
from backend.entity.parameters import CHANGES_PARAMETER
from backend.errors import UsageError
from backend.statements.column_defaults import default_expression, sequence_increment
from backend.statements.conflict_targets import ConflictTarget
from backend.statements.conflicts import Values, on_conflict, onupdates
from backend.statements.names import unused_name
from backend.statements.row_arrays import AnyExpression, RowArrays
from backend.statements.row_counts import all_were_written
from backend.statements.scope.from_clauses import AnyFrom, AnySelect
from backend.statements.upsert_shape import POSITION, NewRows, UpsertShape


class _Columns(Protocol):
    """The columns of a row, by the key of the table's column: of the table, of a CTE, of `excluded`, of the data."""

    def __getitem__(self, key: str, /) -> AnyExpression: ...


_IS_NEW: Final = "is_new"
_ONE: Final = literal(1)


class RowsUpsert:
    """The upsert of rows of one shape, for one owner or for a model without."""

    def __init__(
        self,
        entity: Entity[Any],
        owner: Ownership | None,
        target: ConflictTarget,
        shape: UpsertShape,
        *,
        arrays: RowArrays,
        values: Values,
        old: Sequence[ColumnElement[Any]] = (),
    ) -> None:
        self._entity = entity
        self._table = entity.table
        self._columns = [*entity.columns.values()]
        self._old = [column.label(unused_name(entity, f"old_{number}")) for number, column in enumerate(old)]
        self._target = target
        self._shape = shape
        self._owned: list[ColumnElement[bool]] = [] if owner is None else [owner.condition]
        self._keys = [column.key for column in target.columns if column is not entity.owner_column]
        self._ids = [column.key for column in self._table.primary_key.columns]
        self._position, self._is_new, self._place = (unused_name(entity, name) for name in (POSITION, _IS_NEW, "place"))
        self._has_distinct_nulls = shape.some_have_null and not target.nulls_conflict
        self._has_equal_nulls = shape.some_have_null and target.nulls_conflict
        drawn = self._drawn(values) if self._has_distinct_nulls else {}
        stamped = {} if owner is None else owner.insert_values
        name = unused_name(entity, "new_rows")
        self._given = NewRows(arrays, {**values, **drawn, **stamped}, shape.flags, name)

    def statement(self, is_new: ColumnElement[bool]) -> AnySelect:
        """Return the statement; `is_new` says in RETURNING whether a row was inserted."""
        result = self._result(is_new).cte("result")
        rows = [result.c[f"column_{number}"] for number in range(len(self._columns) + len(self._old))]
        return select(*rows, result.c[_IS_NEW]).where(all_were_written(result)).order_by(result.c[POSITION])

    def _result(self, is_new: ColumnElement[bool]) -> AnySelect | CompoundSelect[*tuple[Any, ...]]:  # of the columns
        unchanged = self._unchanged()
        written = self._written(unchanged, is_new.label(self._is_new), *self._old)
        parts = [self._part(written, self._same_key(self._given.values, written.c), written.c[self._is_new])]
        if unchanged is not None:
            found = self._part(unchanged, self._given.position == unchanged.c[self._position], false())
            if self._target.where is not None:  # the new row may be outside the index, and then conflicts with none
                found = found.where(not_(self._has_key_in(written)))
            parts.append(found)
        if self._has_distinct_nulls:
            parts.append(self._inserted_with_null(written))
        if self._target.is_shared:
            refused = self._refused(written, unchanged)
            parts.append(self._part(refused, self._same_key(self._given.values, refused.c), true()))
        return parts[0] if len(parts) == 1 else union_all(*parts)

    def _part(
        self, rows: CTE, same: ColumnElement[bool], is_new: ColumnElement[bool], given: AnyFrom | None = None
    ) -> AnySelect:
        """Return these rows with their positions."""
        old = [rows.c[column.key] if column.key in rows.c else null() for column in self._old]
        returned = [*(rows.c[column.key] for column in self._columns), *old]
        columns = [column.label(f"column_{number}") for number, column in enumerate(returned)]
        position = self._given.position.label(POSITION)
        return select(position, *columns, is_new.label(_IS_NEW)).select_from(
            (self._given.rows if given is None else given).join(rows, same)
        )

    def _unchanged(self) -> CTE | None:
        if self._shape.changed and not self._shape.some_change_nothing:
            return None
        old = [column.label(old.key) for column, old in zip(self._columns, self._old, strict=False)]
        found = select(self._given.position.label(self._position), *self._columns, *old).select_from(self._existing)
        return found.where(*self._in_scope, not_(self._changes)).cte("unchanged")

    def _written(self, unchanged: CTE | None, *returned: ColumnElement[Any]) -> CTE:
        given, conditions = self._given, [*self._owned]
        rows = select(*given.values.values()).order_by(*(given.values[key] for key in self._keys), given.position)
        if unchanged is not None and self._target.where is None:
            rows = rows.where(or_(self._changes, given.position.not_in(select(unchanged.c[self._position]))))
        statement = postgresql.insert(self._table).from_select([*given.values], rows)
        if unchanged is not None and self._target.where is not None:
            is_there = _row(self._table.c, self._ids).in_(select(*(unchanged.c[key] for key in self._ids)))
            conditions.append(or_(self._are_flagged(statement, CHANGES_PARAMETER), not_(is_there)))
        values = self._changed_values(statement)
        upsert = on_conflict(statement, self._target, values, conditions)
        return self._returning(upsert, *returned).cte("written")

    def _returning(self, statement: Insert, *others: ColumnElement[Any]) -> ReturningInsert[*tuple[Any, ...]]:  # of all
        columns: tuple[ColumnElement[Any], ...] = (*self._columns, *others)  # of whatever types
        return statement.returning(*columns)

    def _changed_values(self, statement: postgresql.Insert) -> dict[str, AnyExpression]:
        shape, columns = self._shape, self._table.columns
        if not shape.changed:  # one that is inserted at the same moment: it is locked, and stays as it is
            return {self._keys[0]: columns[self._keys[0]]}
        changes = self._are_flagged(statement, CHANGES_PARAMETER)
        moved = onupdates(self._entity, self._target, ())
        unset = {name: _if(changes, value, columns[name]) for name, value in moved.items()}
        return unset | {
            name: _if(
                self._are_flagged(statement, f"{CHANGES_PARAMETER} {name}"),
                statement.excluded[name],
                unset.get(name, columns[name]),
            )
            for name in shape.changed
        }

    def _refused(self, written: CTE, unchanged: CTE | None) -> CTE:
        given = self._given
        rows = select(*given.values.values()).where(not_(self._has_key_in(written)))
        if unchanged is not None:
            rows = rows.where(given.position.not_in(select(unchanged.c[self._position])))
        if self._has_distinct_nulls:
            rows = rows.where(not_(self._has_null(given.values)))
        return self._returning(insert(self._table).from_select([*given.values], rows)).cte("refused")

    def _inserted_with_null(self, written: CTE) -> AnySelect:
        """Return the new rows with NULL in their keys, which no key equals: by id, or in the order of their numbers."""
        given = self._given
        numbered = [self._table.columns[key] for key in self._ids if key not in given.values]
        if not numbered:
            same = and_(*(written.c[key] == given.values[key] for key in self._ids))
            return self._part(written, same, true()).where(self._has_null(given.values))
        increment = sequence_increment(numbered[0])
        if increment is None:
            raise UsageError(
                f"{self._entity.name}.{numbered[0].key} is given by the server in a way that the model does not "
                "declare, so rows with None in their key cannot be returned in the order of the data: upsert each alone"
            )
        order = written.c[numbered[0].key] if increment > 0 else written.c[numbered[0].key].desc()
        new = select(*written.c, func.row_number().over(order_by=order).label(self._place))
        new_rows = new.where(self._has_null(written.c)).cte("new_with_null")
        sent_order = [*(given.values[key] for key in self._keys), given.position]
        sent = select(given.position.label(POSITION), func.row_number().over(order_by=sent_order).label(self._place))
        sent_rows = sent.where(self._has_null(given.values)).cte("sent_with_null")
        joined = given.rows.join(sent_rows, given.position == sent_rows.c[POSITION])
        return self._part(new_rows, sent_rows.c[self._place] == new_rows.c[self._place], true(), joined)

    def _drawn(self, values: Values) -> dict[str, AnyExpression]:
        """Return the parts of the ids that the statement draws itself, so that it knows whose they are."""
        defaults = {key: default_expression(self._table.columns[key]) for key in self._ids if key not in values}
        return {key: default for key, default in defaults.items() if default is not None}

    @property
    def _existing(self) -> AnyFrom:
        return self._given.rows.join(self._table, self._same_key(self._given.values, self._table.c))

    @property
    def _in_scope(self) -> list[ColumnElement[bool]]:
        return [*self._owned, *([] if self._target.where is None else [self._target.where])]

    @property
    def _changes(self) -> ColumnElement[bool]:
        """Return whether a new row changes anything."""
        return self._given.flags.get(CHANGES_PARAMETER, true() if self._shape.changed else false())

    def _are_flagged(self, statement: postgresql.Insert, flag: str) -> ColumnElement[bool]:
        """Return whether the row that the INSERT did not insert has a flag: `excluded` has its values alone."""
        given = self._given
        if flag not in given.flags:
            return true() if self._shape.changed else false()
        changed, *others = self._comparable(statement.excluded)
        flagged = select(*self._comparable(given.values)).where(given.flags[flag])
        return (tuple_(changed, *others) if others else changed).in_(flagged)

    def _comparable(self, row: _Columns) -> list[AnyExpression]:
        """Return the key for a comparison by IN: where NULLs are equal as arrays, whose NULLs are."""
        keys = [row[key] for key in self._keys]
        return [postgresql.array([key]) for key in keys] if self._has_equal_nulls else keys

    def _has_key_in(self, rows: CTE) -> ColumnElement[bool]:
        """Return whether one of the rows has the key of the new row."""
        return exists(select(_ONE).where(self._same_key(self._given.values, rows.c)))

    def _same_key(self, one: _Columns, other: _Columns) -> ColumnElement[bool]:
        if self._has_equal_nulls:
            return and_(*(one[key].is_not_distinct_from(other[key]) for key in self._keys))
        return and_(*(one[key] == other[key] for key in self._keys))

    def _has_null(self, row: _Columns) -> ColumnElement[bool]:
        return or_(*(row[key].is_(None) for key in self._keys))


def _if(condition: ColumnElement[bool], value: AnyExpression, otherwise: AnyExpression) -> AnyExpression:
    return value if condition is true() else case((condition, value), else_=otherwise)


def _row(values: _Columns, keys: Sequence[str]) -> AnyExpression:
    return values[keys[0]] if len(keys) == 1 else tuple_(*(values[key] for key in keys))
