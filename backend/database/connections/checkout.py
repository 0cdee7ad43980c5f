"""Prepares a connection at its checkout from the pool of an engine that was made here, without a round trip.

A connection that the server has closed is replaced. libpq reads what has arrived, without waiting: first the server's
messages (a notification, or why it closes), then the end of the stream. A peer that vanished silently is not noticed
here: TCP keepalives and the pool's recycling notice it.

The connection is put into the requested mode. It stays in autocommit mode when it goes back, so that consecutive calls
switch nothing; a later checkout that does not request autocommit turns it off. If a listener of the application left a
transaction open, which SQLAlchemy allows, the mode is not changed: the next statements join that transaction.

After a COMMIT that failed, SQLAlchemy takes the transaction for ended. If a listener of the application raised before
COMMIT was sent, it is still open, and is rolled back as the connection goes back. A connection that still awaits an
answer is closed then.
"""

from contextvars import ContextVar
from typing import Final, Protocol

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import PoolResetState

from backend.database.connections.forking import register_engine
from backend.database.connections.loops import require_own_loop

_ACTIVE: Final = TransactionStatus.ACTIVE  # Python 3.11 looks a member up in Python code each time
_OPEN: Final = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_IDLE: Final = TransactionStatus.IDLE
_OK: Final = ConnStatus.OK
_autocommit_requested: ContextVar[bool] = ContextVar("backend_autocommit", default=False)


class _DBAPIConnection(Protocol):
    """The driver's connection as SQLAlchemy presents it, synchronous or asynchronous."""

    autocommit: bool

    @property
    def read_only(self) -> bool | None: ...

    def set_read_only(self, value: bool | None, /) -> None: ...
    def rollback(self) -> None: ...


class _DriverConnection(Protocol):
    """psycopg's connection, synchronous or asynchronous."""

    @property
    def pgconn(self) -> PGconn: ...


class _Record(Protocol):
    """The part of the pool's record that is read here."""

    @property
    def driver_connection(self) -> _DriverConnection: ...

    def invalidate(self) -> None: ...


def install_checkout_listener(engine: Engine) -> None:
    """Install the listener that prepares each connection of the engine's pool at its checkout."""
    event.listen(engine, "checkout", _on_checkout)
    event.listen(engine, "reset", _on_reset)


def connect_autocommit(engine: Engine) -> Connection:
    """Return a connection of the pool, in autocommit mode if the engine was made here and sets no other mode."""
    register_engine(engine)  # it may belong to no `Database`
    require_own_loop(engine)
    token = _autocommit_requested.set(True)
    try:
        connection = engine.connect()
    finally:
        _autocommit_requested.reset(token)
    return connection


def may_switch_mode(connection: Connection) -> bool:
    """Return whether no transaction is open on the connection: a listener of the application's may have begun one."""
    driver = connection.connection.driver_connection
    return not connection.in_transaction() and driver is not None and _is_idle(driver.pgconn)


def switch_to_autocommit(connection: Connection) -> bool:
    """Switch the connection to AUTOCOMMIT, unless a transaction is open on it. Return whether it is in that mode."""
    proxy = connection.connection
    adapted, driver = proxy.dbapi_connection, proxy.driver_connection
    if adapted is not None and adapted.autocommit:
        return driver is not None and _is_idle(driver.pgconn)
    if not may_switch_mode(connection):
        return False
    connection.execution_options(isolation_level="AUTOCOMMIT")
    return True


def is_autocommit(connection: Connection) -> bool:
    """Return whether the connection is in autocommit mode."""
    driver = connection.connection.dbapi_connection
    return driver is not None and bool(driver.autocommit)


def _on_checkout(connection: _DBAPIConnection, record: _Record, _proxy: object) -> None:
    pgconn = record.driver_connection.pgconn
    if _is_closed(pgconn):
        raise DisconnectionError("the server closed the connection while it was idle")
    is_requested = _autocommit_requested.get()
    if is_requested:  # applies to this checkout only, not to a connection that another listener opens meanwhile
        _autocommit_requested.set(False)
    if connection.autocommit is not is_requested and _is_idle(pgconn):
        connection.autocommit = is_requested
    if connection.read_only is False and _is_idle(pgconn):  # SQLAlchemy's end of a read-only mode
        connection.set_read_only(None)  # else BEGIN would say READ WRITE, which a standby refuses


def _on_reset(connection: _DBAPIConnection, record: _Record | None, state: PoolResetState) -> None:
    if record is None:  # a detached connection, which is closed next
        return
    status = record.driver_connection.pgconn.transaction_status
    if status == _IDLE:
        return
    if status == _ACTIVE:  # a statement failed without an answer, and libpq does not know its end yet
        record.invalidate()
    elif status in _OPEN and state.transaction_was_reset and not state.terminate_only:
        connection.rollback()


def _is_idle(pgconn: PGconn) -> bool:
    return pgconn.transaction_status == _IDLE


def _is_closed(pgconn: PGconn) -> bool:
    try:
        pgconn.consume_input()
        pgconn.consume_input()
    except psycopg.Error:
        return True
    return pgconn.status != _OK
