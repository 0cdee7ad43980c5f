"""Finds out why a server refuses a connection: the SQLSTATE, which libpq does not report when a connect fails.

It connects once more while libpq traces the protocol, and reads code and message from the trace. A failure of TLS has
no code, and libpq's text says why: there it holds host names, and names of files and in certificates, nothing else.
"""

import re
import socket
import tempfile
from collections.abc import Collection
from typing import IO, Final, Self

import psycopg
from psycopg.pq import ConnStatus, PGconn, PollingStatus, Trace, abc

from backend.database.connections.neon import refusal
from backend.database.connections.places import ACCEPTED, Diagnosis

_OPENED: Final = b"\tReadyForQuery\t"
_REFUSED: Final = re.compile(rb'\tErrorResponse\t[^\n]*? C "([0-9A-Z]{5})" M "([^\n]*)')

_FINAL_FOR_TLS: Final = ("certificate", "does not support SSL")
"""Parts of libpq's and OpenSSL's texts, which is all that they report: nothing changes before a setting does."""


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
        self._step = ConnStatus.STARTED
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
        self._step = ConnStatus(self._started.status)
        self._waiting = PollingStatus(self._started.connect_poll())

    def diagnosis(self) -> Diagnosis:
        """Return why the attempt failed, or that the server accepted it."""
        if not self._are_known:
            return Diagnosis("unknown")
        if self._trace is None:
            return Diagnosis("refused" if self._has_begun else "unbegun")
        if self._waiting == PollingStatus.OK:
            return Diagnosis("answered", ACCEPTED, ACCEPTED)
        if self.is_pending:
            return Diagnosis("silent")
        return self._failure(self._trace)

    def _failure(self, trace: IO[bytes]) -> Diagnosis:
        self._started.untrace()
        trace.seek(0)
        messages = trace.read()
        refusals: list[tuple[bytes, bytes]] = _REFUSED.findall(messages)
        if refusals:
            return _refused(*(part.decode() for part in refusals[-1]))
        if self._step == ConnStatus.SSL_STARTUP:
            return _without_tls(self._started.get_error_message())
        if _OPENED in messages:
            return Diagnosis("unwanted")
        return Diagnosis("closed" if messages else "refused")

    @property
    def _started(self) -> abc.PGconn:
        if self._connection is None:
            raise AssertionError("start() was not called")
        return self._connection


def _refused(sqlstate: str, message: str) -> Diagnosis:
    means = refusal(sqlstate, message)
    return Diagnosis("answered", sqlstate, means.sqlstate, means.advice, is_final=means.sqlstate is None)


def _without_tls(text: str) -> Diagnosis:
    reason = text.splitlines()[0].rpartition(" failed: ")[2] if text else None
    return Diagnosis("tls", reason=reason, is_final=any(part in text for part in _FINAL_FOR_TLS))


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
