"""Why a server refuses a connection: its SQLSTATE, which libpq keeps to itself when a connect fails.

The server is asked once more, on a connection whose protocol libpq traces, and the code is read from the trace.
"""

import re
import select
import tempfile
import time
from typing import Final

import psycopg
from psycopg.pq import ConnStatus, PGconn, PollingStatus, Trace
from psycopg.pq.abc import PGconn as AbstractPGconn

ACCEPTED: Final = "00000"
"""The server took the second connection: the first one came a moment too early."""

_CODE = re.compile(rb'\tErrorResponse\t[^\n]*? C "([0-9A-Z]{5})"')


def refusal(conninfo: str, within_s: float) -> str | None:
    """The SQLSTATE with which a server refuses this connection, `ACCEPTED`, or `None` if no server says anything."""
    connection = PGconn.connect_start(conninfo.encode())
    try:
        if connection.status == ConnStatus.BAD:
            return None
        with tempfile.TemporaryFile() as trace:
            connection.trace(trace.fileno())
            connection.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
            accepted = _is_accepted(connection, time.monotonic() + within_s)
            connection.untrace()
            trace.seek(0)
            codes = _CODE.findall(trace.read())
        return ACCEPTED if accepted else codes[-1].decode() if codes else None
    except psycopg.Error:  # this libpq cannot trace
        return None
    finally:
        connection.finish()


def with_sqlstate(error: psycopg.OperationalError, sqlstate: str | None) -> psycopg.Error:
    """The error as the class that psycopg has for the code, which carries it; as it is where there is none."""
    try:
        return error if sqlstate is None else psycopg.errors.lookup(sqlstate)(str(error))
    except KeyError:
        return error


def _is_accepted(connection: AbstractPGconn, deadline: float) -> bool:
    waiting = PollingStatus.WRITING
    while waiting in (PollingStatus.READING, PollingStatus.WRITING):
        poll = select.poll()
        poll.register(connection.socket, select.POLLIN if waiting == PollingStatus.READING else select.POLLOUT)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return False
        waiting = PollingStatus(connection.connect_poll())
    return waiting == PollingStatus.OK
