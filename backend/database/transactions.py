"""How a transaction ends, and what a session's is held to once a repository takes part in it.

An error that ends it is not hidden by one of its ROLLBACK: a connection that is lost has no transaction any more.
PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed, and neither psycopg nor
SQLAlchemy says so: here that commit raises. A session that is closed over uncommitted writes warns.
"""

import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final, cast

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, RootTransaction, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction

from backend.database.failures import Phase, Work, translating
from backend.errors import FailedTransactionError

_KEY: Final = "backend.joined"


class UncommittedWritesWarning(UserWarning):
    """A session was closed while writes of a repository stood uncommitted in its transaction: they are gone."""


@contextmanager
def committing(
    transaction: RootTransaction | SessionTransaction, work: Work, phase: Phase = "commit"
) -> Generator[None]:
    """Commits when its block ends, rolls back when it raises; `phase` says what an error of the commit means."""
    try:
        yield
    except BaseException:
        with suppress(DBAPIError):
            transaction.rollback()
        raise
    with translating(work, phase):
        transaction.commit()


def commit(session: Session, work: Work) -> None:
    """Commits. What is pending is flushed before, so that where COMMIT gets no answer it was COMMIT that was sent."""
    with translating(work, "statement"):
        session.flush()
    with translating(work, "commit"):
        session.commit()


def rollback(session: Session) -> None:
    """Rolls back, for an error that is to be raised."""
    state = session.info.get(_KEY)
    if isinstance(state, _Joined):
        state.wrote = False  # it is known what becomes of the writes, also where ROLLBACK gets no answer
    with suppress(DBAPIError):
        session.rollback()


class _Joined:
    """What repositories did in the transaction that the session is in."""

    def __init__(self) -> None:
        self.wrote = False
        self.connections: dict[int, Connection] = {}

    def clear(self) -> None:
        self.wrote = False
        self.connections.clear()


def join(session: Session, connection: Connection) -> None:
    """Notes that a repository is about to use the session's transaction on this connection."""
    state = session.info.get(_KEY)
    if not isinstance(state, _Joined):
        state = session.info[_KEY] = _Joined()
        event.listen(session, "before_commit", _refuse_failed)
        event.listen(session, "after_commit", _forget)
        event.listen(session, "after_rollback", _forget)
        event.listen(session, "after_transaction_end", _warn_of_lost_writes)
    state.connections[id(connection)] = connection


def wrote(session: Session) -> None:
    """Notes that a repository has written in the session's transaction."""
    _state(session).wrote = True


def _refuse_failed(session: Session) -> None:
    state = _state(session)
    if not session.in_nested_transaction():
        state.wrote = False  # from here on the commit itself says what became of the writes
    for connection in state.connections.values():
        if connection.invalidated or _status(connection) == TransactionStatus.INERROR:
            raise FailedTransactionError(
                "a statement of this transaction failed, so nothing of it can be kept: "
                "let the error leave the block, or put the statement into a savepoint (session.begin_nested())"
            )


def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        _state(session).clear()


def _warn_of_lost_writes(session: Session, transaction: SessionTransaction) -> None:
    state = _state(session)
    if transaction.parent is not None:
        return
    lost = state.wrote and sys.exc_info()[0] is None
    state.clear()
    if lost:
        warnings.warn(
            "a session was closed over uncommitted repository writes, which are lost: call session.commit() first",
            UncommittedWritesWarning,
            stacklevel=2,
        )


def _state(session: Session) -> _Joined:
    return cast("_Joined", session.info[_KEY])  # `joined` put it there before it listened


def _status(connection: Connection) -> TransactionStatus:
    driver = connection.connection.driver_connection
    return TransactionStatus(driver.info.transaction_status) if driver is not None else TransactionStatus.UNKNOWN
