"""The state of a session's transaction: one record, kept in `session.info`, which `listeners` brings up to date.

A session of a `Database` gets its record with its first transaction, any other when a repository first joins a
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

from backend.database.connections.forking import register_connection, require_opened_here
from backend.errors import FailedTransactionError, UsageError

_KEY: Final = "backend.state"


@dataclass(slots=True, eq=False, repr=False)
class SessionState:
    """What is known of one session. The reference is weak, since `_open_transactions` may outlive the session."""

    session: ReferenceType[Session]
    opened_by: object = None
    """The process, thread and task that opened the transaction; `None` if no transaction of a
    `Database` session is open."""
    writes: set[SessionTransaction] = field(default_factory=set[SessionTransaction])
    """The transaction or savepoints that hold writes of repositories."""
    exception_at_write: BaseException | None = None
    """The exception that was being handled at the last write: it came before the write, and is not why it was lost."""
    connections: set[Connection] = field(default_factory=set[Connection])
    """The connections that the transaction uses."""
    is_committing: bool = False
    """COMMIT is under way: its own result says whether the writes are kept."""
    close_was_refused: bool = False
    """`close()` was refused while another task or thread connected the session."""
    guarded: SessionTransaction | None = None
    """The transaction of a run; while this is set, every commit is refused."""
    attempt: int = 1
    """Which attempt of a run the transaction is."""
    may_have_written: bool | None = None
    """Whether a statement of a run may have written; `None` outside a run."""
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
        if session is None or self.opened_by is None or self.opened_by != _current_task():
            return False
        if not session.in_transaction():  # a listener of the application raised when it ended
            return False
        return isinstance(session.bind, Engine) and session.bind.pool is engine.pool

    def track(self, connection: Connection) -> None:
        """Record that the transaction is about to use this connection. Raises `UsageError` for one of a parent."""
        require_opened_here(connection)
        if connection not in self.connections:
            register_connection(connection)
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
    state.opened_by = _current_task()
    others = [one for one in _open_transactions.get() if one is not state and one.opened_by and one.session()]
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
    """Forget the session's writes when an error ends its transaction: their loss needs no warning."""
    if state := state_of(session):
        state.writes.clear()


def require_not_failed(session: Session) -> None:
    """Raise `FailedTransactionError` if a statement failed in the session's transaction, and `UsageError` in a fork.

    After a failed flush SQLAlchemy has rolled the transaction back; after any other failed statement PostgreSQL refuses
    further ones.
    """
    state = state_of(session)
    connections = state.connections if state else ()
    for connection in connections:
        require_opened_here(connection)
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
