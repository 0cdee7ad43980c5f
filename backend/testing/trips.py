"""Counts the round trips of a block, and lists what was sent: statements, never their parameters."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum, auto
from typing import Final, TypeAlias

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.orm import Session as PlainSession
from typing_extensions import override

from backend.database import AsyncDatabase, Database
from backend.errors import UsageError, described

Target: TypeAlias = Database | AsyncDatabase | PlainSession | PlainAsyncSession | Engine | AsyncEngine
"""Whose round trips are counted: those of its engine, or of the connection that a session is bound to."""

_IDLE: Final = TransactionStatus.IDLE


class _Command(Enum):
    """What psycopg sends for SQLAlchemy: names of an enum, as no string of the package holds SQL."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()


class RoundTrips:
    """What was sent within `round_trips`, one item for each round trip."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        """The statements and `BEGIN`, `COMMIT`, `ROLLBACK`, in the order in which they were sent."""

    @property
    def count(self) -> int:
        """Return how many round trips there were."""
        return len(self.statements)

    def __iter__(self) -> Iterator[str]:
        return iter(self.statements)

    @override
    def __str__(self) -> str:
        lines = (f"  {at}. {statement}" for at, statement in enumerate(self.statements, 1))
        return "\n".join([f"{self.count} round trip{'s' * (self.count != 1)}", *lines])


@contextmanager
def round_trips(target: Target, expected: int | None = None) -> Generator[RoundTrips]:
    """Count the round trips of the block; with `expected`, fail with a list of them if there is another number.

        with round_trips(session, expected=1):
            notes.create(NoteCreate(text="x"))

    It counts what SQLAlchemy sends: each statement, BEGIN, COMMIT, ROLLBACK and savepoint, from any thread or task. It
    does not count connecting, nor what psycopg sends by itself, such as PREPARE. For the fixtures `session` and
    `async_session` it leaves out the savepoint that replaces the transaction of a call, as production has none.

    Raises `AssertionError` for another number, `UsageError` for another target.
    """
    __tracebackhide__ = True
    counter = _Counter(target)
    with counter.listening():
        yield counter.trips
    if expected is not None and counter.trips.count != expected:
        raise AssertionError(f"expected {expected}, got {counter.trips}")


class _Counter:
    def __init__(self, target: Target) -> None:
        self.trips = RoundTrips()
        self._session = _sync_session(target)
        self._engine, self._connection = _engine_of(target if self._session is None else self._session)
        self._is_within = self._connection is not None and self._connection.in_transaction()
        """Whether the session is in a transaction of its connection, whose BEGIN is not the block's."""
        self._replaced_at: int | None = None
        """How many were counted when a savepoint began that replaces the transaction of a call, while it is open."""
        self._skips_next = False
        """Whether the next statement begins or ends such a savepoint."""

    @contextmanager
    def listening(self) -> Generator[None]:
        listeners: dict[str, Callable[..., None]] = {
            "before_cursor_execute": self._on_statement,
            "commit": self._on_commit,
            "rollback": self._on_rollback,
            "savepoint": self._on_savepoint,
            "release_savepoint": self._on_end_of_savepoint,
            "rollback_savepoint": self._on_end_of_savepoint,
        }
        with ExitStack() as stack:
            for name, listener in listeners.items():
                event.listen(self._engine, name, listener)
                stack.callback(event.remove, self._engine, name, listener)
            yield

    def _on_statement(self, connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if not self._is_counted(connection):
            return
        if self._skips_next:
            self._skips_next = False
            return
        if _status(connection) == _IDLE and not _is_autocommit(connection) and not self._is_within:
            self.trips.statements.append(_Command.BEGIN.name)  # psycopg sends it before the first statement
        self.trips.statements.append(" ".join(statement.split()))

    def _on_commit(self, connection: Connection) -> None:
        self._on_end(connection, _Command.COMMIT)

    def _on_rollback(self, connection: Connection) -> None:
        self._on_end(connection, _Command.ROLLBACK)

    def _on_end(self, connection: Connection, command: _Command) -> None:
        if self._is_counted(connection) and _status(connection) not in (_IDLE, TransactionStatus.UNKNOWN):
            self.trips.statements.append(command.name)

    def _on_savepoint(self, connection: Connection, _name: str) -> None:
        if self._connection is connection and self._session is not None and not self._session.in_transaction():
            self._replaced_at, self._skips_next = self.trips.count, True

    def _on_end_of_savepoint(self, _connection: Connection, _name: str, _context: object) -> None:
        if self._replaced_at is None:
            return
        if self.trips.count > self._replaced_at + 1:  # a call of several statements has a transaction in production
            self.trips.statements.insert(self._replaced_at, _Command.BEGIN.name)
            self.trips.statements.append(_Command.COMMIT.name)
        self._replaced_at, self._skips_next = None, True

    def _is_counted(self, connection: Connection) -> bool:
        return self._connection is None or self._connection is connection


def _sync_session(target: Target) -> PlainSession | None:
    if isinstance(target, PlainAsyncSession):
        return target.sync_session
    return target if isinstance(target, PlainSession) else None


def _engine_of(target: Target) -> tuple[Engine, Connection | None]:
    """Return the engine to listen to, and the only connection to count, if it is one."""
    if isinstance(target, PlainSession):
        bind = target.get_bind()
        return (bind.engine, bind) if isinstance(bind, Connection) else (bind, None)
    engine = target.engine if isinstance(target, Database | AsyncDatabase) else target
    if isinstance(engine, AsyncEngine):
        return engine.sync_engine, None
    if isinstance(engine, Engine):
        return engine, None
    raise UsageError(f"round_trips() takes a database, a session or an engine, got {described(target)}")


def _status(connection: Connection) -> TransactionStatus:
    driver = None if connection.invalidated else connection.connection.driver_connection
    return TransactionStatus.UNKNOWN if driver is None else TransactionStatus(driver.info.transaction_status)


def _is_autocommit(connection: Connection) -> bool:
    adapted = connection.connection.dbapi_connection
    return adapted is not None and bool(adapted.autocommit)
