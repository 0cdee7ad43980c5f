"""The texts of errors: what each class says of an operation, and when the server's message may follow.

The text of a `RequestError` may be shown to a client: it names fields of the schemas, and no constraint, SQLSTATE or
other column. The other texts are for a log.
"""

from collections.abc import Collection
from typing import Final

import psycopg
from sqlalchemy import Connection, Executable
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.visitors import iterate

from backend.errors import (
    CheckViolationError,
    ConnectError,
    ConnectionLostError,
    ConstraintViolationError,
    CredentialsError,
    DeadlockError,
    ErrorDetails,
    ExclusionViolationError,
    FailedTransactionError,
    ForeignKeyViolationError,
    InvalidDataError,
    InvalidStatementError,
    LockNotAvailableError,
    NotNullViolationError,
    NotPermittedError,
    OutcomeUnknownError,
    PoolTimeoutError,
    ProgramError,
    RepositoryError,
    RequestError,
    SchemaMismatchError,
    SerializationError,
    SettingsError,
    StatementTimeoutError,
    TransientError,
    UniqueViolationError,
    UnknownDatabaseError,
    UnreadableRowError,
    UsageError,
)


def message(
    kind: type[RepositoryError],
    operation: str,
    details: ErrorDetails,
    schema_fields: Collection[str],
    server: str | None = None,
) -> str:
    """Return the text of an error: the operation, what happened, fields and codes, the server's message or its address.

    `schema_fields` are the fields that a client knows.
    """
    words = (
        _MESSAGES_BY_OPERATION.get((kind, details.operation or ""))
        or _MESSAGES_BY_SQLSTATE.get((kind, details.sqlstate or ""))
        or _MESSAGES.get(kind, "was refused by the server")
    )
    if kind is ConnectError and server:  # the address says why
        words = "found no connection"
    is_public = issubclass(kind, RequestError)
    fields = [name for name in details.fields if name in schema_fields or not is_public]
    parts = [f"fields {', '.join(fields)}"] if fields else []
    if not is_public:
        parts = [f"constraint {details.constraint!r}"] * bool(details.constraint) + parts
        parts += [f"SQLSTATE {details.sqlstate}"] * bool(details.sqlstate)
    return f"{operation} {words}" + (f" ({'; '.join(parts)})" if parts else "") + (f": {server}" if server else "")


def shared_session(operation: str) -> str:
    """Return the text of an error for an operation on a session that another task or thread is using."""
    return f"{operation} while another task or thread uses the same session: give each of them a session of its own"


def server_message(
    kind: type[RepositoryError], driver: psycopg.Error, statement: Executable | None, connection: Connection | None
) -> str | None:
    """Return the server's primary message if only the statement's text can be quoted in it, else `None`.

    A message with a position in the statement comes from its parsing, before a parameter or a row is read. One with a
    context was raised within a function, and one with neither may quote the arguments of a function.
    """
    diagnostic = driver.diag
    if kind not in (InvalidStatementError, SchemaMismatchError) or diagnostic.context or diagnostic.internal_query:
        return None
    if diagnostic.statement_position is None and driver.sqlstate not in _CONSTANT_MESSAGES:
        return None
    if statement is None or connection is None or _holds_values(statement, connection):
        return None
    return diagnostic.message_primary


def _holds_values(statement: Executable, connection: Connection) -> bool:
    """Return whether the text of the statement contains values, or may contain them."""
    if not isinstance(statement, ClauseElement):
        return True
    if any(getattr(part, "literal_execute", False) for part in iterate(statement)):
        return True
    driver = None if connection.closed or connection.invalidated else connection.connection.driver_connection
    cursor: object = getattr(driver, "cursor_factory", None)
    return not isinstance(cursor, type) or issubclass(cursor, psycopg.ClientCursor | psycopg.AsyncClientCursor)


_CONSTANT_MESSAGES: Final = frozenset({"21000", "428C9", "42P10", "42P22", "54001", "54011"})
"""Codes whose messages have no position, and never depend on a value."""

_MESSAGES: Final[dict[type[RepositoryError], str]] = {
    UniqueViolationError: "conflicts with a row that has the same key",
    ForeignKeyViolationError: "refers to a row that does not exist, or a row is still referred to",
    NotNullViolationError: "lacks a value that its column needs",
    CheckViolationError: "does not meet a check of its table",
    ExclusionViolationError: "conflicts with a row that its table excludes beside it",
    ConstraintViolationError: "violates a constraint of its table",
    InvalidDataError: "holds or computes a value that the database cannot take",
    SerializationError: "could not be serialised with another transaction: run the transaction again",
    DeadlockError: "was ended to break a deadlock: run the transaction again",
    LockNotAvailableError: "could not lock a row: another transaction has it, try again",
    StatementTimeoutError: "was cancelled by the server: its time was up",
    TransientError: "was rolled back by the server: run the transaction again",
    PoolTimeoutError: "found no connection: all of the pool are in use, or still connecting",
    ConnectionLostError: "lost its connection, and nothing was applied: try again",
    OutcomeUnknownError: "lost its connection before the answer came: read before trying again",
    ConnectError: "found no connection: the server did not accept one",
    CredentialsError: "found no connection: the server refuses user or password",
    UnknownDatabaseError: "found no connection: the server has no such database",
    SchemaMismatchError: (
        "holds a value that the model allows and the database does not: a column is narrower than the model's, "
        "or an enum lacks a label, so migrate the table"
    ),
    NotPermittedError: "is not permitted to this role, or to anybody while the database takes no writes",
    UnreadableRowError: "was answered with a value that Python cannot hold",
    SettingsError: "found no connection: the server refuses an option of DATABASE_URL",
    ProgramError: "is too large to be sent: a statement has at most 65 535 values, give fewer",
    UsageError: "lacks a value for a bound parameter: pass one for each bindparam",
    InvalidStatementError: "is a statement that the server cannot run",
    FailedTransactionError: "came after a failed statement of its transaction: roll back first",
}

_STILL_REFERRED_TO: Final = "is refused: another row still refers to one of these rows"

_MESSAGES_BY_OPERATION: Final[dict[tuple[type[RepositoryError], str], str]] = {
    (ForeignKeyViolationError, "create"): "refers to a row that does not exist",
    (ForeignKeyViolationError, "create_many"): "refers to a row that does not exist",
    (ForeignKeyViolationError, "get_or_create"): "refers to a row that does not exist",
    (ForeignKeyViolationError, "delete"): "is refused: another row still refers to it",
    (ForeignKeyViolationError, "delete_many"): _STILL_REFERRED_TO,
    (ForeignKeyViolationError, "delete_where"): _STILL_REFERRED_TO,
    (ForeignKeyViolationError, "delete_where_returning"): _STILL_REFERRED_TO,
}
"""More precise texts for one operation."""

_LOST_PREPARED: Final = (
    "lost a prepared statement, as behind a pooler in transaction mode: set PREPARE_THRESHOLD=auto, or make your own "
    "engine with connect_args={'prepare_threshold': None}"
)

_MESSAGES_BY_SQLSTATE: Final[dict[tuple[type[RepositoryError], str], str]] = {
    (ConnectionLostError, "25006"): (
        "reached a server that takes no writes, such as a standby, and nothing was applied: "
        "try again, for the next connection may reach the writer"
    ),
    (SettingsError, "26000"): _LOST_PREPARED,
    (SettingsError, "42P05"): _LOST_PREPARED,
    (InvalidDataError, "22012"): "computes a division by zero",
    (SchemaMismatchError, "42P01"): "needs a table that the database does not have: run init_db",
    (SchemaMismatchError, "42703"): (
        "names a column that is not there: migrate the table, for init_db adds none to a table that exists, "
        "or correct the name in an expression of your own"
    ),
    (SchemaMismatchError, "42704"): (
        "names a type or another object that the database does not have: run init_db if its table is missing too, "
        "else migrate the database, or correct the name in an expression of your own"
    ),
    (SchemaMismatchError, "42804"): (
        "does not fit the type of a column: migrate the table, for init_db changes none that exists, "
        "or cast an expression of your own"
    ),
    (SchemaMismatchError, "3F000"): "needs a schema that the database does not have: create it, then run init_db",
}
"""More precise texts for one code."""
