"""The guarantees that a session's transaction has once a repository or a `Database` session uses it.

If ROLLBACK fails too, the original error is raised: a connection that is lost has no transaction any more.
PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed, and neither psycopg nor
SQLAlchemy reports it: here that commit raises. Closing a session that has uncommitted writes issues a warning.
"""

import inspect
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, cast

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Executable, RootTransaction, Transaction, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction

from backend.database.connections.forking import note, require_own
from backend.database.failures.frames import raised_inside
from backend.database.failures.translate import Phase, translate_error, translate_errors
from backend.database.operations import Operation
from backend.errors import FailedTransactionError

_KEY: Final = "backend.joined"


class UncommittedWritesWarning(UserWarning):
    """A session was closed while its transaction had uncommitted writes of a repository: they are lost.

    Not issued when an exception leaves the session's block, except on a plain `AsyncSession`, which hides that
    exception from us.
    """


class _TransactionState:
    """What repositories did in the session's transaction. Only sessions that have this record are checked."""

    def __init__(self) -> None:
        self.wrote: set[SessionTransaction] = set()
        """The transaction or savepoints that hold writes."""
        self.exception_at_write: BaseException | None = None
        """The exception already being handled when the last write was made; it cannot be why the write was lost."""
        self.connections: set[Connection] = set()
        self.is_committing = False
        """COMMIT is under way: its own result says whether the writes are kept."""

    def clear(self) -> None:
        self.wrote.clear()
        self.exception_at_write = None
        self.connections.clear()
        self.is_committing = False


def track_connection(session: Session, connection: Connection) -> None:
    """Record that the session's transaction is about to use this connection.

    Raises `UsageError` in a fork of the process that opened it.
    """
    require_own(connection)
    connections = session.info.setdefault(_KEY, _TransactionState()).connections
    if connection not in connections:
        note(connection)
        connections.add(connection)


def record_write(session: Session) -> None:
    """Record that a repository has written in the session's transaction."""
    innermost = session.get_nested_transaction() or session.get_transaction()
    if innermost is not None and (state := _state_of(session)):
        state.wrote.add(innermost)
        state.exception_at_write = sys.exc_info()[1]


def forget_writes(session: Session) -> None:
    """Forget the writes of a session that an error ends: their loss needs no warning."""
    if state := _state_of(session):
        state.wrote.clear()


def require_not_failed(session: Session) -> None:
    """Raise `FailedTransactionError` if a statement failed in the session's transaction, and `UsageError` in a fork.

    After a failed flush SQLAlchemy rolls the transaction back; after any other statement PostgreSQL takes no more.
    """
    state = _state_of(session)
    connections = state.connections if state else ()
    for connection in connections:
        require_own(connection)
    is_rolled_back = session.in_transaction() and not session.is_active
    if is_rolled_back or any(_is_failed(connection) for connection in connections):
        raise FailedTransactionError(
            "a statement of this transaction failed, so nothing of it can be kept: "
            "let the error leave the block, or put the statement into a savepoint (session.begin_nested())"
        )


def connection_of(
    session: Session,
    bind_arguments: dict[str, Any],  # as SQLAlchemy types them
    operation: Operation,
) -> Connection:
    """Return the connection of the session's transaction; the first call in it checks the connection out.

    The first call in a savepoint sends SAVEPOINT here: if that fails, a statement failed and not a connect.
    """
    try:
        return session.connection(bind_arguments=bind_arguments)
    except Exception as error:
        is_savepoint = session.in_nested_transaction() and isinstance(error, DBAPIError) and error.statement is not None
        translated = translate_error(error, operation, "statement" if is_savepoint else "connect")
        if translated is error:
            raise
        raise translated from None


_ENDS: Final = frozenset(end.__code__ for end in (Transaction.commit, Transaction.rollback, Transaction.close))


def end_of_savepoint(error: BaseException, operation: Operation) -> BaseException:
    """Return an error of RELEASE or ROLLBACK TO as one of this package, and every other as it is.

    Of the commands that end a transaction, SQLAlchemy runs only these two as statements.
    """
    if isinstance(error, DBAPIError) and error.statement is not None and raised_inside(error, _ENDS):
        return translate_error(error, operation, "statement")
    return error


@contextmanager
def commit_or_rollback(
    transaction: RootTransaction | SessionTransaction,
    operation: Operation,
    statement: Executable | None = None,
    phase: Phase = "commit",
) -> Generator[None]:
    """Commit when the block ends, roll back when it raises.

    `statement` and `phase` describe an error of the commit.
    """
    try:
        yield
    except BaseException:
        with suppress(DBAPIError):
            transaction.rollback()
        raise
    with translate_errors(operation, phase, statement=statement):
        transaction.commit()


def flush_before_commit(session: Session, operation: Operation) -> None:
    """Flush, so that a lost answer after this is that of COMMIT and not of a flushed statement.

    Raises `FailedTransactionError` if a statement failed before, and the errors of a statement.
    """
    require_not_failed(session)
    with translate_errors(operation, "statement"):
        session.flush()


def commit(session: Session, operation: Operation) -> None:
    """Flush, then commit. Raises the errors of `backend.errors`."""
    flush_before_commit(session, operation)
    with translate_errors(operation, "commit"):
        session.commit()


def rollback(session: Session) -> None:
    """Roll back before an error is raised."""
    forget_writes(session)  # the writes are lost, even if ROLLBACK gets no answer
    with suppress(DBAPIError):
        session.rollback()


@event.listens_for(Session, "before_commit")
def _on_before_commit(session: Session) -> None:
    if state := _state_of(session):
        state.is_committing |= not session.in_nested_transaction()
        require_not_failed(session)


@event.listens_for(Session, "after_commit")
def _on_commit(session: Session) -> None:
    if (state := _state_of(session)) and not session.in_nested_transaction():
        state.clear()


@event.listens_for(Session, "after_rollback")
def _on_rollback(session: Session) -> None:
    if not (state := _state_of(session)):
        return
    if savepoint := session.get_nested_transaction():
        state.wrote.discard(savepoint)
    else:
        state.clear()


@event.listens_for(Session, "after_transaction_end")
def _warn_of_lost_writes(session: Session, transaction: SessionTransaction) -> None:
    if not (state := _state_of(session)):
        return
    if transaction.parent is not None:
        if transaction in state.wrote:  # a savepoint that was released: its writes are now its parent's
            state.wrote.remove(transaction)
            state.wrote.add(transaction.parent)
        return
    is_open = any(_outlives_session(session, connection) for connection in state.connections)
    is_explained = state.is_committing or is_open or sys.exc_info()[1] not in (None, state.exception_at_write)
    lost = bool(state.wrote) and not is_explained
    state.clear()
    if lost:
        place = _caller_frame()
        warnings.warn_explicit(  # without a registry, so that every loss is shown, not only the first at each place
            "a session was closed over uncommitted repository writes, which are lost: call session.commit() first",
            UncommittedWritesWarning,
            place.f_code.co_filename,
            place.f_lineno,
        )


def _outlives_session(session: Session, connection: Connection) -> bool:
    """Return whether the transaction belongs to a connection that the session was bound to and does not end."""
    if connection.closed or not connection.in_transaction():
        return False
    mode = session.join_transaction_mode
    return mode == "rollback_only" or (mode == "conditional_savepoint" and not connection.in_nested_transaction())


_LIBRARIES: Final = ("sqlalchemy.", "sqlmodel.", "backend.")


def _caller_frame() -> FrameType:
    """Return the frame that called SQLAlchemy or this package.

    On a greenlet, whose stack does not reach it, return the outermost frame.
    """
    frame = cast("FrameType", inspect.currentframe())  # CPython has frames
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(_LIBRARIES):
        frame = frame.f_back
    return frame


def _state_of(session: Session) -> _TransactionState | None:
    state = session.info.get(_KEY)
    return state if isinstance(state, _TransactionState) else None


def _is_failed(connection: Connection) -> bool:
    if connection.invalidated:
        return True
    driver = connection.connection.driver_connection
    return driver is not None and TransactionStatus(driver.info.transaction_status) == TransactionStatus.INERROR
