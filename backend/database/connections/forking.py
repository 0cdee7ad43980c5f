"""Keeps a forked child process from using the connections of its parent.

A fork copies the sockets: parent and child would read each other's answers, and the child could end the parent's
session by closing it. In the child each inherited socket is therefore replaced by a closed one, on which nothing can
be sent, and each pool by an empty one. The parent's sockets, sessions and pools are not changed.
"""

import os
import socket
from typing import Final, Protocol
from weakref import WeakSet

import psycopg
from sqlalchemy import Connection, Engine, Pool, event
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import TypeIs

from backend.errors import UsageError


class _Record(Protocol):
    """The part of the pool's record that is read here."""

    @property
    def driver_connection(self) -> object: ...


class _DriverConnection(Protocol):
    """psycopg's connection, the asynchronous one too."""

    @property
    def closed(self) -> bool: ...
    def fileno(self) -> int: ...


_engines: Final = WeakSet[Engine]()
_connections: Final = WeakSet[_DriverConnection]()
_inherited: Final = set[object]()
"""In a child: the parent's connections, kept so that nothing finalizes them here."""

_pools: Final = list[Pool]()
"""In a child: the parent's pools, kept because they alone refer to some of the parent's connections."""


def register_engine(engine: Engine | AsyncEngine) -> None:
    """Register an engine and each connection that its pool opens later. Raises `UsageError` for another driver."""
    if isinstance(engine, AsyncEngine):
        engine = engine.sync_engine
    if engine not in _engines:
        _require_psycopg(engine)
        _engines.add(engine)
        event.listen(engine, "connect", _on_connect)


def register_connection(connection: Connection) -> None:
    """Register a connection that is in use, whoever opened it, and its engine."""
    register_engine(connection.engine)
    if not connection.closed and not connection.invalidated:
        _register(connection.connection.driver_connection)


def require_opened_here(connection: Connection) -> None:
    """Raise `UsageError` if the parent process opened the connection."""
    if not _inherited or connection.closed or connection.invalidated:
        return
    if connection.connection.driver_connection in _inherited:
        raise UsageError(
            "the connection was opened by the parent process, and a forked child cannot use it: "
            "open a session in this process"
        )


def _require_psycopg(engine: Engine) -> None:
    name, driver = engine.dialect.name, engine.dialect.driver
    if (name, driver) != ("postgresql", "psycopg"):
        raise UsageError(
            f"the engine is one of {name}+{driver}, expected PostgreSQL with the driver psycopg: "
            f'{"create_async_engine" if engine.dialect.is_async else "create_engine"}("postgresql+psycopg://…")'
        )


def _on_connect(_connection: object, record: _Record) -> None:
    _register(record.driver_connection)


def _register(driver: object) -> None:
    if _is_psycopg(driver):
        _connections.add(driver)


def _is_psycopg(driver: object) -> TypeIs[_DriverConnection]:
    return isinstance(driver, psycopg.Connection | psycopg.AsyncConnection)


def _leave_to_parent() -> None:
    for engine in list(_engines):
        _pools.append(engine.pool)
        engine.dispose(close=False)
    connections = list(_connections)
    _inherited.update(connections)
    _connections.clear()
    closed, peer = socket.socketpair()
    peer.close()
    with closed:
        for connection in connections:
            if not connection.closed:
                os.dup2(closed.fileno(), connection.fileno(), inheritable=False)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_leave_to_parent)
