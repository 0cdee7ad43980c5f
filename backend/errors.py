"""Every error that the package raises: one tree, sorted by what the caller can do.

    RepositoryError
    ├── RequestError                   change the request
    │   ├── NotFoundError              no such row in this scope
    │   ├── MultipleFoundError         one row was asked for, more match
    │   ├── StaleError                 the row's version is not the expected one
    │   ├── InvalidDataError           the data does not pass the schema, or the column
    │   ├── InvalidCursorError         a page cursor that this list did not give out
    │   └── ConstraintViolationError
    │       ├── UniqueViolationError · ForeignKeyViolationError · NotNullViolationError
    │       └── CheckViolationError · ExclusionViolationError
    ├── TransientError                 try again (the whole transaction)
    │   ├── SerializationError · DeadlockError · LockNotAvailableError
    │   ├── StatementTimeoutError      the server's statement_timeout, or a cancelled statement
    │   ├── PoolTimeoutError           no connection of the pool became free in time
    │   └── ConnectionLostError        the connection broke, and nothing was applied
    ├── OutcomeUnknownError            look before trying again: it may have been applied
    ├── OperatorError                  call the operator
    │   ├── ConnectError               no connection could be made
    │   │   ├── CredentialsError       user or password refused
    │   │   └── UnknownDatabaseError   the server has no such database
    │   ├── SchemaMismatchError        a table or column is missing: run init_db
    │   ├── SettingsError              a setting is missing or malformed
    │   ├── EmbeddedServerError        the embedded PostgreSQL cannot run
    │   └── DatabaseError              any other refusal of the server
    └── ProgramError                   fix the program
        ├── DefinitionError            a repository class that cannot keep its promises
        ├── OwnerRequiredError         an owned model needs an owner here
        ├── UsageError                 an argument that no call takes, or a call in the wrong place
        └── FailedTransactionError     a transaction was to be committed after a statement in it failed

No text, repr or pickle of these holds a password, a connection string, a parameter or a row. What the
driver said may hold all of them: it stays on `driver_error`, for a debugger, and is neither rendered,
chained nor pickled.

Names only: nothing here knows a session, an engine or a driver.
"""

from dataclasses import dataclass
from typing import Literal

from typing_extensions import override

Outcome = Literal["not_applied", "applied", "unknown"]
"""Whether the work happened: no, yes, or nobody can know."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a failure: each value empty or `None` where the database does not say."""

    model: str | None = None
    operation: str | None = None
    constraint: str | None = None
    fields: tuple[str, ...] = ()
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that does not pass: where, which kind (pydantic's error type), and why, without the input."""

    location: tuple[str | int, ...]
    type: str
    message: str

    @override
    def __str__(self) -> str:
        place = ".".join(str(part) for part in self.location)
        return f"{place}: {self.message}" if place else self.message


class RepositoryError(Exception):
    """Base of all errors of this package.

    `retryable` says whether the same work, done again as a whole, can succeed; `outcome` whether it happened.
    """

    retryable: bool = False
    outcome: Outcome = "not_applied"

    def __init__(self, message: str, facts: Facts = Facts()) -> None:
        super().__init__(message)
        self.facts = facts
        self.driver_error: BaseException | None = None
        """The driver's own error, for a debugger: it may hold parameters and rows. Not pickled."""

    @property
    def model(self) -> str | None:
        """The model's class name."""
        return self.facts.model

    @property
    def operation(self) -> str | None:
        """The repository call: `"create"`, `"update"`, …"""
        return self.facts.operation

    @property
    def constraint(self) -> str | None:
        """The constraint that the database named."""
        return self.facts.constraint

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields concerned, as far as database and table metadata name them."""
        return self.facts.fields

    @property
    def sqlstate(self) -> str | None:
        """The five characters of the server's answer."""
        return self.facts.sqlstate

    @override
    def __reduce__(self) -> tuple[object, ...]:
        state = {name: value for name, value in vars(self).items() if name != "driver_error"}
        return type(self), self.args, state | {"driver_error": None}


class RequestError(RepositoryError):
    """The request cannot be met as it is: change it."""


class NotFoundError(RequestError):
    """No such row in this scope: absent and another owner's row read the same."""


class MultipleFoundError(RequestError):
    """One row was asked for and more match."""


class StaleError(RequestError):
    """The row's version is not the expected one: read it again, then decide."""


class InvalidDataError(RequestError):
    """The data does not pass: `problems` says where, which kind and why, and never shows the input."""

    def __init__(
        self,
        message: str,
        facts: Facts = Facts(),
        problems: tuple[Problem, ...] = (),
    ) -> None:
        super().__init__(message, facts)
        self.problems = problems


class InvalidCursorError(RequestError):
    """A page cursor that was not given out for this list."""


class ConstraintViolationError(RequestError):
    """A constraint of the table refuses the data."""


class UniqueViolationError(ConstraintViolationError):
    """Another row has this key (23505)."""


class ForeignKeyViolationError(ConstraintViolationError):
    """The row referred to does not exist, or the row is still referred to (23503, 23001)."""


class NotNullViolationError(ConstraintViolationError):
    """A column that needs a value got none (23502)."""


class CheckViolationError(ConstraintViolationError):
    """A check constraint refuses the row (23514)."""


class ExclusionViolationError(ConstraintViolationError):
    """An exclusion constraint refuses the row (23P01)."""


class TransientError(RepositoryError):
    """Nothing was applied and the same work can succeed later: try again, the transaction as a whole."""

    retryable = True


class SerializationError(TransientError):
    """The transaction could not be serialised with another (40001)."""


class DeadlockError(TransientError):
    """The server ended this transaction to break a deadlock (40P01)."""


class LockNotAvailableError(TransientError):
    """A row is locked by another transaction and waiting was not wanted or took too long (55P03)."""


class StatementTimeoutError(TransientError):
    """The server cancelled the statement: its time was up, or somebody asked for it (57014)."""


class PoolTimeoutError(TransientError):
    """No connection of the pool became free in time."""


class ConnectionLostError(TransientError):
    """The connection broke and nothing was applied."""


class OutcomeUnknownError(RepositoryError):
    """The connection broke after the work was sent and before its answer: it may have been applied."""

    outcome: Outcome = "unknown"


class OperatorError(RepositoryError):
    """Neither the request nor the program is at fault: settings, server or schema are."""


class ConnectError(OperatorError):
    """No connection could be made."""

    retryable = True


class CredentialsError(ConnectError):
    """The server refuses the user or the password."""

    retryable = False


class UnknownDatabaseError(ConnectError):
    """The server has no database of this name."""

    retryable = False


class SchemaMismatchError(OperatorError):
    """A table or column is missing: run `init_db`, or bring the schema up to date."""


class SettingsError(OperatorError):
    """A setting is missing or malformed. The message names the variable, never its value."""


class EmbeddedServerError(OperatorError):
    """The embedded PostgreSQL is missing, in use, or cannot be started."""


class DatabaseError(OperatorError):
    """A refusal of the server that has no class of its own: see `sqlstate`."""


class ProgramError(RepositoryError):
    """The calling program is wrong: no data and no second try mends it."""


class DefinitionError(ProgramError):
    """A repository class that could not keep its promises: refused when it is defined."""


class OwnerRequiredError(ProgramError):
    """An owned model needs an owner here: call `owned_by(owner)` first."""


class UsageError(ProgramError, TypeError):
    """An argument of a kind that the call does not take, or a call in the wrong place."""


class FailedTransactionError(ProgramError):
    """A transaction or savepoint was to be kept after a statement in it had failed: nothing of it is kept."""


_EXACT: dict[str, type[RepositoryError]] = {
    "23001": ForeignKeyViolationError,
    "23502": NotNullViolationError,
    "23503": ForeignKeyViolationError,
    "23505": UniqueViolationError,
    "23514": CheckViolationError,
    "23P01": ExclusionViolationError,
    "25P02": FailedTransactionError,
    "28000": CredentialsError,
    "28P01": CredentialsError,
    "3D000": UnknownDatabaseError,
    "3F000": SchemaMismatchError,
    "40001": SerializationError,
    "40P01": DeadlockError,
    "42703": SchemaMismatchError,
    "42P01": SchemaMismatchError,
    "53300": ConnectError,
    "55P03": LockNotAvailableError,
    "57014": StatementTimeoutError,
    "57P01": ConnectionLostError,
    "57P02": ConnectionLostError,
    "57P03": ConnectError,
    "57P05": ConnectionLostError,
    "44000": CheckViolationError,
}
_BY_CLASS: dict[str, type[RepositoryError]] = {
    "08": ConnectionLostError,
    "22": InvalidDataError,
    "23": ConstraintViolationError,
    "40": TransientError,
}


def error_class(sqlstate: str) -> type[RepositoryError]:
    """The class for a SQLSTATE: the exact code first, then its class, else `DatabaseError`.

    Source of the codes: PostgreSQL's documentation, appendix A.
    """
    return _EXACT.get(sqlstate) or _BY_CLASS.get(sqlstate[:2]) or DatabaseError
