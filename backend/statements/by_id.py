"""The statements on one row, named by its primary key, and the INSERT of one."""

from collections.abc import Sequence
from typing import Generic

from sqlalchemy import ColumnElement, Delete, Select, SQLColumnExpression, Update, delete, insert, select, update
from typing_extensions import override

from backend.entity.entity import Entity, ModelT
from backend.entity.identity import given_keys, is_given
from backend.entity.lazy import lazy
from backend.statements.family import StatementFamily
from backend.statements.locks import Lock, locking
from backend.statements.scope.scoped import ScopedStatement


class RowStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that read or write one row."""

    @override
    def __init__(
        self,
        entity: Entity[ModelT],
        *,
        scoped: bool,
        columns: Sequence[SQLColumnExpression[object]] | None = None,
        returns_old: bool = False,
    ) -> None:
        super().__init__(entity, scoped=scoped, columns=columns, returns_old=returns_old)
        self._for_update: dict[Lock, ScopedStatement] = {}

    @lazy
    def select_by_id(self) -> ScopedStatement:
        """Return the SELECT of the row with the id of the parameters."""
        return self._scoped(self._select)

    def select_by_id_for_update(self, lock: Lock) -> ScopedStatement:
        """Return `select_by_id` with a lock on the row."""
        built = self._for_update.get(lock)
        if built is None:
            built = self._for_update[lock] = self._scoped(locking(self._select, lock))
        return built

    @lazy
    def select_by_ids(self) -> ScopedStatement:
        """Return the SELECT of the rows with the ids of the parameters.

        The last column is the id if `Identity.is_matched_by_value`, else its position among the parameters, from 1.
        """
        identity = self.entity.identity
        if identity.is_matched_by_value:
            statement = select(*self._columns, identity.columns[0].label(None)).where(*is_given(identity.columns))
        else:
            given = given_keys(identity.columns)
            statement = select(*self._columns, given.position).where(*given.equal(identity.columns))
        return self._scoped(statement.where(*self._owner_conditions))

    @lazy
    def insert(self) -> ScopedStatement:
        """Return INSERT … RETURNING; the columns are those of the parameters, and the owner."""
        statement = insert(self.entity.table)
        if self._owner is not None:
            statement = statement.values(self._owner.insert_values)
        return self._scoped(statement.returning(*self._columns, *self._old_columns))

    @lazy
    def update(self) -> ScopedStatement:
        """Return the UPDATE … RETURNING of the row with the id of the parameters; it sets the parameters' columns."""
        return self._scoped(self._update.returning(*self._columns, *self._old_columns))

    @lazy
    def update_expected(self) -> ScopedStatement:
        """Return the `update` of a row whose version is the expected one of the parameters."""
        return self._scoped(self._update.where(self._version).returning(*self._columns, *self._old_columns))

    @lazy
    def delete(self) -> ScopedStatement:
        """Return the DELETE … RETURNING of the row with the id of the parameters."""
        return self._scoped(self._delete.returning(*self._columns))

    @lazy
    def delete_expected(self) -> ScopedStatement:
        """Return the `delete` of a row whose version is the expected one of the parameters."""
        return self._scoped(self._delete.where(self._version).returning(*self._columns))

    @lazy
    def _key(self) -> tuple[ColumnElement[bool], ...]:
        return (self.entity.identity.condition, *self._owner_conditions)

    @property
    def _select(self) -> Select[*tuple[object, ...]]:
        return select(*self._columns, *self._unchanged_columns).where(*self._key)

    @property
    def _update(self) -> Update:
        return update(self.entity.table).where(*self._key)

    @property
    def _delete(self) -> Delete:
        return delete(self.entity.table).where(*self._key)

    @property
    def _version(self) -> ColumnElement[bool]:
        return self.entity.required_version().condition
