"""Maps each SQLSTATE to an error class: by the exact code, then by the code's class, else `DatabaseError`.

Source: PostgreSQL 18's documentation, appendix A. `translate` changes the class for some phases.
"""

from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

from backend.errors import (
    CheckViolationError,
    ConnectError,
    ConnectionLostError,
    ConstraintViolationError,
    CredentialsError,
    DatabaseError,
    DeadlockError,
    ExclusionViolationError,
    FailedTransactionError,
    ForeignKeyViolationError,
    InvalidDataError,
    InvalidStatementError,
    LockNotAvailableError,
    NotNullViolationError,
    NotPermittedError,
    OutcomeUnknownError,
    ProgramError,
    RepositoryError,
    SchemaMismatchError,
    SerializationError,
    SettingsError,
    StatementTimeoutError,
    TransientError,
    UniqueViolationError,
    UnknownDatabaseError,
)


def error_class(sqlstate: str) -> type[RepositoryError]:
    """Return the error class for a SQLSTATE."""
    return _CLASSES.get(sqlstate) or _CLASSES.get(sqlstate[:2]) or DatabaseError


def class_of(driver: psycopg.Error) -> type[RepositoryError]:
    """Return the error class for an error of psycopg."""
    if is_stale_plan(driver):
        return TransientError
    return error_class(driver.sqlstate) if driver.sqlstate else _without_sqlstate(driver)


def is_stale_plan(error: BaseException) -> bool:
    """Return whether a prepared statement outlived its table's definition: it fails until it is prepared again."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(driver, psycopg.errors.FeatureNotSupported):
        return False
    return driver.diag.source_function == _PLAN_CHECK


def _without_sqlstate(driver: psycopg.Error) -> type[RepositoryError]:
    """Return the class for what psycopg itself raises on an open connection: nothing was sent."""
    match driver:
        case psycopg.DataError() | psycopg.ProgrammingError():
            return InvalidDataError
        case psycopg.OperationalError():  # too large for one message of the protocol
            return ProgramError
        case _:
            return DatabaseError


_PLAN_CHECK: Final = "RevalidateCachedQuery"
"""The server's function that reports a stale plan, as the error names it: the same in PostgreSQL 9 to 18. Unsupported
features have the same SQLSTATE, and other functions report them."""

_CODES: dict[type[RepositoryError], str] = {
    UniqueViolationError: "23505",
    ForeignKeyViolationError: "23503 23001",
    NotNullViolationError: "23502",
    CheckViolationError: "23514 44",
    ExclusionViolationError: "23P01",
    ConstraintViolationError: "23 P0001",
    # values, patterns and sizes in a request; 54000 is a value too large for its index
    InvalidDataError: "22 54000",
    SerializationError: "40001",
    DeadlockError: "40P01",
    LockNotAvailableError: "55P03",
    StatementTimeoutError: "57014 25P04",
    TransientError: "40 53200",
    # the server ended an idle session or transaction; 08 on an open connection is the error of a foreign server
    ConnectionLostError: "08 57P01 57P02 57P04 57P05 25P03",
    OutcomeUnknownError: "08007 40003",
    ConnectError: "08001 08004 53300 57P03",
    CredentialsError: "28",
    UnknownDatabaseError: "3D",
    # not 42883, a function or operator with wrong argument types: a fault of the program
    SchemaMismatchError: "3F 42P01 42703 42704 42804",
    NotPermittedError: "42501 25006",
    # a prepared statement is missing or exists already: a pooler gave the session to another client
    SettingsError: "26 42P05",
    # 2200H, an exhausted sequence, is no fault of the data; 08P01 is one of the driver or a pooler
    DatabaseError: "2200H 08P01",
    FailedTransactionError: "25P02",
    # within 22: errors of formats and protocol, which no value of a request causes
    InvalidStatementError: "03 0A 0B 21 24 25 2D 34 3B 42 54 22002 22010 22022 22024 22P03 22P04 2200G 2202G 2202H",
}
_CLASSES = {code: kind for kind, codes in _CODES.items() for code in codes.split()}

REFUSED_VALUES = frozenset({"22001", "22003", "22007", "22008", "22026", "22P02", "54000"})
"""The codes with which a column, its type or its index refuses a value itself.

Other codes of class 22 come from a computation, such as a generated column (22012, division by zero), or from a
character that the database's encoding lacks (22P05).
"""
