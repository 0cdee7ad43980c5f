"""A proxy in front of PostgreSQL: counts and shows what crosses the wire, and delays, stalls, cuts or refuses it.

It speaks protocol 3 in plaintext. One thread serves every connection. What a client sends is counted before it is
passed on, and calls from other threads run when all that had arrived is served: a test reads settled numbers.
"""

import heapq
import itertools
import selectors
import shutil
import socket
import struct
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from tests.support.faults import ArmedFault, Cut, Delay, Fault, Refuse, Reset, Stall, Statement, StatementDecoder, Step

T = TypeVar("T")


@dataclass(slots=True)
class Seen:
    """What clients have sent since `watch()` began, also what a fault then kept from the server."""

    connects: int = 0
    """Startup messages."""
    connect_flights: int = 0
    """Round trips up to the first ReadyForQuery."""
    flights: int = 0
    """Round trips after it: client bytes that follow server bytes on their connection. Terminate is none."""
    cancels: int = 0
    statements: list[Statement] = field(default_factory=list[Statement])
    """In the order in which they arrived, those of all connections."""


class WireProxy:
    """Listens on a unix socket and on TCP while it is entered, and leaves nothing behind."""

    def __init__(self, upstream: Path | tuple[str, int], *, user: str = "postgres", database: str = "postgres") -> None:
        self._hub = _Hub(upstream)
        self._account = (user, database)
        self._numbers = itertools.count(1)
        self.folder = Path()
        """Where its socket lies."""
        self.port = 0
        """Where it listens on 127.0.0.1."""

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the unix socket."""
        user, database = self._account
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    @property
    def tcp_url(self) -> str:
        """SQLAlchemy's URL of the TCP port, for what a unix socket has not: a reset."""
        user, database = self._account
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def open(self) -> int:
        """The number of open client connections."""
        return self._hub.loop.call(lambda: len(self._hub.connections))

    @property
    def status(self) -> tuple[str, ...]:
        """The last ReadyForQuery of each open connection, oldest first: `I` idle, `T`, `E` failed transaction."""
        return self._hub.loop.call(lambda: tuple(one.status for one in self._hub.all() if one.status))

    @contextmanager
    def watch(self) -> Generator[Seen]:
        """Counts and collects, on all connections, until the block ends."""
        seen = Seen()
        watches = self._hub.watches
        self._hub.loop.call(lambda: watches.append(seen))
        try:
            yield seen
        finally:
            # not remove(): two watches that saw the same are equal
            self._hub.loop.call(lambda: watches.pop(next(at for at, one in enumerate(watches) if one is seen)))

    def fault(self, fault: Fault) -> ArmedFault:
        """Arms a fault; those armed first strike first."""
        armed = ArmedFault(fault, self._disarm)
        self._hub.loop.call(lambda: self._hub.armed.append(armed))
        return armed

    def release(self) -> None:
        """Passes on what is stalled."""
        self._each(lambda one: one.release(None))

    def kill_all(self) -> int:
        """Ends every idle connection with 57P01, as a suspending server does; returns their number."""
        end = Refuse("57P01", "terminating connection due to administrator command")
        return self._each(lambda one: one.refuse(end), only_idle=True)

    def cut_all(self) -> int:
        """Cuts every connection at once; returns their number."""
        return self._each(lambda one: one.close(at_once=True))

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="wire"))
        on_unix, on_tcp = socket.socket(socket.AF_UNIX), socket.socket()
        on_unix.bind(str(self.folder / ".s.PGSQL.5432"))
        on_tcp.bind(("127.0.0.1", 0))
        self.port = int(on_tcp.getsockname()[1])
        for listener in (on_unix, on_tcp):
            listener.listen(1024)
            listener.setblocking(False)
            self._hub.loop.watch(listener, selectors.EVENT_READ, partial(self._accept, listener))
        self._hub.loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._hub.loop.stop()
        finally:
            shutil.rmtree(self.folder)

    def _accept(self, listener: socket.socket, _events: int) -> None:
        with suppress(BlockingIOError):
            while True:
                accepted, _ = listener.accept()
                number = next(self._numbers)
                self._hub.connections[number] = _Connection(self._hub, number, accepted)

    def _disarm(self, armed: ArmedFault) -> None:
        armed.left = 0
        self._each(lambda one: one.release(armed))

    def _each(self, action: "Callable[[_Connection], None]", *, only_idle: bool = False) -> int:
        def act() -> int:
            chosen = [one for one in self._hub.all() if one.is_idle or not only_idle]
            for one in chosen:
                action(one)
            return len(chosen)

        return self._hub.loop.call(act)


class _Loop:
    """One thread that serves sockets, then timers, then calls from other threads."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_numbers = itertools.count()
        self._calls: deque[Callable[[], None]] = deque()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="wire proxy", daemon=True)
        self._stopping = False
        self._failure: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes every socket it served. Raises what had stopped it before."""

        def stop() -> None:
            self._stopping = True

        self.call(stop)
        self._thread.join()
        self._selector.close()
        self._wake.close()
        if self._failure:
            raise self._failure

    def watch(self, on: socket.socket, events: int, handler: Callable[[int], None]) -> None:
        """Calls the handler at these events instead of those before; none ends it."""
        known = on in self._selector.get_map()
        if events and known:
            self._selector.modify(on, events, handler)
        elif events:
            self._selector.register(on, events, handler)
        elif known:
            self._selector.unregister(on)

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._timer_numbers), function))

    def call(self, function: Callable[[], T]) -> T:
        """Runs a function in the thread, after what had arrived before, up to 64 KiB of each socket."""
        if not self._thread.is_alive():
            return function()
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except Exception as failure:
                future.set_exception(failure)

        self._calls.append(run)
        self._wake.send(b"\0")
        return future.result(timeout=30)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except Exception as failure:
            self._failure = failure
        finally:
            for key in list(self._selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()

    def _turn(self) -> None:
        timeout = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        calls = 0
        for key, events in self._selector.select(timeout):
            if key.fileobj is self._woken:
                calls = len(self._woken.recv(4096))
            else:
                key.data(events)
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()
        for _ in range(calls):
            self._calls.popleft()()


class _Hub:
    """What the connections of a proxy share; touched by the loop's thread alone."""

    def __init__(self, upstream: Path | tuple[str, int]) -> None:
        self.upstream = upstream
        self.loop = _Loop()
        self.watches: list[Seen] = []
        self.armed: list[ArmedFault] = []
        self.connections: dict[int, _Connection] = {}

    def all(self) -> "list[_Connection]":
        return list(self.connections.values())

    def take(self, at: tuple[Step, ...], statements: Sequence[Statement]) -> ArmedFault | None:
        """The fault that is to strike at one of these steps, one time less armed."""
        self.armed = [one for one in self.armed if one.left]
        for armed in self.armed:
            if armed.fault.at in at and (armed.fault.at == "connect" or armed.fault.matches(statements)):
                armed.left -= 1
                return armed
        return None

    def connect(self) -> socket.socket:
        if isinstance(self.upstream, tuple):
            return socket.create_connection(self.upstream, timeout=10)
        opened = socket.socket(socket.AF_UNIX)
        try:
            opened.connect(str(self.upstream / ".s.PGSQL.5432"))
        except OSError:
            opened.close()
            raise
        return opened


_HEADER = struct.Struct("!cI")
_CANCEL, _TLS, _GSS = 80877102, 80877103, 80877104
_ENDS_OF_BATCH = frozenset((b"Q", b"S", b"F", b"H", b"X", b"p", b"d", b"c", b"f"))
_ANSWERED_BY_READY = frozenset((b"Q", b"S", b"F"))
_OF_CLIENT = _ENDS_OF_BATCH | {b"P", b"B"}
_ENDS_OF_ANSWER = frozenset((b"Z", b"G", b"W"))
"""ReadyForQuery, and where the server waits for the client's COPY."""


class _Connection:
    """A client and its server; the server is connected when the first byte is passed on to it."""

    def __init__(self, hub: _Hub, number: int, accepted: socket.socket) -> None:
        self.status = ""
        self._hub = hub
        self._number = number
        self._client = _Side(hub.loop, self._client_sent, self.close)
        self._server = _Side(hub.loop, self._server_sent, self._server_left)
        self._client.source, self._server.source = self._server, self._client
        self._client.open(accepted)
        self._decoder = StatementDecoder(number)
        self._statements: list[Statement] = []
        self._unanswered: list[Statement] = []
        self._answers: deque[tuple[bytes, ArmedFault | None]] = deque()
        self._is_started = self._is_closed = False
        self._server_spoke = True

    @property
    def is_idle(self) -> bool:
        return self.status == "I" and not self._answers

    def release(self, armed: ArmedFault | None) -> None:
        """Passes on what this fault stalled, or all."""
        for side in (self._client, self._server):
            if side.stalled_by and armed in (None, side.stalled_by):
                self._resume(side)

    def refuse(self, refusal: Refuse) -> None:
        self._client.send(refusal.message)
        self.close()

    def close(self, *, at_once: bool = False) -> None:
        """Closes each side, when it has taken what was sent to it or at once."""
        self._is_closed = True
        self._hub.connections.pop(self._number, None)
        self._client.close(at_once=at_once)
        self._server.close(at_once=at_once)

    def _client_sent(self) -> None:
        while not self._is_closed and self._server.held is None:
            if not self._is_started:
                if not self._start():
                    return
            elif kind := self._client.scan(_OF_CLIENT):
                if statement := self._decoder.decode(kind, self._client.body()):
                    self._statements.append(statement)
                if kind in _ENDS_OF_BATCH:
                    self._end_batch(kind, self._client.take())
            else:
                return

    def _start(self) -> bool:
        """Handles one message of the startup, which bears no type; false if there is none yet."""
        packet = self._client.take_untyped()
        code = int.from_bytes(packet[4:8])
        if code in (_TLS, _GSS):
            self._count_flight()
            self._pass_on(b"N", self._client)
        elif code == _CANCEL:
            for seen in self._hub.watches:
                seen.cancels += 1
            self._hub.connections.pop(self._number)
            self._pass_on(packet, self._server)
        elif packet:
            self._is_started = True
            self._count_flight()
            for seen in self._hub.watches:
                seen.connects += 1
            self._pass_on(packet, self._server, self._hub.take(("connect",), ()))
        return bool(packet)

    def _end_batch(self, kind: bytes, batch: bytes) -> None:
        if kind == b"X":
            self._pass_on(batch, self._server)
            self.close()
            return
        self._count_flight()
        statements, self._statements = self._statements, []
        for seen in self._hub.watches:
            seen.statements += statements
        asking = self._hub.take(("before_statement", "within_statement"), statements)
        self._unanswered += statements
        if kind in _ANSWERED_BY_READY:
            answered = None if asking else self._hub.take(("after_statement", "within_answer"), self._unanswered)
            self._answers.append((kind, answered))
            self._unanswered = []
        self._pass_on(batch, self._server, asking)

    def _count_flight(self) -> None:
        if self._server_spoke:
            self._server_spoke = False
            for seen in self._hub.watches:
                if self.status:
                    seen.flights += 1
                else:
                    seen.connect_flights += 1

    def _server_sent(self) -> None:
        while not self._is_closed and self._client.held is None and (kind := self._server.scan(_ENDS_OF_ANSWER)):
            question, armed = self._answers.popleft() if self._answers else (b"", None)
            if kind == b"Z":
                self.status = self._server.body().decode()
            elif question == b"Q":  # the Sync of an extended COPY is discarded: another follows its data
                self._answers.appendleft((question, None))
            if armed or self._is_next_answer_armed:
                self._pass_on(self._server.take(), self._client, armed)
        if not self._is_closed and self._client.held is None and not self._is_next_answer_armed:
            self._pass_on(self._server.take(), self._client)

    @property
    def _is_next_answer_armed(self) -> bool:
        return bool(self._answers) and self._answers[0][1] is not None

    def _server_left(self) -> None:
        self._server_sent()
        self.close()

    def _pass_on(self, data: bytes, to: "_Side", armed: ArmedFault | None = None) -> None:
        self._server_spoke |= to is self._client and bool(data)
        if armed is None:
            self._send(data, to)
            return
        half = len(data) // 2 if armed.fault.at in ("within_statement", "within_answer") else 0
        self._send(data[:half], to)
        armed.strike()
        match armed.fault.action:
            case Cut():
                self.close()
            case Reset():
                self._client.reset()
                self.close(at_once=True)
            case Refuse() as refusal:
                self.refuse(refusal)
            case Delay(seconds):
                to.held = data[half:]
                self._hub.loop.later(seconds, lambda: self._resume(to))
            case Stall():
                to.held, to.stalled_by = data[half:], armed

    def _send(self, data: bytes, to: "_Side") -> None:
        if to is self._server and data and not to.is_open:
            try:
                to.open(self._hub.connect())
            except OSError:
                self.close()
                return
        to.send(data)

    def _resume(self, side: "_Side") -> None:
        if not self._is_closed and side.held is not None:
            held, side.held, side.stalled_by = side.held, None, None
            self._pass_on(held, side)
            (self._client_sent if side is self._server else self._server_sent)()


class _Side:
    """One socket of a connection: what it sent and was not passed on, and what it has yet to take."""

    LIMIT = 1 << 20
    """Bytes yet to take beyond which its source is not read, as if the proxy were not there."""

    def __init__(self, loop: _Loop, sent: Callable[[], None], left: Callable[[], None]) -> None:
        self.source: _Side
        self.held: bytes | None = None
        """What a fault holds back from it."""
        self.stalled_by: ArmedFault | None = None
        self._loop, self._sent, self._left = loop, sent, left
        self._socket: socket.socket | None = None
        self._inbox, self._outbox = bytearray(), bytearray()
        self._begin = self._end = 0
        self._is_closing = False
        self._events = 0

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        if connected.family != socket.AF_UNIX:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._watch()

    def scan(self, kinds: frozenset[bytes]) -> bytes:
        """The type of the next whole message of these kinds after those scanned; empty if there is none."""
        while len(self._inbox) >= self._end + _HEADER.size:
            kind, size = _HEADER.unpack_from(self._inbox, self._end)
            if len(self._inbox) <= self._end + size:
                break
            self._begin, self._end = self._end + _HEADER.size, self._end + 1 + size
            if kind in kinds:
                return bytes(kind)
        return b""

    def body(self) -> bytes:
        """The content of the message scanned last."""
        return bytes(self._inbox[self._begin : self._end])

    def take(self) -> bytes:
        """The messages scanned, which leave the inbox."""
        taken = bytes(self._inbox[: self._end])
        del self._inbox[: self._end]
        self._end = 0
        return taken

    def take_untyped(self) -> bytes:
        """The next message of a startup; empty if there is none."""
        size = int.from_bytes(self._inbox[:4])
        self._end = size if len(self._inbox) >= max(size, 8) else 0
        return self.take()

    def send(self, data: bytes) -> None:
        was_empty = not self._outbox
        self._outbox += data
        if data and was_empty:
            self._flush()
        elif not self.takes_more:
            self.source._watch()

    def reset(self) -> None:
        """Lets the close to come send an RST."""
        if self._socket:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self, *, at_once: bool) -> None:
        self._is_closing = True
        if at_once or not self._outbox:
            self._drop()
        else:
            self._watch()

    def _drop(self) -> None:
        if self._socket:
            self._loop.watch(self._socket, 0, self._ready)
            self._socket.close()
            self._socket = None
        self._outbox.clear()

    def _watch(self) -> None:
        if self._socket:
            is_read = not self._is_closing and self.source.takes_more
            events = selectors.EVENT_READ * is_read | selectors.EVENT_WRITE * bool(self._outbox)
            if events != self._events:
                self._events = events
                self._loop.watch(self._socket, events, self._ready)

    @property
    def takes_more(self) -> bool:
        return len(self._outbox) <= self.LIMIT

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and self._socket and not self._is_closing:
            self._receive(self._socket)

    def _receive(self, from_: socket.socket) -> None:
        try:
            data = from_.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._inbox += data
        (self._sent if data else self._left)()

    def _flush(self) -> None:
        """Sends what it takes now; an error is left to the next read, which may have the server's last words first."""
        if self._socket is None:
            return
        try:
            del self._outbox[: self._socket.send(self._outbox)]
        except BlockingIOError:
            pass
        except OSError:
            self._outbox.clear()
        if self._is_closing and not self._outbox:
            self._drop()
        else:
            self._watch()
            self.source._watch()
