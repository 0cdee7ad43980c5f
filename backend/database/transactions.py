"""How a transaction ends, and what a session's is held to once a repository, or a database's own session, takes part.

An error that ends it is not hidden by one of its ROLLBACK: a connection that is lost has no transaction any more.
PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed, and neither psycopg nor
SQLAlchemy says so: here that commit raises. A session that is closed over uncommitted writes warns.
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

from backend.database.failures import Phase, translate_error, translate_errors
from backend.database.forking import note, require_own
from backend.database.frames import raised_inside
from backend.database.operations import Operation
from backend.errors import FailedTransactionError

_KEY: Final = "backend.joined"


class UncommittedWritesWarning(UserWarning):
    """A session was closed while writes of a repository stood uncommitted in its transaction: they are gone.

    Not where an error leaves the session's block. On a plain `AsyncSession`, which does not tell, there too.
    """


class _TransactionState:
    """What repositories did in the transaction that the session is in; a session that has none is left alone."""

    def __init__(self) -> None:
        self.wrote: set[SessionTransaction] = set()
        """The transaction or savepoints that hold writes."""
        self.exception_at_write: BaseException | None = None
        """The error that was being handled when the last write was made, and so does not explain its loss."""
        self.connections: set[Connection] = set()
        self.is_committing = False
        """COMMIT is under way, and says itself what becomes of the writes."""

    def clear(self) -> None:
        self.wrote.clear()
        self.exception_at_write = None
        self.connections.clear()
        self.is_committing = False


def join(session: Session, connection: Connection) -> None:
    """Notes that the session's transaction is about to be used on this connection.

    Raises `UsageError` in a fork of the process that opened it.
    """
    require_own(connection)
    connections = session.info.setdefault(_KEY, _TransactionState()).connections
    if connection not in connections:
        note(connection)
        connections.add(connection)


def wrote(session: Session) -> None:
    """Notes that a repository has written in the session's transaction."""
    innermost = session.get_nested_transaction() or session.get_transaction()
    if innermost is not None and (state := _state_of(session)):
        state.wrote.add(innermost)
        state.exception_at_write = sys.exc_info()[1]


def abandon(session: Session) -> None:
    """Notes that an error ends the session, so that nobody expects its writes to be kept."""
    if state := _state_of(session):
        state.wrote.clear()


def require_not_failed(session: Session) -> None:
    """Raises `FailedTransactionError` if a statement failed in the session's transaction, as `join` does in a fork.

    SQLAlchemy undoes the transaction of a flush that fails; PostgreSQL takes no more statements after any other.
    """
    state = _state_of(session)
    connections = state.connections if state else ()
    for connection in connections:
        require_own(connection)
    undone = session.in_transaction() and not session.is_active
    if undone or any(one.invalidated or _status(one) == TransactionStatus.INERROR for one in connections):
        raise FailedTransactionError(
            "a statement of this transaction failed, so nothing of it can be kept: "
            "let the error leave the block, or put the statement into a savepoint (session.begin_nested())"
        )


def connection_of(
    session: Session,
    bind_arguments: dict[str, Any],  # as SQLAlchemy types them
    operation: Operation,
) -> Connection:
    """Return the connection of the session's transaction, taken with the first call in it.

    The first call in a savepoint sends SAVEPOINT here, whose failure is a statement's and not a connect's.
    """
    try:
        return session.connection(bind_arguments=bind_arguments)
    except Exception as error:
        is_savepoint = session.in_nested_transaction() and isinstance(error, DBAPIError) and error.statement is not None
        made = translate_error(error, operation, "statement" if is_savepoint else "connect")
        if made is error:
            raise
        raise made from None


_ENDS: Final = frozenset(end.__code__ for end in (Transaction.commit, Transaction.rollback, Transaction.close))


def end_of_savepoint(error: BaseException, operation: Operation) -> BaseException:
    """Return an error of RELEASE or ROLLBACK TO as one of this package, and every other as it is.

    Of all that a transaction's end sends, SQLAlchemy takes these two alone for statements.
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
    """Commits when its block ends, rolls back when it raises.

    `statement` and `phase` say what an error of the commit means.
    """
    try:
        yield
    except BaseException:
        with suppress(DBAPIError):
            transaction.rollback()
        raise
    with translate_errors(operation, phase, statement=statement):
        transaction.commit()


def prepare(session: Session, operation: Operation) -> None:
    """Flushes what is pending, so that where COMMIT gets no answer it was COMMIT that was sent.

    Raises `FailedTransactionError` if a statement failed before, and what a statement raises.
    """
    require_not_failed(session)
    with translate_errors(operation, "statement"):
        session.flush()


def commit(session: Session, operation: Operation) -> None:
    """Commits, prepared. Raises the errors of `backend.errors`."""
    prepare(session, operation)
    with translate_errors(operation, "commit"):
        session.commit()


def rollback(session: Session) -> None:
    """Rolls back, for an error that is to be raised."""
    abandon(session)  # it is known what becomes of the writes, also where ROLLBACK gets no answer
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
        if transaction in state.wrote:  # a savepoint that was not rolled back: what it wrote is its parent's
            state.wrote.remove(transaction)
            state.wrote.add(transaction.parent)
        return
    goes_on = any(_outlives_session(session, connection) for connection in state.connections)
    is_explained = state.is_committing or goes_on or sys.exc_info()[1] not in (None, state.exception_at_write)
    lost = bool(state.wrote) and not is_explained
    state.clear()
    if lost:
        place = _caller_frame()
        warnings.warn_explicit(  # with no registry, so that each loss is shown and not each place once
            "a session was closed over uncommitted repository writes, which are lost: call session.commit() first",
            UncommittedWritesWarning,
            place.f_code.co_filename,
            place.f_lineno,
        )


def _outlives_session(session: Session, connection: Connection) -> bool:
    """Whether the transaction is that of a connection which the session was bound to and leaves as it is."""
    if connection.closed or not connection.in_transaction():
        return False
    mode = session.join_transaction_mode
    return mode == "rollback_only" or (mode == "conditional_savepoint" and not connection.in_nested_transaction())


def _caller_frame() -> FrameType:
    """The frame that called SQLAlchemy; on a greenlet, where none leads there, the outermost."""
    frame = cast("FrameType", inspect.currentframe())  # CPython has frames
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(("sqlalchemy.", __name__)):
        frame = frame.f_back
    return frame


def _state_of(session: Session) -> _TransactionState | None:
    state = session.info.get(_KEY)
    return state if isinstance(state, _TransactionState) else None


def _status(connection: Connection) -> TransactionStatus:
    driver = connection.connection.driver_connection
    return TransactionStatus(driver.info.transaction_status) if driver is not None else TransactionStatus.UNKNOWN
