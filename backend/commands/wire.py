"""Counts round trips in the trace of libpq: client messages that follow server messages."""

import re
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import IO, Final, Self

import psycopg
from psycopg.pq import ConnStatus, Trace
from psycopg.pq.abc import PGconn
from sqlalchemy import Engine, event

_MESSAGE: Final = re.compile(rb"^([FB])\t\d+\t(\w+)", re.MULTILINE)
"""A line of a trace: sender, length, message type."""


class RoundTrips:
    """Counts the round trips of an engine's open connections."""

    def __init__(self, engine: Engine) -> None:
        self._connections: list[PGconn] = []
        self.last: int | None = 0
        """Round trips of the last counted block; `None` where libpq cannot trace, or the block opened a connection."""
        event.listen(engine, "connect", self._on_connect)

    @contextmanager
    def counted(self) -> Generator[None]:
        """Count the round trips of the block."""
        self._connections = [connection for connection in self._connections if connection.status == ConnStatus.OK]
        watched = list(self._connections)
        with ExitStack() as files:
            traces = {connection: files.enter_context(tempfile.TemporaryFile()) for connection in watched}
            traced = [connection for connection, trace in traces.items() if start_trace(connection, trace)]
            try:
                yield
            finally:
                for connection in traced:
                    if connection.status == ConnStatus.OK:
                        connection.untrace()
                is_complete = traced == watched == self._connections
                self.last = sum(count_round_trips(trace) for trace in traces.values()) if is_complete else None

    def _on_connect(self, connection: "psycopg.Connection[object]", _record: object) -> None:
        self._connections.append(connection.pgconn)


class FirstConnect:
    """Counts the round trips of an engine's first connection, from when it is open until it is first given back."""

    def __init__(self, engine: Engine) -> None:
        self._connection: PGconn | None = None
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self.round_trips: int | None = None
        """`None` where libpq cannot trace, for a connection that broke, and before it is given back."""
        event.listen(engine, "connect", self._on_connect, insert=True, once=True)  # before SQLAlchemy asks anything
        event.listen(engine, "checkin", self._on_checkin, insert=True, once=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._trace.close()

    def _on_connect(self, connection: "psycopg.Connection[object]", _record: object) -> None:
        if start_trace(connection.pgconn, self._trace):
            self._connection = connection.pgconn

    def _on_checkin(self, _connection: object, _record: object) -> None:
        if self._connection is not None and self._connection.status == ConnStatus.OK:
            self._connection.untrace()
            self.round_trips = count_round_trips(self._trace)


def start_trace(connection: PGconn, trace: IO[bytes]) -> bool:
    """Trace the protocol of a connection. Return whether this libpq can."""
    try:
        connection.trace(trace.fileno())
        connection.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
    except psycopg.NotSupportedError:
        return False
    return True


def count_round_trips(trace: IO[bytes]) -> int:
    """Return how many round trips a trace shows."""
    trace.seek(0)
    senders = [sender for sender, message in _MESSAGE.findall(trace.read()) if message != b"Terminate"]
    return sum(1 for before, sender in zip([b"B", *senders], senders, strict=False) if (before, sender) == (b"B", b"F"))
