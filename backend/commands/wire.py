"""Counts round trips in the trace of libpq: client messages that follow server messages."""

import re
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import IO, Final

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
            traced = [connection for connection, trace in traces.items() if _start_trace(connection, trace)]
            try:
                yield
            finally:
                for connection in traced:
                    if connection.status == ConnStatus.OK:
                        connection.untrace()
                is_complete = traced == watched == self._connections
                self.last = sum(_count_round_trips(trace) for trace in traces.values()) if is_complete else None

    def _on_connect(self, connection: "psycopg.Connection[object]", _record: object) -> None:
        self._connections.append(connection.pgconn)


def _start_trace(connection: PGconn, trace: IO[bytes]) -> bool:
    try:
        connection.trace(trace.fileno())
        connection.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
    except psycopg.NotSupportedError:
        return False
    return True


def _count_round_trips(trace: IO[bytes]) -> int:
    trace.seek(0)
    senders = [sender for sender, message in _MESSAGE.findall(trace.read()) if message != b"Terminate"]
    return sum(1 for before, sender in zip([b"B", *senders], senders, strict=False) if (before, sender) == (b"B", b"F"))
