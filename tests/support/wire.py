"""A proxy that speaks PostgreSQL's protocol as far as counting needs: round trips are counted on the wire.

A round trip is a batch of client messages, up to Sync or Query, that follows an answer of the server. It is noted
before its bytes are passed on, so what a test reads after a call is complete.
"""

import asyncio
import contextlib
import shutil
import struct
import tempfile
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was sent: its SQL, and its parameters as bytes."""

    sql: str
    parameters: tuple[bytes | None, ...] = ()


@dataclass
class Seen:
    """What passed while it was watched."""

    flights: int = 0
    """Round trips of open connections."""
    connects: int = 0
    """Connections opened; their own round trips are not in `flights`."""
    statements: list[Statement] = field(default_factory=list[Statement])


class WireProxy:
    """Listens on a unix socket of its own and passes everything on to a server, as a context manager."""

    def __init__(self, upstream: Path | tuple[str, int]) -> None:
        self._upstream = upstream
        self._folder = Path(tempfile.mkdtemp(prefix="wire-"))
        self._watching: list[Seen] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._links: set[_Link] = set()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self._folder}"

    @property
    def statuses(self) -> list[str]:
        """The transaction status of each open connection, as its server said last: `I`, `T` or `E`."""
        return sorted(link.status for link in self._links)

    @contextlib.contextmanager
    def watch(self) -> Generator[Seen]:
        """Notes what passes, on all connections, while the block runs."""
        seen = Seen()
        self._watching.append(seen)
        try:
            yield seen
        finally:
            self._watching.remove(seen)

    def cut_all(self) -> None:
        """Closes every connection on both sides."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_unix_server(self._serve, self._folder / ".s.PGSQL.5432")
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self._folder)

    async def _close(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        running = [link.task for link in self._links]
        for link in list(self._links):
            link.close()
        await asyncio.gather(*running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._upstream, Path):
            upstream = await asyncio.open_unix_connection(self._upstream / ".s.PGSQL.5432")
        else:
            upstream = await asyncio.open_connection(*self._upstream)
        task = asyncio.current_task()
        assert task is not None
        link = _Link((reader, writer), upstream, self._watching, task)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: Stream, server: Stream, watching: list[Seen], task: asyncio.Task[None]) -> None:
        self._client, self._server, self._watching = client, server, watching
        self._prepared: dict[bytes, str] = {}
        self._answered = False
        self.task = task
        self.status = "?"

    async def run(self) -> None:
        """Passes messages both ways until one side is gone."""
        ways = [asyncio.ensure_future(self._from_client()), asyncio.ensure_future(self._from_server())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.close()

    def close(self) -> None:
        for _, writer in (self._client, self._server):
            writer.close()

    async def _from_client(self) -> None:
        reader, writer = self._client[0], self._server[1]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = await reader.readexactly(4)
                start = size + await reader.readexactly(struct.unpack("!I", size)[0] - 4)
                code = struct.unpack("!I", start[4:8])[0]
                if code not in (_SSL, _GSS, _CANCEL):
                    for seen in self._watching:
                        seen.connects += 1
                writer.write(start)
                if code not in (_SSL, _GSS):
                    break
            batch = b""
            while True:
                head = await reader.readexactly(5)
                body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
                self._note(head[:1], body)
                batch += head + body
                if head[:1] in b"SQXpHdcf":
                    writer.write(batch)
                    await writer.drain()
                    batch = b""

    async def _from_server(self) -> None:
        reader, writer = self._server[0], self._client[1]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            started = False
            while True:
                head = await reader.readexactly(1)
                if not started and head == b"N":
                    writer.write(head)
                    continue
                started = True
                size = await reader.readexactly(4)
                body = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
                if head == b"Z":
                    self.status = body.decode()
                    self._answered = True
                writer.write(head + size + body)

    def _note(self, kind: bytes, body: bytes) -> None:
        """Notes one client message; the first after an answer begins a round trip."""
        if kind == b"X":
            return
        if self._answered:
            self._answered = False
            for seen in self._watching:
                seen.flights += 1
        statement = self._statement(kind, body)
        for seen in self._watching if statement else ():
            seen.statements.append(statement or Statement(""))

    def _statement(self, kind: bytes, body: bytes) -> Statement | None:
        if kind == b"Q":
            return Statement(body[:-1].decode())
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self._prepared[name] = sql.decode()
        if kind == b"B":
            _, name, rest = body.split(b"\0", 2)
            return Statement(self._prepared[name], tuple(_parameters(rest)))
        return None


def _parameters(rest: bytes) -> Iterator[bytes | None]:
    """The values of a Bind message, after its two names."""
    at = 2 + 2 * struct.unpack("!H", rest[:2])[0]
    count = struct.unpack("!H", rest[at : at + 2])[0]
    at += 2
    for _ in range(count):
        length = struct.unpack("!i", rest[at : at + 4])[0]
        at += 4
        yield None if length < 0 else rest[at : at + length]
        at += max(length, 0)
