"""Finds out why a server refuses a connection: the SQLSTATE, which libpq does not report when a connect fails.

It connects once more while libpq traces the protocol, and reads the code from the trace.
"""

import re
import socket
import tempfile
from collections.abc import Collection
from typing import IO, Final, Self

import psycopg
from psycopg.pq import ConnStatus, PGconn, PollingStatus, Trace, abc

from backend.database.connections.places import Failure

ACCEPTED: Final = "00000"
"""The server took the second connection: the first one came a moment too early."""

_CODE = re.compile(rb'\tErrorResponse\t[^\n]*? C "([0-9A-Z]{5})"')


class ConnectProbe:
    """One more attempt to connect, as a context manager that closes it.

    If a cancelled task leaves the block while a thread is still starting the attempt, the thread closes it.
    """

    def __init__(self, conninfo: str, hosts: Collection[str]) -> None:
        self._conninfo = conninfo
        self._hosts = hosts
        self._are_known = True
        self._connection: abc.PGconn | None = None
        self._waiting = PollingStatus.WRITING
        self._trace: IO[bytes] | None = None
        self._is_closed = False
        self._has_begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True
        if self._connection is not None:
            self._connection.finish()
        if self._trace is not None:
            self._trace.close()

    def start(self) -> None:
        """Start the attempt; blocks while the host's name is looked up."""
        self._are_known = not self._hosts or any(map(_is_known, self._hosts))
        self._connection = connection = PGconn.connect_start(self._conninfo.encode())
        if self._is_closed:
            connection.finish()

    def trace(self) -> None:
        """Trace the server's messages from now on, if this libpq can."""
        connection = self._started
        self._has_begun = connection.status != ConnStatus.BAD
        if not self._has_begun:
            return
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        try:
            connection.trace(self._trace.fileno())
            connection.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        except psycopg.Error:  # this libpq cannot trace
            self._trace.close()
            self._trace = None

    @property
    def is_pending(self) -> bool:
        """Return whether the attempt goes on once the socket is ready."""
        return self._trace is not None and self._waiting in (PollingStatus.READING, PollingStatus.WRITING)

    @property
    def socket(self) -> int:
        """Return the socket to wait for; it changes when libpq tries another host."""
        return self._started.socket

    @property
    def waits_to_write(self) -> bool:
        """Return whether to wait until the socket can be written to, instead of read from."""
        return self._waiting == PollingStatus.WRITING

    def poll(self) -> None:
        """Read what has arrived and send the next message."""
        self._waiting = PollingStatus(self._started.connect_poll())

    def sqlstate(self) -> tuple[str | None, Failure]:
        """Return the SQLSTATE with which the server refused, `ACCEPTED`, or `None`; and how the attempt failed."""
        if not self._are_known:
            return None, "unknown"
        if self._trace is None:
            return None, "refused" if self._has_begun else "unbegun"
        if self._waiting == PollingStatus.OK:
            return ACCEPTED, "answered"
        if self.is_pending:
            return None, "silent"
        self._started.untrace()
        self._trace.seek(0)
        messages = self._trace.read()
        codes = _CODE.findall(messages)
        if codes:
            return codes[-1].decode(), "answered"
        return None, "closed" if messages else "refused"

    @property
    def _started(self) -> abc.PGconn:
        if self._connection is None:
            raise AssertionError("start() was not called")
        return self._connection


def _is_known(host: str) -> bool:
    if host.startswith(("/", "@")):  # a socket
        return True
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True


def with_sqlstate(error: psycopg.OperationalError, sqlstate: str | None) -> psycopg.Error:
    """Return the error in psycopg's class for the SQLSTATE, or the error itself if there is none."""
    try:
        return error if sqlstate is None else psycopg.errors.lookup(sqlstate)(str(error))
    except KeyError:
        return error
