"""The statements on one row, named by its primary key, and the INSERT of one."""

from typing import Generic

from sqlalchemy import ColumnElement, Delete, Executable, Select, Update, bindparam, delete, insert, select, update
from typing_extensions import override

from backend.entity.entity import Entity, ModelT
from backend.entity.lazy import lazy
from backend.errors import UsageError
from backend.statements.family import StatementFamily
from backend.statements.locks import Lock
from backend.statements.parameters import EXPECTED_PARAMETER, ID_PARAMETER


class RowStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that read or write one row."""

    @override
    def __init__(self, entity: Entity[ModelT], *, scoped: bool) -> None:
        super().__init__(entity, scoped=scoped)
        self._for_update: dict[Lock, Executable] = {}

    @lazy
    def select_by_id(self) -> Select[*tuple[object, ...]]:
        """Return the SELECT of the row with the key `ID_PARAMETER`."""
        return self._verify_scoped(select(*self._columns).where(*self._key))

    def select_by_id_for_update(self, lock: Lock) -> Executable:
        """Return `select_by_id` with a lock on the row."""
        built = self._for_update.get(lock)
        if built is None:
            statement = self.select_by_id.with_for_update(
                read=lock.strength == "share",
                key_share=lock.strength == "no key update",
                nowait=lock.if_locked == "nowait",
                skip_locked=lock.if_locked == "skip",
            )
            built = self._for_update[lock] = self._verify_scoped(statement)
        return built

    @lazy
    def insert(self) -> Executable:
        """Return INSERT … RETURNING; the columns are those of the parameters, and the owner."""
        statement = insert(self.entity.table)
        if self._scope is not None:
            statement = statement.values(self._scope.insert_values)
        return self._verify_scoped(statement.returning(*self._columns))

    @lazy
    def update(self) -> Executable:
        """Return the UPDATE … RETURNING of the row with the key `ID_PARAMETER`; it sets the parameters' columns."""
        return self._verify_scoped(self._update.returning(*self._columns))

    @lazy
    def update_expected(self) -> Executable:
        """Return the `update` of a row whose version is `EXPECTED_PARAMETER`."""
        return self._verify_scoped(self._update.where(self._version).returning(*self._columns))

    @lazy
    def delete(self) -> Executable:
        """Return the DELETE … RETURNING of the row with the key `ID_PARAMETER`."""
        return self._verify_scoped(self._delete.returning(*self._columns))

    @lazy
    def delete_expected(self) -> Executable:
        """Return the `delete` of a row whose version is `EXPECTED_PARAMETER`."""
        return self._verify_scoped(self._delete.where(self._version).returning(*self._columns))

    @lazy
    def _key(self) -> tuple[ColumnElement[bool], ...]:
        return (self.entity.key_column == bindparam(ID_PARAMETER), *self._owner_conditions)

    @property
    def _update(self) -> Update:
        return update(self.entity.table).where(*self._key)

    @property
    def _delete(self) -> Delete:
        return delete(self.entity.table).where(*self._key)

    @property
    def _version(self) -> ColumnElement[bool]:
        column = self.entity.version_column
        if column is None:
            raise UsageError(f"{self.entity.name} has no version: name it, version=col({self.entity.name}.updated_at)")
        return column == bindparam(EXPECTED_PARAMETER)
