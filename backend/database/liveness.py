"""Replaces, before it is used, a connection that the server closed while it lay in the pool: no round trip.

A closed peer makes the socket readable. So does a notification or a settings message, hence the second look.
A peer that vanished without a word is not seen here: TCP keepalives and the pool's recycling are for that.
"""

import select
from typing import Protocol

import psycopg
from psycopg.pq import ConnStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError


class _Record(Protocol):
    """The part of the pool's record that is read here."""

    @property
    def driver_connection(self) -> object: ...


def watch(engine: Engine) -> None:
    """Checks every connection of the engine's pool as it is taken out."""
    event.listen(engine, "checkout", _refuse_closed)


def _refuse_closed(_connection: object, record: _Record, _proxy: object) -> None:
    connection = record.driver_connection
    if isinstance(connection, psycopg.Connection | psycopg.AsyncConnection) and _is_closed(connection.pgconn):
        raise DisconnectionError("the server closed the connection while it was idle")


def _is_closed(pgconn: PGconn) -> bool:
    if pgconn.status != ConnStatus.OK:
        return True
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        pgconn.consume_input()
    except psycopg.Error:
        return True
    return pgconn.status != ConnStatus.OK or bool(poll.poll(0))
