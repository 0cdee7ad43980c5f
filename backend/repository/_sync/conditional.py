# Generated from backend/repository/_async/conditional.py by `python -m tools.generate_sync`: edit that one.
"""The contracts of the calls that write the rows that meet conditions."""

from collections.abc import Sequence
from typing import Generic, Literal, overload

from backend.entity.entity import IdT, ModelT, UpdateT
from backend.repository._sync.protected import ProtectedCalls
from backend.repository.bound import Parameters
from backend.repository.calls import conditional
from backend.statements.change import Change
from backend.statements.conditions import Where


class WhereCalls(ProtectedCalls[ModelT, IdT], Generic[ModelT, UpdateT, IdT]):
    """The calls that write each row in scope that meets every condition, in one statement, all or nothing.

    The rows are locked in the order of their keys, and judged as they are once they are locked. No condition is an
    error, unless `all_rows=True`. Each raises a `ConstraintViolationError` if the table refuses a row, or a trigger
    skips one.
    """

    @overload
    def update_where(self, data: UpdateT | Change, condition: Where, /, *more: Where) -> int: ...
    @overload
    def update_where(self, data: UpdateT | Change, /, *, all_rows: Literal[True]) -> int: ...
    def update_where(self, data: UpdateT | Change, /, *where: Where, all_rows: bool = False) -> int:
        """Write the fields that were set, or run a `Change`, and return how many rows meet the conditions.

        A `Change` has no parameters here, and no schema validates what it writes. With no field set nothing is written.
        """
        return self._call(conditional.update_where, data, where, all_rows)

    @overload
    def update_where_returning(self, data: UpdateT | Change, condition: Where, /, *more: Where) -> Sequence[ModelT]: ...
    @overload
    def update_where_returning(self, data: UpdateT | Change, /, *, all_rows: Literal[True]) -> Sequence[ModelT]: ...
    def update_where_returning(
        self, data: UpdateT | Change, /, *where: Where, all_rows: bool = False
    ) -> Sequence[ModelT]:
        """Write as `update_where`, and return the rows in the order of their keys."""
        return self._call(conditional.update_where_returning, data, where, all_rows)

    @overload
    def delete_where(self, condition: Where, /, *more: Where) -> int: ...
    @overload
    def delete_where(self, *, all_rows: Literal[True]) -> int: ...
    def delete_where(self, *where: Where, all_rows: bool = False) -> int:
        """Delete the rows, and return their number. Raises `ForeignKeyViolationError` if another row refers to one."""
        return self._call(conditional.delete_where, where, all_rows)

    @overload
    def delete_where_returning(self, condition: Where, /, *more: Where) -> Sequence[ModelT]: ...
    @overload
    def delete_where_returning(self, *, all_rows: Literal[True]) -> Sequence[ModelT]: ...
    def delete_where_returning(self, *where: Where, all_rows: bool = False) -> Sequence[ModelT]:
        """Delete as `delete_where`, and return the rows as they were, as transient entities, in the order of keys."""
        return self._call(conditional.delete_where_returning, where, all_rows)

    def _change_where(self, change: Change, *where: Where, parameters: Parameters = {}) -> int:  # noqa: B006 - never changed
        """Run a `Change` with the parameters that it names on each row that meets its condition and these.

        Returns how many rows do. Raises `UsageError` if there is no condition, and as `_change`.
        """
        return self._call(conditional.change_where, change, where, parameters)
