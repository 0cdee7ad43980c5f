"""Counts round trips as libpq itself traces them: client messages that follow server messages."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg.pq import Trace
from psycopg.pq.abc import PGconn
from sqlalchemy import Engine, event


class RoundTrips:
    """Counts the round trips of an engine's open connections."""

    def __init__(self, engine: Engine) -> None:
        self._connections: list[PGconn] = []
        self.last: int | None = 0
        """Round trips of the last counted block; `None` where libpq cannot trace."""
        event.listen(engine, "connect", self._opened)

    @contextmanager
    def counted(self) -> Generator[None]:
        """Counts what the block sends on connections that are open when it begins."""
        with tempfile.TemporaryFile() as trace:
            traced = [connection for connection in self._connections if _is_traced(connection, trace.fileno())]
            try:
                yield
            finally:
                for connection in traced:
                    connection.untrace()
                trace.seek(0)
                self.last = _flights(trace.read()) if len(traced) == len(self._connections) else None

    def _opened(self, connection: "psycopg.Connection[object]", _record: object) -> None:
        self._connections = [one for one in self._connections if one.socket >= 0]
        self._connections.append(connection.pgconn)


def _is_traced(connection: PGconn, descriptor: int) -> bool:
    try:
        connection.trace(descriptor)
        connection.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
    except psycopg.NotSupportedError:
        return False
    return True


def _flights(trace: bytes) -> int:
    senders = [line[:1] for line in trace.splitlines() if line[:1] in (b"F", b"B")]
    return sum(1 for before, sender in zip([b"B", *senders], senders, strict=False) if (before, sender) == (b"B", b"F"))
