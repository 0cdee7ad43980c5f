"""Every listener to SQLAlchemy's sessions, in one table: they bring a session's record up to date, and check it."""

import sys
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from backend.database.connections.checkout import is_autocommit
from backend.database.failures.effects import may_write_sql
from backend.database.sessions.sessions import DatabaseSession
from backend.database.sessions.state import (
    SessionState,
    ensure_state,
    record_begin,
    require_not_failed,
    state_of,
    transaction_ended,
)
from backend.database.sessions.warning import warn_of_lost_writes
from backend.errors import UsageError


def _on_begin(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        record_begin(session)


def _on_connection(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    if is_autocommit(connection):
        raise UsageError(
            "this engine is set to AUTOCOMMIT, where nothing can be undone: "
            "make the database of an engine without that isolation level"
        )
    state = ensure_state(session)
    state.track(connection)
    if state.may_have_written is not None:
        _detect_writes(state, connection)


def _detect_writes(state: SessionState, connection: Connection) -> None:
    def on_execute(used: Connection, _cursor: object, sql: str, _values: object, _context: object, _: bool) -> None:
        state.require_open()
        state.used_connections.add(used)
        state.may_have_written = state.may_have_written or may_write_sql(sql)

    event.listen(connection, "before_cursor_execute", on_execute)


def _on_before_commit(session: Session) -> None:
    if state := state_of(session):
        is_whole = not session.in_nested_transaction()
        state.is_committing |= is_whole
        require_not_failed(session)
        if is_whole and state.guarded is not None:
            raise transaction_ended()


def _on_commit(session: Session) -> None:
    if (state := state_of(session)) and not session.in_nested_transaction():
        state.clear()


def _on_rollback(session: Session) -> None:
    if not (state := state_of(session)):
        return
    if savepoint := session.get_nested_transaction():
        state.writes.discard(savepoint)
    else:
        state.clear()


def _on_end(session: Session, transaction: SessionTransaction) -> None:
    if not (state := state_of(session)):
        return
    if transaction.parent is not None:
        if transaction in state.writes:  # a savepoint that was released: its writes are now its parent's
            state.writes.remove(transaction)
            state.writes.add(transaction.parent)
        return
    state.opened_by = None
    is_open = any(_outlives_session(session, connection) for connection in state.connections)
    is_explained = state.is_committing or is_open or sys.exc_info()[1] not in (None, state.exception_at_write)
    is_lost = bool(state.writes) and not is_explained
    state.clear()
    if is_lost:
        warn_of_lost_writes()


def _outlives_session(session: Session, connection: Connection) -> bool:
    """Return whether the transaction belongs to a connection that the session was bound to and does not end."""
    if connection.closed or not connection.in_transaction():
        return False
    mode = session.join_transaction_mode
    return mode == "rollback_only" or (mode == "conditional_savepoint" and not connection.in_nested_transaction())


LISTENERS: Final[tuple[tuple[type[Session], str, Callable[..., None]], ...]] = (
    (DatabaseSession, "after_transaction_create", _on_begin),
    (DatabaseSession, "after_begin", _on_connection),
    (Session, "before_commit", _on_before_commit),
    (Session, "after_commit", _on_commit),
    (Session, "after_rollback", _on_rollback),
    (Session, "after_transaction_end", _on_end),
)
"""The sessions, the event, and what is called."""

for _kind, _name, _listener in LISTENERS:
    event.listen(_kind, _name, _listener)
