"""Counts round trips as libpq itself traces them: client messages that follow server messages."""

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
"""A line of a trace: who sent, the length, what."""


class RoundTrips:
    """Counts the round trips of an engine's open connections."""

    def __init__(self, engine: Engine) -> None:
        self._connections: list[PGconn] = []
        self.last: int | None = 0
        """Round trips of the last counted block; `None` where libpq cannot trace, or the block opened a connection."""
        event.listen(engine, "connect", self._opened)

    @contextmanager
    def counted(self) -> Generator[None]:
        """Counts what the block sends."""
        self._connections = [one for one in self._connections if one.status == ConnStatus.OK]
        watched = list(self._connections)
        with ExitStack() as files:
            traces = {one: files.enter_context(tempfile.TemporaryFile()) for one in watched}
            traced = [one for one, trace in traces.items() if _is_traced(one, trace)]
            try:
                yield
            finally:
                for one in traced:
                    if one.status == ConnStatus.OK:
                        one.untrace()
                is_whole = traced == watched == self._connections
                self.last = sum(_count_round_trips(trace) for trace in traces.values()) if is_whole else None

    def _opened(self, connection: "psycopg.Connection[object]", _record: object) -> None:
        self._connections.append(connection.pgconn)


def _is_traced(connection: PGconn, trace: IO[bytes]) -> bool:
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
