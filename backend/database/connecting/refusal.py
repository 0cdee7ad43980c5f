"""Why a server refuses a connection: its SQLSTATE, which libpq keeps to itself when a connect fails.

The server is asked once more, on a connection whose protocol libpq traces, and the code is read from the trace.
"""

import re
import tempfile
from contextlib import ExitStack
from typing import IO, Final, Self

import psycopg
from psycopg.pq import ConnStatus, PGconn, PollingStatus, Trace

ACCEPTED: Final = "00000"
"""The server took the second connection: the first one came a moment too early."""

_CODE = re.compile(rb'\tErrorResponse\t[^\n]*? C "([0-9A-Z]{5})"')


class Question:
    """One more attempt to connect, begun when it is made, traced and taken further within its block."""

    def __init__(self, conninfo: str) -> None:
        self._connection = PGconn.connect_start(conninfo.encode())
        self._waiting = PollingStatus.WRITING
        self._trace: IO[bytes] | None = None
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        self._closing.callback(self._connection.finish)
        try:
            if self._connection.status != ConnStatus.BAD:
                trace = self._closing.enter_context(tempfile.TemporaryFile())
                self._connection.trace(trace.fileno())
                self._connection.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
                self._trace = trace
        except psycopg.Error:  # this libpq cannot trace
            pass
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def is_open(self) -> bool:
        """Whether the server has yet to say something, once the socket is ready."""
        return self._trace is not None and self._waiting in (PollingStatus.READING, PollingStatus.WRITING)

    @property
    def socket(self) -> int:
        """The socket to wait for; another one after a host that did not answer."""
        return self._connection.socket

    @property
    def waits_to_write(self) -> bool:
        """Whether the socket is ready when it can be written to; else when it can be read from."""
        return self._waiting == PollingStatus.WRITING

    def proceed(self) -> None:
        """Takes what has come and sends what is next."""
        self._waiting = PollingStatus(self._connection.connect_poll())

    def answer(self) -> str | None:
        """The SQLSTATE with which the server refused, `ACCEPTED`, or `None` if no server said anything."""
        if self._trace is None:
            return None
        if self._waiting == PollingStatus.OK:
            return ACCEPTED
        self._connection.untrace()
        self._trace.seek(0)
        codes = _CODE.findall(self._trace.read())
        return codes[-1].decode() if codes else None


def with_sqlstate(error: psycopg.OperationalError, sqlstate: str | None) -> psycopg.Error:
    """The error as the class that psycopg has for the code, which carries it; as it is where there is none."""
    try:
        return error if sqlstate is None else psycopg.errors.lookup(sqlstate)(str(error))
    except KeyError:
        return error
