"""Every error that the package raises, in one tree, sorted by what the caller can do; see `docs/errors.md`.

    RepositoryError
    ├── RequestError                   change the request
    │   ├── NotFoundError              no such row in this scope
    │   ├── MultipleFoundError         one row was asked for, more match
    │   ├── StaleError                 the row's version is not the expected one
    │   ├── InvalidDataError           the data does not pass the schema, or the column
    │   ├── InvalidCursorError         a page cursor that this list did not return
    │   └── ConstraintViolationError
    │       ├── UniqueViolationError · ForeignKeyViolationError · NotNullViolationError
    │       └── CheckViolationError · ExclusionViolationError
    ├── TransientError                 try again (the whole transaction)
    │   ├── SerializationError · DeadlockError · LockNotAvailableError
    │   ├── StatementTimeoutError      the time of a statement or transaction was up, or it was cancelled
    │   ├── PoolTimeoutError           no connection of the pool became free in time
    │   └── ConnectionLostError        the connection broke, and nothing was applied
    ├── OutcomeUnknownError            look before trying again: it may have been applied
    ├── InfrastructureError            call the operator
    │   ├── ConnectError               no connection could be made
    │   │   ├── CredentialsError       user or password refused
    │   │   └── UnknownDatabaseError   the server has no such database
    │   ├── SchemaMismatchError        a table, column or type is missing, another or narrower: init_db, or migrate
    │   ├── NotPermittedError          the role may not do this, or the database takes no writes
    │   ├── UnreadableRowError         a stored value that Python cannot represent, or that a view refuses
    │   ├── SettingsError              a setting is missing, malformed, or does not suit the server
    │   ├── EmbeddedServerError        the embedded PostgreSQL cannot run
    │   └── DatabaseError              any other refusal of the server
    └── ProgramError                   fix the program
        ├── DefinitionError            a repository class that cannot keep its promises
        ├── OwnerRequiredError         an owned model needs an owner here
        ├── UsageError                 an argument that no call takes, or a call in the wrong place
        ├── InvalidStatementError      a statement that the server cannot run, whatever the data
        └── FailedTransactionError     a transaction was to be committed after a statement in it failed

No text, repr or pickle of these holds a password, a connection string, a parameter or a row. The driver's own error may
hold all of them: it is kept on `driver_error`, for a debugger, and is neither rendered nor pickled.

Names only: nothing here uses a session, an engine or a driver.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from types import NoneType
from typing import Final, Literal

from typing_extensions import override

Outcome = Literal["not_applied", "applied", "unknown"]
"""Whether the work happened: no, yes, or nobody can know."""


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """What is known about a failure: a value is empty or `None` if the database does not report it."""

    model: str | None = None
    operation: str | None = None
    constraint: str | None = None
    fields: tuple[str, ...] = ()
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One invalid field: where it is, pydantic's error type, and why, without the input."""

    location: tuple[str | int, ...]
    type: str
    message: str

    @override
    def __str__(self) -> str:
        place = ".".join(str(part) for part in self.location)
        return f"{place}: {self.message}" if place else self.message


def shown(value: object) -> str:
    """Return the value as a message shows it: the repr of a number, text or `None`, else its class."""
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:  # more digits than Python may turn into text
        return "a whole number of more than 64 bits"
    return repr(value) if isinstance(value, str | int | float | None) else with_article(type(value))


_SHOWN_BITS: Final = 64


_SPOKEN_AS_CONSONANTS: Final = ("eu", "uni", "url", "use", "uu")


def with_article(kind: type) -> str:
    """Return the class's name as messages show it: `a Task`, `an Invoice`, `a UUID`, `None`."""
    if kind is NoneType:
        return "None"
    name = kind.__name__.lower()
    is_vowel = name[0] in "aeiou" and not name.startswith(_SPOKEN_AS_CONSONANTS)
    return f"{'an' if is_vowel else 'a'} {kind.__name__}"


def described(value: object) -> str:
    """Return the kind of a value as messages show it, never the value: `an int`, `None`, `the class Task`."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return with_article(type(value)) + (", which was not awaited" if isinstance(value, Awaitable) else "")


class RepositoryError(Exception):
    """Base of all errors of this package.

    `retryable` says whether the same work, done again as a whole, can succeed; `outcome` whether it happened.
    """

    retryable: bool = False
    outcome: Outcome = "not_applied"

    def __init__(self, message: str, details: ErrorDetails = ErrorDetails()) -> None:
        super().__init__(message)
        self.details = details
        self.driver_error: BaseException | None = None
        """The driver's own error, for a debugger: it may hold parameters and rows. Not pickled."""

    @property
    def model(self) -> str | None:
        """Return the model's class name."""
        return self.details.model

    @property
    def operation(self) -> str | None:
        """Return the name of the call: `"create"`, `"update"`, …"""
        return self.details.operation

    @property
    def constraint(self) -> str | None:
        """Return the constraint that the database named."""
        return self.details.constraint

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields concerned, as far as the database and the table's metadata name them."""
        return self.details.fields

    @property
    def sqlstate(self) -> str | None:
        """Return the SQLSTATE of the server's answer: five characters."""
        return self.details.sqlstate

    @override
    def __reduce__(self) -> tuple[object, ...]:
        state = {name: value for name, value in vars(self).items() if name != "driver_error"}
        return type(self), self.args, state | {"driver_error": None}


class RequestError(RepositoryError):
    """The request cannot be met as it is: change it."""


class NotFoundError(RequestError):
    """No such row in this scope: absent and another owner's row read the same.

    Of several ids, `positions` says which have no row.
    """

    def __init__(self, message: str, details: ErrorDetails = ErrorDetails(), positions: tuple[int, ...] = ()) -> None:
        super().__init__(message, details)
        self.positions = positions


class MultipleFoundError(RequestError):
    """One row was asked for and more match."""


class StaleError(RequestError):
    """The row's version is not the expected one: read it again, then decide.

    Of several rows, `positions` says which have changed.
    """

    def __init__(self, message: str, details: ErrorDetails = ErrorDetails(), positions: tuple[int, ...] = ()) -> None:
        super().__init__(message, details)
        self.positions = positions


class InvalidDataError(RequestError):
    """The data is invalid: `problems` says where, which kind and why, and never shows the input."""

    def __init__(
        self,
        message: str,
        details: ErrorDetails = ErrorDetails(),
        problems: tuple[Problem, ...] = (),
    ) -> None:
        super().__init__(message, details)
        self.problems = problems


class InvalidCursorError(RequestError):
    """A page cursor that this list did not return."""


class ConstraintViolationError(RequestError):
    """A constraint of the table refuses the data, or a trigger does: it raises (P0001), or skips the row silently."""


class UniqueViolationError(ConstraintViolationError):
    """Another row has this key (23505)."""


class ForeignKeyViolationError(ConstraintViolationError):
    """The row referred to does not exist, or the row is still referred to (23503, 23001)."""


class NotNullViolationError(ConstraintViolationError):
    """A column that requires a value got none (23502)."""


class CheckViolationError(ConstraintViolationError):
    """A check constraint, or the check option of a view, refuses the row (23514, 44000)."""


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
    """Another transaction has locked the row, and waiting was not requested or took too long (55P03)."""


class StatementTimeoutError(TransientError):
    """The time of the statement or transaction was up, or it was cancelled (57014, 25P04)."""


class PoolTimeoutError(TransientError):
    """No connection of the pool became free in time."""


class ConnectionLostError(TransientError):
    """The connection broke and nothing was applied."""


class OutcomeUnknownError(RepositoryError):
    """The connection broke after the work was sent and before its answer: it may have been applied.

    Not `retryable`: read first. If the client chose the key, `create` can be repeated safely: it succeeds or raises
    `UniqueViolationError`.
    """

    outcome: Outcome = "unknown"


class InfrastructureError(RepositoryError):
    """Neither the request nor the program is at fault: settings, server or schema are."""


class ConnectError(InfrastructureError):
    """No connection could be made."""

    retryable = True


class CredentialsError(ConnectError):
    """The server refuses the user or the password."""

    retryable = False


class UnknownDatabaseError(ConnectError):
    """The server has no database of this name."""

    retryable = False


class SchemaMismatchError(InfrastructureError):
    """A table is missing (run `init_db`), or a column or type is missing or not as wide as the model's (migrate)."""


class NotPermittedError(InfrastructureError):
    """The role lacks a privilege (42501), or writes are excluded on purpose (25006): read only, or a chosen replica."""


class UnreadableRowError(InfrastructureError):
    """A stored value that Python cannot represent, or that a view refuses: another program wrote it, or a type differs.

    The text names the field of a view, and never the value.

    `outcome` is `"applied"` if the answer was that of a write outside a transaction.
    """


class SettingsError(InfrastructureError):
    """A setting is missing, malformed, or does not suit the server. The message names the variable, never its value."""


class EmbeddedServerError(InfrastructureError):
    """The embedded PostgreSQL is missing, in use, or cannot be started."""


class DatabaseError(InfrastructureError):
    """A refusal of the server that has no class of its own: see `sqlstate`."""


class ProgramError(RepositoryError):
    """The calling program is wrong: neither other data nor another try helps."""


class DefinitionError(ProgramError):
    """A repository class that could not keep its promises: refused when it is defined."""


class OwnerRequiredError(ProgramError):
    """A repository of an owned model needs a scope: call `owned_by(owner)`, or `every_owner()` for administration."""


class UsageError(ProgramError, TypeError):
    """An argument of a kind that the call does not take, or a call in the wrong place."""


class InvalidStatementError(ProgramError):
    """The server cannot run the statement, whatever the data: see `sqlstate`."""


class FailedTransactionError(ProgramError):
    """A transaction or savepoint was to be kept after a statement in it had failed: nothing of it is kept."""
