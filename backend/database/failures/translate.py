"""Translates the errors of psycopg and SQLAlchemy by phase, state and SQLSTATE, never by the text of a message.

The driver's text may hold parameters and rows, so a translated error is raised `from None`; the original is kept on
`driver_error`.
"""

from dataclasses import replace
from typing import Final, Literal, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError, InvalidRequestError, PendingRollbackError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend.database.connections.places import place_of
from backend.database.failures.effects import may_write
from backend.database.failures.frames import FETCHING, OPENING, raised_by_listener, raised_inside
from backend.database.failures.messages import message, server_message, shared_session
from backend.database.failures.sqlstates import REFUSED_VALUES, class_of, error_class
from backend.database.failures.violations import schema_of, violated_fields
from backend.database.operations import Operation
from backend.errors import (
    ConnectError,
    ConnectionLostError,
    CredentialsError,
    ErrorDetails,
    FailedTransactionError,
    InvalidDataError,
    InvalidStatementError,
    NotPermittedError,
    OutcomeUnknownError,
    PoolTimeoutError,
    RepositoryError,
    SchemaMismatchError,
    SettingsError,
    TransientError,
    UnreadableRowError,
    UsageError,
)

Phase: TypeAlias = Literal["connect", "statement", "answer", "commit"]
"""What was under way: connecting, sending a statement, reading its whole answer, or the COMMIT of a transaction."""

_VALUE_ERRORS: Final = (ValueError, LookupError, ArithmeticError)
"""What Python and SQLAlchemy raise for a value that does not fit; their text may hold the value."""

_OTHER_ERRORS: Final = (RepositoryError, SQLAlchemyError)
"""Errors that are never about a value, although some of them are a `LookupError` or the like too."""

_SHARED: Final = "isce"
"""SQLAlchemy's code for a session that two tasks or threads use at once."""

_SURELY_NOT_APPLIED: Final = frozenset({"25006", "25P03", "57P05"})
"""The server takes no writes, or closed the session before it read the last statement."""

_NEVER_RUN: Final = "query_wait_timeout"
"""All that a PgBouncer says, beside the code that it gives everything, of a statement that waited for a connection of
its pool until its time was up."""


def translate_error(
    error: Exception,
    operation: Operation,
    phase: Phase,
    connection: Connection | None = None,
    *,
    statement: Executable | None = None,
    own_transaction: bool = False,
) -> Exception:
    """Return the error to raise: one of this package, or the given one if it is a bug of the program.

    `connection` supplies the default schema for tables declared without one; `statement` decides whether the server's
    message may be shown. `own_transaction` says that the statement commits itself: its outcome is unknown if it may
    have written and its answer is lost.
    """
    if not operation.writes and statement is not None and may_write(statement):
        operation = replace(operation, writes=True)
    applied = own_transaction and operation.writes
    driver = (isinstance(error, DBAPIError) and error.orig) or error
    if phase == "statement" and raised_inside(error, FETCHING):
        phase = "answer"
    if (
        phase == "answer"
        and isinstance(driver, (psycopg.DataError, *_VALUE_ERRORS))
        and not isinstance(driver, _OTHER_ERRORS)
    ):
        translated = _build_error(UnreadableRowError, operation)
        translated.outcome = "applied" if applied else "not_applied"
    elif phase == "connect" and raised_by_listener(error, driver):
        return error
    elif isinstance(driver, psycopg.Error):
        commits = phase == "commit" and not (isinstance(error, DBAPIError) and error.statement)  # a flush, or RELEASE
        kind = _from_driver_error(error, driver, operation, phase, connection, may_be_applied=applied or commits)
        place = place_of(driver)
        shown = place if kind is ConnectError else server_message(kind, driver, statement, connection)
        translated = _build_error(kind, operation, _details(driver, operation, connection), shown)
        if place is not None and place.diagnosis.is_final:
            translated.retryable = False
    elif isinstance(error, InvalidRequestError) and error.code == _SHARED:
        translated = UsageError(shared_session(str(operation)), operation.details)
    elif (kind_without_driver := _from_sqlalchemy_error(error, phase)) is not None:
        translated = _build_error(kind_without_driver, operation)
    else:
        return error
    translated.driver_error = error
    return translated


def _from_sqlalchemy_error(error: Exception, phase: Phase) -> type[RepositoryError] | None:
    """Return the class for an error raised before the driver was called; `None` for a bug of the program."""
    match error:
        case PoolTimeout():
            return PoolTimeoutError
        case PendingRollbackError():
            return FailedTransactionError
        case StatementError(orig=InvalidRequestError()):  # a bound parameter without a value
            return UsageError
        case StatementError():
            return InvalidDataError
        case _:
            is_of_data = (
                phase == "statement" and isinstance(error, _VALUE_ERRORS) and not isinstance(error, _OTHER_ERRORS)
            )
            return InvalidDataError if is_of_data else None


def _from_driver_error(
    error: Exception,
    driver: psycopg.Error,
    operation: Operation,
    phase: Phase,
    connection: Connection | None,
    *,
    may_be_applied: bool,
) -> type[RepositoryError]:
    kind = class_of(driver)
    if phase == "connect":
        kind = _connect_error_class(driver, kind)
    elif not issubclass(kind, ConnectError) and (
        _is_lost(error, driver, phase, connection) or kind is OutcomeUnknownError
    ):
        is_unknown = operation.writes and may_be_applied and driver.diag.message_primary != _NEVER_RUN
        if is_unknown and driver.sqlstate not in _SURELY_NOT_APPLIED and not raised_inside(error, OPENING):
            kind = OutcomeUnknownError
        elif not issubclass(kind, TransientError):
            kind = ConnectionLostError
    if operation.is_checked and kind is InvalidDataError and driver.sqlstate in REFUSED_VALUES:
        return SchemaMismatchError
    return kind


def _connect_error_class(driver: psycopg.Error, kind: type[RepositoryError]) -> type[RepositoryError]:
    place = place_of(driver)
    if place is not None and place.diagnosis.meaning:
        kind = error_class(place.diagnosis.meaning)
    if issubclass(kind, NotPermittedError):  # no privilege to connect
        return CredentialsError
    if issubclass(kind, InvalidDataError | InvalidStatementError | SchemaMismatchError):  # an option of the URL
        return SettingsError
    return kind if issubclass(kind, ConnectError) else ConnectError


def _is_lost(error: Exception, driver: psycopg.Error, phase: Phase, connection: Connection | None) -> bool:
    """Return whether the session is gone: closed for the driver, ended by the server, or broken before its answer."""
    closed = isinstance(error, DBAPIError) and error.connection_invalidated
    if closed or driver.diag.severity_nonlocalized in ("FATAL", "PANIC"):
        return True
    has_no_sqlstate = isinstance(driver, psycopg.OperationalError) and not driver.sqlstate
    return has_no_sqlstate and (phase == "commit" or (connection is not None and _is_awaiting_answer(connection)))


def _is_awaiting_answer(connection: Connection) -> bool:
    """Return whether the connection is closed, or waits for an answer that will not come."""
    if connection.closed or connection.invalidated:
        return True
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection | psycopg.AsyncConnection):
        return True
    return driver.closed or driver.info.transaction_status in (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)


def _details(driver: psycopg.Error, operation: Operation, connection: Connection | None) -> ErrorDetails:
    fields: tuple[str, ...] = ()
    if operation.table is not None:
        fields = violated_fields(
            driver.diag, operation.table, operation.columns, schema_of(operation.table, connection)
        )
    return ErrorDetails(operation.model, operation.name, driver.diag.constraint_name, fields, driver.sqlstate)


def _build_error(
    kind: type[RepositoryError], operation: Operation, details: ErrorDetails | None = None, server: str | None = None
) -> RepositoryError:
    details = details or operation.details
    return kind(message(kind, str(operation), details, operation.schema_fields, server), details)


class translate_errors:  # noqa: N801 - read as a verb: `with translate_errors(operation, "commit"):`
    """Translate what the block raises into an error of this package; bugs of the program pass unchanged."""

    __slots__ = ("_connection", "_operation", "_phase", "_statement")

    def __init__(
        self,
        operation: Operation,
        phase: Phase,
        connection: Connection | None = None,
        statement: Executable | None = None,
    ) -> None:
        self._connection = connection
        self._operation = operation
        self._phase: Phase = phase
        self._statement = statement

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception):
            translated = translate_error(
                error, self._operation, self._phase, self._connection, statement=self._statement
            )
            if translated is not error:
                raise translated from None
