"""One socket of a connection, and the messages on it."""

import selectors
import socket
import ssl
import struct
from collections.abc import Callable

from tests.support.wire.faults import ArmedFault
from tests.support.wire.loop import Loop
from tests.support.wire.tls import Layer

_HEADER = struct.Struct("!cI")


class Side:
    """One socket of a connection: what it sent and was not passed on, and what it has yet to take."""

    LIMIT = 1 << 20
    """Bytes yet to take beyond which its source is not read, as if the proxy were not there."""

    def __init__(self, loop: Loop, sent: Callable[[], None], left: Callable[[], None]) -> None:
        self.source: Side
        self.held: bytes | None = None
        """What a fault holds back from it."""
        self.stalled_by: ArmedFault | None = None
        self._loop, self._sent, self._left = loop, sent, left
        self._socket: socket.socket | None = None
        self._tls: Layer | None = None
        self._shook: Callable[[bool], None] | None = None
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

    @property
    def asks_for_tls_at_once(self) -> bool:
        """Whether its first bytes are a handshake."""
        return self._tls is None and self._inbox.startswith(b"\x16")

    def start_tls(self, layer: Layer, shook: Callable[[bool], None]) -> None:
        """Speaks TLS from now on, also what has arrived and was not taken; reports each step of the handshake."""
        self._tls, self._shook = layer, shook
        received, self._inbox = bytes(self._inbox), bytearray()
        if received and not self._read_tls(layer, received):
            self._left()

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
        self._outbox += self._tls.encrypt(data) if self._tls else data
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
        if self._tls and not at_once and self.is_open:
            self._outbox += self._tls.farewell()
            self._flush()
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
        if data and self._tls:
            is_open = self._read_tls(self._tls, data)
        else:
            self._inbox += data
            is_open = bool(data)
        (self._sent if is_open else self._left)()

    def _read_tls(self, layer: Layer, received: bytes) -> bool:
        """Adds what was meant to the inbox; false if the client takes no such certificate, or speaks no TLS."""
        try:
            self._inbox += self._decrypt(layer, received)
        except ssl.SSLError:
            return False
        return True

    def _decrypt(self, layer: Layer, received: bytes) -> bytes:
        was_shaking = layer.is_shaking
        try:
            return layer.decrypt(received)
        finally:
            answer = layer.outgoing()
            self._outbox += answer
            self._flush()
            if was_shaking and self._shook:
                self._shook(bool(answer))

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
