"""The DELETE of many rows in one statement. No I/O."""

from typing import Final, Generic

from sqlalchemy import delete, select

from backend.entity.entity import ModelT
from backend.entity.lazy import lazy
from backend.entity.parameters import keys_parameter
from backend.statements.family import StatementFamily
from backend.statements.inserts import RowsStatement
from backend.statements.locks import Lock
from backend.statements.named_rows import NamedRows, if_all
from backend.statements.names import unused_name
from backend.statements.row_arrays import RowArrays
from backend.statements.row_counts import all_were_written

_LOCK: Final = Lock("update")
"""The lock that a DELETE takes itself."""


class DeleteManyStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that delete many rows, each named by its key."""

    @lazy
    def delete_many(self) -> RowsStatement:
        """Return the DELETE of the rows with the keys of the arrays.

        It returns for each row of the arrays, in their order, the row, and its key, which is NULL if there is none. It
        deletes nothing if one is missing or named twice, and else fails unless it deletes each.
        """
        columns = self.entity.identity.columns
        arrays = RowArrays(
            {keys_parameter(at): column.type for at, column in enumerate(columns)},
            cte=unused_name(self.entity, "given"),
        )
        named = NamedRows(self.entity.identity, arrays, self._owner_conditions, (), _LOCK)
        can_write, position = named.are_all(), unused_name(self.entity, "given_position")
        written = (
            delete(self.entity.table)
            .where(named.is_given(columns), *self._owner_conditions, can_write)
            .returning(*self._columns, arrays.position.label(position))
            .cte("written")
        )
        joined = arrays.source.outerjoin(named.table, named.is_same)
        statement = (
            select(*(written.c[column.key] for column in self.entity.columns.values()), *named.keys)
            .select_from(joined.outerjoin(written, written.c[position] == arrays.position))
            .where(if_all(can_write, all_were_written(written)))
            .order_by(arrays.position)
        )
        return RowsStatement(self._scoped_rows(statement), arrays)
