"""Cursors that read the columns of a result only where somebody asks for them.

SQLAlchemy reads them once for each statement that it compiles, and afterwards only asks whether there are any. psycopg
makes an object for each column of every result.
"""

from collections.abc import Callable, Sequence
from copy import copy
from typing import TypeAlias, overload

import psycopg
from psycopg import Column
from psycopg.pq.abc import PGresult
from typing_extensions import override

_Row: TypeAlias = tuple[object, ...]


class Cursor(psycopg.Cursor[_Row]):
    """psycopg's cursor, whose `description` is a sequence of the same columns, but no list."""

    __slots__ = ()

    @property
    @override
    def description(self) -> Sequence[Column] | None:  # type: ignore[override]  # as DB-API says
        """Return the columns of the result; `None` without one."""
        result = self.pgresult
        return Columns(result, self._columns_of) if result and result.nfields else super().description

    def _columns_of(self, result: PGresult) -> Sequence[Column]:
        cursor = copy(self)
        cursor.pgresult = result
        return super(Cursor, cursor).description or ()


class AsyncCursor(psycopg.AsyncCursor[_Row]):
    """psycopg's asynchronous cursor, otherwise as `Cursor`."""

    __slots__ = ()

    @property
    @override
    def description(self) -> Sequence[Column] | None:  # type: ignore[override]  # as DB-API says
        """Return the columns of the result; `None` without one."""
        result = self.pgresult
        return Columns(result, self._columns_of) if result and result.nfields else super().description

    def _columns_of(self, result: PGresult) -> Sequence[Column]:
        cursor = copy(self)
        cursor.pgresult = result
        return super(AsyncCursor, cursor).description or ()


class Columns(Sequence[Column]):
    """The columns of one result, also once its cursor has another result or is closed."""

    __slots__ = ("_columns", "_read", "_result")

    def __init__(self, result: PGresult, read: Callable[[PGresult], Sequence[Column]]) -> None:
        self._columns: Sequence[Column] = ()
        self._read = read
        self._result = result

    @override
    def __len__(self) -> int:
        return self._result.nfields

    @overload
    def __getitem__(self, index: int) -> Column: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Column]: ...
    @override
    def __getitem__(self, index: int | slice) -> Column | Sequence[Column]:
        if not self._columns:
            self._columns = self._read(self._result)
        return self._columns[index]

    @override
    def __repr__(self) -> str:
        return repr([*self])
