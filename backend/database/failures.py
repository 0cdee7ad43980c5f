"""What psycopg and SQLAlchemy raise, as errors of this package: by phase, state and SQLSTATE, never by message text.

The driver's words may hold parameters and rows, so an error made here is raised `from None`; the original
stays on `driver_error`.
"""

from dataclasses import replace
from typing import Final, Literal

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError, InvalidRequestError, PendingRollbackError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend.database.connecting.places import place_of
from backend.database.effects import may_write
from backend.database.frames import FETCHING, OPENING, is_of_listener, raised_inside
from backend.database.messages import message, server_message, shared_session
from backend.database.operations import Operation
from backend.database.sqlstates import REFUSED_VALUES, class_of
from backend.database.violations import schema_of, violated_fields
from backend.errors import (
    ConnectError,
    ConnectionLostError,
    CredentialsError,
    ErrorDetails,
    FailedTransactionError,
    InvalidDataError,
    NotPermittedError,
    OutcomeUnknownError,
    PoolTimeoutError,
    RepositoryError,
    SchemaMismatchError,
    TransientError,
    UnreadableRowError,
    UsageError,
)

Phase = Literal["connect", "statement", "answer", "commit"]
"""What was under way: making a connection, a statement, reading its whole answer, or the commit of a transaction."""

_VALUE_ERRORS: Final = (ValueError, LookupError, ArithmeticError)
"""What a value that does not fit raises beside the driver's errors; their text may hold it."""

_OURS: Final = (RepositoryError, SQLAlchemyError)
"""Of which some are a `LookupError`, or the like, too."""

_SHARED: Final = "isce"
"""SQLAlchemy's code for a session that is used by two at once."""

_ENDED_WHILE_IDLE: Final = frozenset({"25P03", "57P05"})
"""The server closed the session before it read what was sent last."""


def translate_error(
    error: Exception,
    operation: Operation,
    phase: Phase,
    connection: Connection | None = None,
    *,
    statement: Executable | None = None,
    own_transaction: bool = False,
) -> Exception:
    """The error to raise: one of this package, or the given one where it is a bug of the program.

    `connection` says in which schema a table lies that names none, and `statement` what was sent, so that it is known
    what the server's message can hold. `own_transaction` says that the statement commits itself, so that a lost answer
    leaves its outcome unknown, if it may have written.
    """
    if not operation.writes and statement is not None and may_write(statement):
        operation = replace(operation, writes=True)
    applied = own_transaction and operation.writes
    driver = (isinstance(error, DBAPIError) and error.orig) or error
    if phase == "statement" and raised_inside(error, FETCHING):
        phase = "answer"
    if phase == "answer" and isinstance(driver, (psycopg.DataError, *_VALUE_ERRORS)) and not isinstance(driver, _OURS):
        made = _build_error(UnreadableRowError, operation)
        made.outcome = "applied" if applied else "not_applied"
    elif phase == "connect" and is_of_listener(error, driver):
        return error
    elif isinstance(driver, psycopg.Error):
        commits = phase == "commit" and not (isinstance(error, DBAPIError) and error.statement)  # not a flush before it
        kind = _from_driver_error(error, driver, operation, phase, connection, may_be_applied=applied or commits)
        shown = place_of(driver) if kind is ConnectError else server_message(kind, driver, statement, connection)
        made = _build_error(kind, operation, _details(driver, operation, connection), shown)
    elif isinstance(error, InvalidRequestError) and error.code == _SHARED:
        made = UsageError(shared_session(str(operation)), operation.details)
    elif (own := _from_sqlalchemy_error(error, phase)) is not None:
        made = _build_error(own, operation)
    else:
        return error
    made.driver_error = error
    return made


def _from_sqlalchemy_error(error: Exception, phase: Phase) -> type[RepositoryError] | None:
    """The class for what was raised before the driver had a part in it; `None` for a bug."""
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
            is_of_data = phase == "statement" and isinstance(error, _VALUE_ERRORS) and not isinstance(error, _OURS)
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
    made = class_of(driver)
    if phase == "connect":
        made = _connect_error_class(made)
    elif not issubclass(made, ConnectError) and (
        _is_lost(error, driver, phase, connection) or made is OutcomeUnknownError
    ):
        is_unknown = operation.writes and may_be_applied
        if is_unknown and driver.sqlstate not in _ENDED_WHILE_IDLE and not raised_inside(error, OPENING):
            made = OutcomeUnknownError
        elif not issubclass(made, TransientError):
            made = ConnectionLostError
    if operation.is_checked and made is InvalidDataError and driver.sqlstate in REFUSED_VALUES:
        return SchemaMismatchError
    return made


def _connect_error_class(made: type[RepositoryError]) -> type[RepositoryError]:
    if issubclass(made, NotPermittedError):  # no privilege to connect
        return CredentialsError
    return made if issubclass(made, ConnectError) else ConnectError


def _is_lost(error: Exception, driver: psycopg.Error, phase: Phase, connection: Connection | None) -> bool:
    """Whether the session is gone: the driver saw it close, the server said its last word, or its answer broke off."""
    closed = isinstance(error, DBAPIError) and error.connection_invalidated
    if closed or driver.diag.severity_nonlocalized in ("FATAL", "PANIC"):
        return True
    says_nothing = isinstance(driver, psycopg.OperationalError) and not driver.sqlstate
    return says_nothing and (phase == "commit" or (connection is not None and _is_awaiting_answer(connection)))


def _is_awaiting_answer(connection: Connection) -> bool:
    """Whether the connection is closed, or waits for an answer that it will not get."""
    if connection.closed or connection.invalidated:
        return True
    made = connection.connection.driver_connection
    if not isinstance(made, psycopg.Connection | psycopg.AsyncConnection):
        return True
    return made.closed or made.info.transaction_status in (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)


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
    """Raises what its block raises as an error of this package; bugs of the program pass as they are."""

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
            made = translate_error(error, self._operation, self._phase, self._connection, statement=self._statement)
            if made is not error:
                raise made from None
