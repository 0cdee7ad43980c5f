"""The rows that a bulk statement names by their keys: found, and locked in the order of the key. No I/O.

Each bulk statement locks in this order, so that two of them cannot deadlock each other. A row is read as it is once it
is locked: what another transaction wrote meanwhile is seen.
"""

from collections.abc import Sequence

from sqlalchemy import CTE, ColumnElement, and_, case, func, or_, select, true, tuple_

from backend.entity.identity import Identity
from backend.entity.parameters import EXPECTED_PARAMETER, keys_parameter
from backend.statements.locks import Lock, locking
from backend.statements.row_arrays import AnyExpression, RowArrays
from backend.statements.scope.from_clauses import AnySelect


class NamedRows:
    """The rows with the keys of the arrays, each once, with these columns; locked if a lock is given.

    Two keys of the arrays may name one row, where the database takes them for equal.
    """

    def __init__(
        self,
        identity: Identity,
        arrays: RowArrays,
        conditions: Sequence[ColumnElement[bool]],
        columns: Sequence[AnyExpression],
        lock: Lock | None,
    ) -> None:
        self.arrays = arrays
        self._given = [arrays.value(keys_parameter(at)) for at in range(len(identity.columns))]
        keys = [key.label(f"key_{at}") for at, key in enumerate(identity.columns)]
        values = [column.label(f"column_{at}") for at, column in enumerate(columns)]
        row = identity.columns[0] if len(keys) == 1 else tuple_(*identity.columns)
        named = row.in_(select(*self._given).select_from(arrays.source))
        rows = select(*keys, *values).where(named, *conditions).order_by(*identity.columns)
        self.table: CTE = (rows if lock is None else locking(rows, lock)).cte("named")
        self.keys: list[AnyExpression] = [self.table.c[key.name] for key in keys]
        self.columns: list[AnyExpression] = [self.table.c[value.name] for value in values]

    def is_given(self, columns: Sequence[AnyExpression]) -> ColumnElement[bool]:
        """Return the condition that these columns have the key of the row of the arrays."""
        return and_(*(column == key for column, key in zip(columns, self._given, strict=True)))

    @property
    def is_same(self) -> ColumnElement[bool]:
        """Return the condition that joins a named row to the rows of the arrays that name it."""
        return self.is_given(self.keys)

    def is_current(self, version: AnyExpression) -> ColumnElement[bool]:
        """Return whether the named row, once joined, has the version that the row of the arrays expects, if any."""
        is_equal = version.is_not_distinct_from(self.arrays.value(EXPECTED_PARAMETER))
        expects = self.arrays.is_set(EXPECTED_PARAMETER)
        return is_equal if expects is None else or_(~expects, is_equal)

    def are_all(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return the condition that each row of the arrays names another row, and that these hold for all of them."""
        count, source = func.count(), self.arrays.source
        given = _uncorrelated(select(count).select_from(source))
        are_named = _uncorrelated(select(count).select_from(self.table)) == given
        if not conditions:
            return are_named
        joined = source.join(self.table, self.is_same)
        return and_(are_named, _uncorrelated(select(count).select_from(joined).where(*conditions)) == given)


def if_all(condition: ColumnElement[bool], guard: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the guard where the condition holds, and else true: nothing is written then, and the answer says why."""
    return case((condition, guard), else_=true())


def _uncorrelated(statement: AnySelect) -> ColumnElement[int]:
    return statement.correlate(None).scalar_subquery()
