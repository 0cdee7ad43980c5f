"""The state of a session's transaction: one record, kept in `session.info`, which `listeners` brings up to date.

A session of a `Database` has a record from its first transaction on, any other one since a repository took part in a
transaction of it. Only sessions that have a record are checked.
"""

import asyncio
import os
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final
from weakref import ReferenceType, ref

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, SessionTransaction

from backend.database.connections.forking import note, require_own
from backend.errors import FailedTransactionError, UsageError

_KEY: Final = "backend.state"


@dataclass(slots=True, eq=False, repr=False)
class SessionState:
    """What is known of one session. The records of a task refer to it for longer than the session lives."""

    session: ReferenceType[Session]
    task: object = None
    """The process, thread and task that opened the transaction; `None` if none is open, or none of a `Database`'s."""
    writes: set[SessionTransaction] = field(default_factory=set[SessionTransaction])
    """The transaction or savepoints that hold writes of repositories."""
    exception_at_write: BaseException | None = None
    """The exception already being handled when the last write was made; it cannot be why the write was lost."""
    connections: set[Connection] = field(default_factory=set[Connection])
    """The connections that the transaction uses."""
    is_committing: bool = False
    """COMMIT is under way: its own result says whether the writes are kept."""
    is_closed_in_use: bool = False
    """`close()` was refused while another task or thread connected the session."""
    guarded: SessionTransaction | None = None
    """The transaction of a run: while it is guarded, every commit is refused."""
    attempt: int = 1
    """Which attempt of a run the transaction is."""
    may_have_written: bool | None = None
    """Whether a statement of a run may have written; `None` if nobody asks."""
    used_connections: set[Connection] = field(default_factory=set[Connection])
    """The connections on which the transaction of a run has sent a statement."""

    def clear(self) -> None:
        """Forget what belongs to the transaction that has ended."""
        self.writes.clear()
        self.exception_at_write = None
        self.connections.clear()
        self.used_connections.clear()
        self.is_committing = False

    def is_on(self, engine: Engine) -> bool:
        """Return whether a transaction of the running task is open on the engine's pool.

        Engines made by `execution_options` share the pool.
        """
        session = self.session()
        if session is None or self.task is None or self.task != _current_task():
            return False
        if not session.in_transaction():  # a listener of the application raised when it ended
            return False
        return isinstance(session.bind, Engine) and session.bind.pool is engine.pool

    def track(self, connection: Connection) -> None:
        """Record that the transaction is about to use this connection. Raises `UsageError` for one of a parent."""
        require_own(connection)
        if connection not in self.connections:
            note(connection)
            self.connections.add(connection)

    def require_open(self) -> None:
        """Raise `UsageError` if the work of a run ended its transaction on the driver's own connection."""
        if any(_status(connection) == TransactionStatus.IDLE for connection in self.used_connections):
            error = transaction_ended()
            error.outcome = "unknown"
            raise error

    def release(self, transaction: SessionTransaction | None) -> None:
        """Allow the commit. Raises `UsageError` if the transaction is not the guarded one."""
        if transaction is not self.guarded:
            raise transaction_ended()
        self.guarded = None


_open_transactions: ContextVar[tuple[SessionState, ...]] = ContextVar("backend_transactions", default=())


def state_of(session: Session) -> SessionState | None:
    """Return the session's record, if it has one."""
    state = session.info.get(_KEY)
    return state if isinstance(state, SessionState) else None


def ensure_state(session: Session) -> SessionState:
    """Return the session's record, a new one if it has none."""
    state = session.info.get(_KEY)
    if isinstance(state, SessionState):
        return state
    created = session.info[_KEY] = SessionState(ref(session))
    return created


def record_begin(session: Session) -> None:
    """Record that the running task has begun a transaction of the session."""
    state = ensure_state(session)
    state.task = _current_task()
    others = [one for one in _open_transactions.get() if one is not state and one.task and one.session()]
    _open_transactions.set((*others, state))


def is_in_transaction(engine: Engine) -> bool:
    """Return whether the running thread or task is in a transaction of a session on this engine."""
    return any(state.is_on(engine) for state in _open_transactions.get())


def record_write(session: Session) -> None:
    """Record that a repository has written in the session's transaction."""
    innermost = session.get_nested_transaction() or session.get_transaction()
    if innermost is not None and (state := state_of(session)):
        state.writes.add(innermost)
        state.exception_at_write = sys.exc_info()[1]


def forget_writes(session: Session) -> None:
    """Forget the writes of a session that an error ends: their loss needs no warning."""
    if state := state_of(session):
        state.writes.clear()


def require_not_failed(session: Session) -> None:
    """Raise `FailedTransactionError` if a statement failed in the session's transaction, and `UsageError` in a fork.

    After a failed flush SQLAlchemy rolls the transaction back; after any other statement PostgreSQL takes no more.
    """
    state = state_of(session)
    connections = state.connections if state else ()
    for connection in connections:
        require_own(connection)
    is_rolled_back = session.in_transaction() and not session.is_active
    if is_rolled_back or any(_is_failed(connection) for connection in connections):
        raise FailedTransactionError(
            "a statement of this transaction failed, so nothing of it can be kept: "
            "let the error leave the block, or put the statement into a savepoint (session.begin_nested())"
        )


def transaction_ended() -> UsageError:
    """Return the error for the work of a run that ends its transaction."""
    return UsageError("the work of run() ended its transaction: leave commit and rollback to run()")


def _is_failed(connection: Connection) -> bool:
    return connection.invalidated or _status(connection) == TransactionStatus.INERROR


def _status(connection: Connection) -> TransactionStatus:
    driver = None if connection.invalidated else connection.connection.driver_connection
    return TransactionStatus.UNKNOWN if driver is None else TransactionStatus(driver.info.transaction_status)


def _current_task() -> tuple[int, int, object]:
    """Return the running process, thread and, in an event loop, task: a fork and a new task inherit the records."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop
        task = None
    return os.getpid(), threading.get_ident(), None if task is None else ref(task)
