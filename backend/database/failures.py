"""What psycopg and SQLAlchemy raise, as errors of this package: by phase and SQLSTATE, never by message text.

The driver's words may hold parameters and rows, so an error made here is raised `from None`; the original
stays on `driver_error`.
"""

from dataclasses import dataclass
from typing import Literal

import psycopg
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import ColumnCollectionConstraint, Index
from typing_extensions import override

from backend.errors import (
    ConnectError,
    ConnectionLostError,
    DatabaseError,
    Facts,
    InvalidDataError,
    OutcomeUnknownError,
    PoolTimeoutError,
    RepositoryError,
    error_class,
)

Phase = Literal["connect", "statement", "commit"]
"""What was under way: making a connection, a statement, or the commit of a transaction."""


@dataclass(frozen=True, slots=True)
class Work:
    """What was being done, for the words of an error and for what a lost answer means."""

    operation: str
    model: str | None = None
    table: Table | None = None
    writes: bool = True
    locks: bool = False
    """It takes a lock that is to outlast it, and so needs a transaction."""

    @override
    def __str__(self) -> str:
        return f"{self.operation} of {self.model}" if self.model else self.operation


def translated(error: Exception, work: Work, phase: Phase, *, own_transaction: bool = False) -> Exception:
    """The error to raise: one of this package, or the given one where it is a bug of the program.

    `own_transaction` says that the statement commits itself, so that a lost answer leaves its outcome unknown.
    """
    if isinstance(error, PoolTimeout):
        made: RepositoryError = PoolTimeoutError(
            f"no connection for {work}: all of the pool are in use", Facts(work.model, work.operation)
        )
    elif isinstance(error, DBAPIError):
        made = _of_driver(error, work, phase, own_transaction=own_transaction)
    elif isinstance(error, StatementError):
        made = InvalidDataError(f"{work} holds a value that its column cannot take", Facts(work.model, work.operation))
    else:
        return error
    made.driver_error = error
    return made


def _of_driver(error: DBAPIError, work: Work, phase: Phase, *, own_transaction: bool) -> RepositoryError:
    driver = error.orig
    sqlstate = driver.sqlstate if isinstance(driver, psycopg.Error) else None
    facts = _facts(driver, work, sqlstate)
    made = error_class(sqlstate) if sqlstate else _without_sqlstate(driver, phase)
    if phase == "connect":
        made = made if issubclass(made, ConnectError) else ConnectError
    elif error.connection_invalidated or made is ConnectionLostError:
        unknown = phase == "commit" or (own_transaction and work.writes)
        made = OutcomeUnknownError if unknown else ConnectionLostError
    return made(_message(made, work, facts), facts)


def _without_sqlstate(driver: BaseException | None, phase: Phase) -> type[RepositoryError]:
    if phase == "connect":
        return ConnectError
    return InvalidDataError if isinstance(driver, psycopg.DataError) else DatabaseError


def _facts(driver: BaseException | None, work: Work, sqlstate: str | None) -> Facts:
    if not isinstance(driver, psycopg.Error):
        return Facts(work.model, work.operation)
    diagnostics = driver.diag
    constraint = diagnostics.constraint_name
    fields: tuple[str, ...] = ()
    if work.table is not None and diagnostics.table_name == work.table.name:
        named = diagnostics.column_name
        fields = (named,) if named else _constraint_fields(work.table, constraint)
    return Facts(work.model, work.operation, constraint, fields, sqlstate)


def _constraint_fields(table: Table, name: str | None) -> tuple[str, ...]:
    for constraint in (*table.constraints, *table.indexes):
        if isinstance(constraint, ColumnCollectionConstraint | Index) and name is not None and constraint.name == name:
            return tuple(column.key for column in constraint.columns)
    return ()


_WORDS = {
    "UniqueViolationError": "meets another row with the same key",
    "ForeignKeyViolationError": "refers to a row that does not exist, or a row is still referred to",
    "NotNullViolationError": "lacks a value that its column needs",
    "CheckViolationError": "does not meet a check of its table",
    "ExclusionViolationError": "meets another row that its table excludes",
    "ConstraintViolationError": "violates a constraint of its table",
    "InvalidDataError": "holds a value that its column cannot take",
    "SerializationError": "could not be serialised with another transaction: run the transaction again",
    "DeadlockError": "was ended to break a deadlock: run the transaction again",
    "LockNotAvailableError": "needs a row that another transaction holds: try again",
    "StatementTimeoutError": "was cancelled by the server: its time was up",
    "ConnectionLostError": "lost its connection, and nothing was applied: try again",
    "OutcomeUnknownError": "lost its connection before the answer came: read before trying again",
    "ConnectError": "found no connection: the server did not accept one",
    "CredentialsError": "found no connection: the server refuses user or password",
    "UnknownDatabaseError": "found no connection: the server has no such database",
    "SchemaMismatchError": "needs a table or column that the database does not have: run init_db",
    "FailedTransactionError": "came after a failed statement of its transaction: roll back first",
}


def _message(made: type[RepositoryError], work: Work, facts: Facts) -> str:
    words = _WORDS.get(made.__name__, "was refused by the server")
    details = [f"constraint {facts.constraint!r}"] if facts.constraint else []
    details += [f"fields {', '.join(facts.fields)}"] if facts.fields else []
    details += [f"SQLSTATE {facts.sqlstate}"] if facts.sqlstate else []
    return f"{work} {words}" + (f" ({'; '.join(details)})" if details else "")


class translating:  # noqa: N801 - read as a verb: `with translating(work, "commit"):`
    """Raises what its block raises as an error of this package; bugs of the program pass as they are."""

    __slots__ = ("_phase", "_work")

    def __init__(self, work: Work, phase: Phase) -> None:
        self._work = work
        self._phase: Phase = phase

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception):
            made = translated(error, self._work, self._phase)
            if made is not error:
                raise made from None
