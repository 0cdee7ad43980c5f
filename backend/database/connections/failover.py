"""Gives up the connections to a server that has become a standby, so that the next checkout finds the writer.

A server tells its sessions when it is a standby, and when transactions become read only by default (PostgreSQL 14 and
newer), so this takes no round trip. A transaction that is read only on purpose changes neither.
"""

from typing import Final

import psycopg
from sqlalchemy import Engine, ExceptionContext, event

_MEANT_FOR_READING: Final = ("read-only", "standby", "prefer-standby")
"""Values of target_session_attrs with which a standby is what the URL asks for."""


def install_failover_listener(engine: Engine) -> None:
    """Install the listener that gives up the engine's connections once a write was refused for this reason."""
    event.listen(engine, "handle_error", _on_error)


def _on_error(context: ExceptionContext) -> None:
    connection = context.connection
    if not isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction) or connection is None:
        return
    driver = None if connection.closed or connection.invalidated else connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection | psycopg.AsyncConnection) and not driver.read_only:
        context.is_disconnect = _takes_no_writes(driver.info)


def _takes_no_writes(session: psycopg.ConnectionInfo) -> bool:
    """Return whether the server refuses every write, although the URL asks for no standby."""
    wanted = session.get_parameters().get("target_session_attrs")
    if wanted in _MEANT_FOR_READING:
        return False
    if session.parameter_status("in_hot_standby") == "on":
        return True
    # when it connected, libpq refused a session that is read only by default
    return wanted == "read-write" and session.parameter_status("default_transaction_read_only") == "on"
