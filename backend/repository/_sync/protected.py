# Generated from backend/repository/_async/protected.py by `python -m tools.generate_sync`: edit that one.
"""The calls for subclasses: they begin a statement in scope, and run it."""

from collections.abc import Sequence
from typing import Generic, cast, overload

from sqlalchemy import Row, Select, SQLColumnExpression
from typing_extensions import TypeVar, TypeVarTuple

from backend.entity.entity import IdT, ModelT
from backend.repository._sync.reading import Reads
from backend.repository.bound import Parameters
from backend.repository.calls import selecting
from backend.statements.change import Change

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
Ts = TypeVarTuple("Ts")


class ProtectedCalls(Reads[ModelT, IdT], Generic[ModelT, IdT]):
    """The calls with which a subclass writes its own. Without a scope each raises `OwnerRequiredError`."""

    @overload
    def _select(self, first: SQLColumnExpression[T1], /) -> Select[T1]: ...
    @overload
    def _select(self, first: SQLColumnExpression[T1], second: SQLColumnExpression[T2], /) -> Select[T1, T2]: ...
    @overload
    def _select(
        self,
        first: SQLColumnExpression[T1],
        second: SQLColumnExpression[T2],
        third: SQLColumnExpression[T3],
        /,
    ) -> Select[T1, T2, T3]: ...
    @overload
    def _select(
        self,
        first: SQLColumnExpression[T1],
        second: SQLColumnExpression[T2],
        third: SQLColumnExpression[T3],
        fourth: SQLColumnExpression[T4],
        /,
    ) -> Select[T1, T2, T3, T4]: ...
    def _select(self, *columns: SQLColumnExpression[object]) -> object:
        """Return a SELECT of these expressions over the rows in scope, to extend with `.where`, `.order_by`, …

        Sends nothing. Add more than four expressions with `.add_columns(…)`.
        """
        return selecting.select(self._bound, columns)

    def _all(self, statement: Select[*Ts], parameters: Parameters = {}) -> Sequence[Row[*Ts]]:  # noqa: B006 - never changed
        """Return the rows of a statement made by `_select`, with the parameters that it names. One round trip.

        All of them unless the statement has a limit. In a scope, every owned table that the statement reads is
        restricted to the owner. Raises `OwnerRequiredError` for a statement that was not made by `_select`,
        `UsageError` for one that cannot be restricted to the owner: SQL in a string, an outer join or a subquery that
        lets other owners' rows in, …
        """
        rows = self._call(selecting.fetch_all, statement, parameters)
        return cast("Sequence[Row[*Ts]]", rows)  # as selected

    def _one_or_none(
        self,
        statement: Select[*Ts],
        parameters: Parameters = {},  # noqa: B006 - never changed
    ) -> Row[*Ts] | None:
        """Return the row of a statement made by `_select`, or `None`.

        It fetches every row: set a limit if there may be many. Raises `MultipleFoundError` for more than one, and as
        `_all`.
        """
        row = self._call(selecting.one_or_none, statement, parameters)
        return cast("Row[*Ts] | None", row)  # as selected

    def _scalar(self, statement: Select[T], parameters: Parameters = {}) -> T | None:  # noqa: B006 - never changed
        """Return the first column of the row of a statement made by `_select`, or `None` if there is no row.

        Raises what `_one_or_none` raises.
        """
        value = self._call(selecting.scalar, statement, parameters)
        return cast("T | None", value)  # as selected

    def _change(self, id: IdT, change: Change, parameters: Parameters = {}) -> ModelT:  # noqa: B006 - never changed
        """Run a `Change`, declared once as a constant, with the parameters that it names, and return the row.

        One UPDATE, one round trip; it increases the version as `update` does, and no schema validates what it writes.
        Raises `NotFoundError` if no row in scope has this id and meets the change's conditions; a
        `ConstraintViolationError`, also where a trigger skips the row of a change without conditions; and `UsageError`,
        before anything is sent, for a change that sets primary key, owner or version, for one that cannot be restricted
        to the owner, for a value that does not fit its column, and for a parameter that it does not name.
        """
        return self._call(selecting.change, id, change, parameters)
