"""Finds out where an error was raised, by the functions in its traceback: never by its text."""

from traceback import walk_tb
from types import CodeType
from typing import Final

import psycopg
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_CURSORS: Final = (psycopg.Cursor, psycopg.AsyncCursor)
FETCHING: Final = frozenset(
    fetch.__code__ for cursor in _CURSORS for fetch in (cursor.fetchone, cursor.fetchmany, cursor.fetchall)
)
"""SQLAlchemy's async cursor fetches inside `execute()`: an error raised in these functions came after the answer."""

_EXECUTING: Final = frozenset(cursor.execute.__code__ for cursor in _CURSORS)
_PREPARING: Final = frozenset(
    kind.__dict__["initialize"].__code__ for kind in PGDialect_psycopg.__mro__ if "initialize" in kind.__dict__
)
"""Where SQLAlchemy runs its own statements on the first connection of an engine."""

OPENING: Final = frozenset({psycopg.Connection.cursor.__code__, psycopg.AsyncConnection.cursor.__code__})
"""Where psycopg refuses a connection that it knows is closed: nothing was sent."""


def raised_inside(error: BaseException, functions: frozenset[CodeType]) -> bool:
    """Return whether the error was raised inside one of these functions."""
    return any(frame.f_code in functions for frame, _ in walk_tb(error.__traceback__))


def raised_by_listener(error: Exception, driver: BaseException) -> bool:
    """Return whether a statement of an application's listener raised the error, on a connection that is still open."""
    if not isinstance(driver, psycopg.Error) or driver.diag.severity_nonlocalized != "ERROR":
        return False
    return raised_inside(error, _EXECUTING) and not raised_inside(error, _PREPARING)
