"""One client with its server, and what the connections of a proxy share."""

import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.wire.faults import ArmedFault, Cut, Delay, Refuse, Reset, Stall, Statement, StatementDecoder, Step
from tests.support.wire.loop import Loop
from tests.support.wire.scram import Scram
from tests.support.wire.side import Side
from tests.support.wire.tls import Certificates, Layer


@dataclass(slots=True)
class Seen:
    """What clients have sent since `watch()` began, also what a fault then kept from the server."""

    connects: int = 0
    """Startup messages."""
    encrypted: int = 0
    """Those of them that came over TLS."""
    connect_round_trips: int = 0
    """Round trips up to the first ReadyForQuery."""
    round_trips: int = 0
    """Round trips after it: client bytes that follow server bytes on their connection. Terminate is none."""
    cancels: int = 0
    statements: list[Statement] = field(default_factory=list[Statement])
    """In the order in which they arrived, those of all connections."""


class Hub:
    """What the connections of a proxy share; touched by the loop's thread alone."""

    def __init__(
        self, upstream: Path | tuple[str, int], certificates: Certificates | None = None, password: str | None = None
    ) -> None:
        self.upstream = upstream
        self.certificates = certificates
        """What it shows to clients that ask for TLS; without it the answer is no."""
        self.password = password
        """What it asks clients for, by SCRAM, before it passes anything on."""
        self.loop = Loop()
        self.watches: list[Seen] = []
        self.armed: list[ArmedFault] = []
        self.connections: dict[int, Connection] = {}

    def all(self) -> "list[Connection]":
        return list(self.connections.values())

    def take(self, at: tuple[Step, ...], statements: Sequence[Statement]) -> ArmedFault | None:
        """The fault that is to strike at one of these steps, one time less armed."""
        self.armed = [one for one in self.armed if one.left]
        for armed in self.armed:
            if armed.fault.at in at and (armed.fault.at in _WITHOUT_STATEMENT or armed.fault.matches(statements)):
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


_READY_SIZE = 6
"""Bytes of a ReadyForQuery."""
_CANCEL, _TLS, _GSS = 80877102, 80877103, 80877104
_WITHOUT_STATEMENT: tuple[Step, ...] = ("connect", "cancel")
_OF_ANSWER: tuple[Step, ...] = ("after_statement", "within_answer", "before_ready")
_ENDS_OF_BATCH = frozenset((b"Q", b"S", b"F", b"H", b"X", b"p", b"d", b"c", b"f"))
_ANSWERED_BY_READY = frozenset((b"Q", b"S", b"F"))
_OF_CLIENT = _ENDS_OF_BATCH | {b"P", b"B"}
_PASSWORD = frozenset((b"p",))
_WRONG_PASSWORD = Refuse("XX000", "password authentication failed for user 'postgres'")
"""As Neon's proxy says it."""
_ENDS_OF_ANSWER = frozenset((b"Z", b"G", b"W"))
"""ReadyForQuery, and where the server waits for the client's COPY."""


class Connection:
    """A client and its server; the server is connected when the first byte is passed on to it."""

    def __init__(self, hub: Hub, number: int, accepted: socket.socket) -> None:
        self.status = ""
        self.application = ""
        """The application_name that the client gave as it started."""
        self._hub = hub
        self._number = number
        self._client = Side(hub.loop, self._client_sent, self.close)
        self._server = Side(hub.loop, self._server_sent, self._server_left)
        self._client.source, self._server.source = self._server, self._client
        self._client.open(accepted)
        self._decoder = StatementDecoder(number)
        self._statements: list[Statement] = []
        self._unanswered: list[Statement] = []
        self._answers: deque[tuple[bytes, ArmedFault | None]] = deque()
        self._is_started = self._is_closed = self._is_encrypted = False
        self._server_spoke = True
        self._scram: Scram | None = None
        self._startup = b""
        """The startup message of a client that has yet to show that it knows the password."""

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
            elif self._scram:
                if not self._authenticate(self._scram):
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
        if self._hub.certificates and self._client.asks_for_tls_at_once:
            self._encrypt(self._hub.certificates)
        packet = self._client.take_untyped()
        code = int.from_bytes(packet[4:8])
        if code in (_TLS, _GSS):
            self._count_round_trip()
            certificates = self._hub.certificates if code == _TLS else None
            self._pass_on(b"S" if certificates else b"N", self._client)
            if certificates:
                self._encrypt(certificates)
        elif code == _CANCEL:
            for seen in self._hub.watches:
                seen.cancels += 1
            armed = self._hub.take(("cancel",), ())
            if armed:
                self._client.close(at_once=False)
            else:
                self._hub.connections.pop(self._number)
            self._pass_on(packet, self._server, armed)
        elif packet:
            self._is_started = True
            self.application = _application_name(packet)
            self._count_round_trip()
            for seen in self._hub.watches:
                seen.connects += 1
                seen.encrypted += self._is_encrypted
            self._open_session(packet)
        return bool(packet)

    def _encrypt(self, certificates: Certificates) -> None:
        self._is_encrypted = True
        self._client.start_tls(Layer(certificates), self._shook)

    def _shook(self, is_answered: bool) -> None:
        self._count_round_trip()
        self._server_spoke |= is_answered

    def _open_session(self, packet: bytes) -> None:
        if self._hub.password is None:
            self._pass_on(packet, self._server, self._hub.take(("connect",), ()))
            return
        certificates = self._hub.certificates if self._is_encrypted else None
        self._startup = packet
        self._scram = Scram(self._hub.password, certificates.binding if certificates else None)
        self._pass_on(self._scram.request, self._client)

    def _authenticate(self, scram: Scram) -> bool:
        """Handles one password message; false if there is none yet."""
        if not self._client.scan(_PASSWORD):
            return False
        body = self._client.body()
        self._client.take()
        self._count_round_trip()
        answer = scram.answer(body)
        if answer is None:
            self.refuse(_WRONG_PASSWORD)
            return False
        self._pass_on(answer, self._client)
        if scram.is_done:
            self._scram = None
            self._pass_on(self._startup, self._server, self._hub.take(("connect",), ()))
        return True

    def _end_batch(self, kind: bytes, batch: bytes) -> None:
        if kind == b"X":
            self._pass_on(batch, self._server)
            self.close()
            return
        self._count_round_trip()
        statements, self._statements = self._statements, []
        for seen in self._hub.watches:
            seen.statements += statements
        asking = self._hub.take(("before_statement", "within_statement"), statements)
        self._unanswered += statements
        if kind in _ANSWERED_BY_READY:
            answered = None if asking else self._hub.take(_OF_ANSWER, self._unanswered)
            self._answers.append((kind, answered))
            self._unanswered = []
        self._pass_on(batch, self._server, asking)

    def _count_round_trip(self) -> None:
        if self._server_spoke:
            self._server_spoke = False
            for seen in self._hub.watches:
                if self.status:
                    seen.round_trips += 1
                else:
                    seen.connect_round_trips += 1

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

    def _pass_on(self, data: bytes, to: "Side", armed: ArmedFault | None = None) -> None:
        self._server_spoke |= to is self._client and bool(data)
        if armed is None:
            self._send(data, to)
            return
        first = _first_part(data, armed.fault.at)
        self._send(data[:first], to)
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
                to.held = data[first:]
                self._hub.loop.later(seconds, lambda: self._resume(to))
            case Stall():
                to.held, to.stalled_by = data[first:], armed

    def _send(self, data: bytes, to: "Side") -> None:
        if to is self._server and data and not to.is_open:
            try:
                to.open(self._hub.connect())
            except OSError:
                self.close()
                return
        to.send(data)

    def _resume(self, side: "Side") -> None:
        if not self._is_closed and side.held is not None:
            held, side.held, side.stalled_by = side.held, None, None
            self._pass_on(held, side)
            (self._client_sent if side is self._server else self._server_sent)()


def _application_name(startup: bytes) -> str:
    """The application_name in a startup message, which has the protocol's version and then names and values."""
    words = startup[8:].split(b"\0")
    return dict(zip(words[::2], words[1::2], strict=False)).get(b"application_name", b"").decode()


def _first_part(data: bytes, step: Step) -> int:
    """How many of the bytes pass before a fault strikes."""
    if step == "before_ready":
        return len(data) - _READY_SIZE
    return len(data) // 2 if step in ("within_statement", "within_answer") else 0
