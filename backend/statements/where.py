"""The UPDATE and the DELETE of the rows that meet conditions. No I/O.

The rows are locked in the order of their keys, as those of every bulk statement. A row is judged as it is once it is
locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Generic

from sqlalchemy import CTE, ColumnElement, Delete, Update, and_, bindparam, delete, func, select, update

from backend.entity.entity import ModelT
from backend.entity.parameters import assigned_parameter
from backend.statements.change import Change, ChangeStatements
from backend.statements.column_defaults import with_python_onupdates
from backend.statements.conditions import Where
from backend.statements.locks import Lock, locking
from backend.statements.names import unused_name
from backend.statements.row_counts import has_count
from backend.statements.scope.from_clauses import AnySelect
from backend.statements.scope.scoped import ScopedStatement

_UPDATED: Final = Lock("no key update")
_DELETED: Final = Lock("update")


class WhereStatements(ChangeStatements[ModelT], Generic[ModelT]):
    """Statements that write the rows that meet conditions.

    Each returns the rows in the order of their keys, or their number, and fails unless it writes each.
    """

    def update_where(self, values: Mapping[str, object], where: Sequence[Where], *, returning: bool) -> ScopedStatement:
        """Return the UPDATE of these columns."""

        table = self.entity.table
        (changed,) = with_python_onupdates(table, [values])
        parameters = {key: assigned_parameter(number) for number, key in enumerate(changed)}

        def build(met: Sequence[ColumnElement[bool]], _: object) -> AnySelect:
            assigned = {key: bindparam(name, type_=table.c[key].type) for key, name in parameters.items()}
            return self._update_rows(assigned, met, returning=returning)

        statement = self._filtered(("update_where", returning, *changed), build, where, verify=self._scoped_rows)
        assigned = {parameters[key]: value for key, value in changed.items()}
        return replace(statement, values={**statement.values, **assigned})

    def change_where(
        self, change: Change, where: Sequence[Where], parameters: Mapping[str, object], *, returning: bool
    ) -> ScopedStatement:
        """Return the UPDATE that a `Change` declares. Raises what `change` raises."""
        values = self._change_values(change)
        where = where if change.where is None else (change.where, *where)
        statement = self._update_rows(values, self._conditions(where), returning=returning)
        self._require_parameters(self._parameter_uses(statement, values), parameters)
        return self._scoped_rows(statement)

    def delete_where(self, where: Sequence[Where], *, returning: bool) -> ScopedStatement:
        """Return the DELETE."""

        def build(met: Sequence[ColumnElement[bool]], _: object) -> AnySelect:
            return self._write(delete(self.entity.table), self._met(met, _DELETED), returning=returning)

        return self._filtered(("delete_where", returning), build, where, verify=self._scoped_rows)

    def _update_rows(
        self, values: Mapping[str, object], conditions: Sequence[ColumnElement[bool]], *, returning: bool
    ) -> AnySelect:
        table, met = self.entity.table, self._met(conditions, _UPDATED)
        (changed,) = with_python_onupdates(table, [values])
        return self._write(update(table).values(dict(changed)), met, returning=returning)

    def _met(self, conditions: Sequence[ColumnElement[bool]], lock: Lock) -> CTE:
        keys = self.entity.identity.columns
        rows = select(*(key.label(f"key_{at}") for at, key in enumerate(keys)))
        rows = rows.where(*self._owner_conditions, *conditions).order_by(*keys)
        return locking(rows, lock).cte(unused_name(self.entity, "met"))

    def _write(self, statement: Update | Delete, met: CTE, *, returning: bool) -> AnySelect:
        keys = self.entity.identity.columns
        is_met = and_(*(key == met.c[f"key_{at}"] for at, key in enumerate(keys)))
        columns = self._columns if returning else keys
        written = statement.where(is_met, *self._owner_conditions).returning(*columns).cte("written")
        all_met = select(func.count()).select_from(met).correlate(None).scalar_subquery()
        if not returning:
            return select(func.count()).select_from(written).having(has_count(func.count(), all_met))
        count = select(func.count()).select_from(written).correlate(None).scalar_subquery()
        rows = select(*(written.c[column.key] for column in self.entity.columns.values()))
        return rows.where(has_count(count, all_met)).order_by(*(written.c[key.key] for key in keys))
