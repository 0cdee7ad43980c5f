"""What a connection goes through as it leaves the pool of an engine that was made here, at no round trip.

It is alive, or replaced. libpq reads what has come, without waiting: first what the server said, a notification or its
reason to close, then that it has closed. A peer that vanished without a word is not seen: TCP keepalives and the
pool's recycling are for that.

It is in the mode that is asked for. A connection stays in autocommit mode when it goes back, so that one call after
the other switches nothing; whoever takes it next without asking gets it back in transactions. Where a listener of the
application's left a transaction open, as SQLAlchemy lets it, the mode stays: the next work is in that transaction.
"""

from contextvars import ContextVar
from typing import Protocol

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError

from backend.database.forking import watch

_CONNECTIONS = (psycopg.Connection, psycopg.AsyncConnection)
_autocommit_requested: ContextVar[bool] = ContextVar("backend_autocommit", default=False)


class _DBAPIConnection(Protocol):
    """The driver's connection as SQLAlchemy shows it, the asynchronous one too."""

    autocommit: bool


class _Record(Protocol):
    """The part of the pool's record that is read here."""

    @property
    def driver_connection(self) -> object: ...


def install_checkout_listener(engine: Engine) -> None:
    """Prepares every connection of the engine's pool as it is taken out."""
    event.listen(engine, "checkout", _on_checkout)


def connect_autocommit(engine: Engine) -> Connection:
    """A connection of the pool, in autocommit mode where the engine was made here and sets no other."""
    watch(engine)  # it may be known to no database
    token = _autocommit_requested.set(True)
    try:
        connection = engine.connect()
    finally:
        _autocommit_requested.reset(token)
    return connection


def may_switch(connection: Connection) -> bool:
    """Return whether no transaction is open on the connection: a listener of the application's may have begun one."""
    driver = connection.connection.driver_connection
    return not connection.in_transaction() and driver is not None and _is_idle(driver.pgconn)


def autocommit(connection: Connection) -> bool:
    """Switch the connection to AUTOCOMMIT, unless a transaction is open on it. Return whether it is in that mode."""
    if is_autocommit(connection):
        driver = connection.connection.driver_connection
        return driver is not None and _is_idle(driver.pgconn)
    if not may_switch(connection):
        return False
    connection.execution_options(isolation_level="AUTOCOMMIT")
    return True


def is_autocommit(connection: Connection) -> bool:
    """Whether the connection is in autocommit mode."""
    driver = connection.connection.dbapi_connection
    return driver is not None and bool(driver.autocommit)


def _on_checkout(connection: _DBAPIConnection, record: _Record, _proxy: object) -> None:
    driver = record.driver_connection
    if not isinstance(driver, _CONNECTIONS):
        return
    if _is_closed(driver.pgconn):
        raise DisconnectionError("the server closed the connection while it was idle")
    asked = _autocommit_requested.get()
    if asked:
        _autocommit_requested.set(
            False
        )  # for this connection, not for one that a listener of the caller's takes beside it
    if connection.autocommit is not asked and _is_idle(driver.pgconn):
        connection.autocommit = asked


def _is_idle(pgconn: PGconn) -> bool:
    return pgconn.transaction_status == TransactionStatus.IDLE


def _is_closed(pgconn: PGconn) -> bool:
    try:
        pgconn.consume_input()
        pgconn.consume_input()
    except psycopg.Error:
        return True
    return pgconn.status != ConnStatus.OK
