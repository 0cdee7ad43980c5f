"""What the wire proxy recognises in a client's messages, and what it can do then. No sockets here."""

import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as a client sent it."""

    sql: str
    parameters: tuple[bytes | None, ...]
    """As they crossed the wire, in text or binary format; `None` is NULL."""
    kind: Literal["query", "prepare", "execute"]
    """Simple protocol; a named Parse, which runs nothing; a Bind, with the SQL of its Parse."""
    connection: int = field(default=0, compare=False)
    """The proxy's number of the client connection."""


class StatementDecoder:
    """The statements in one connection's client messages."""

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._prepared: dict[bytes, str] = {}

    def decode(self, kind: bytes, body: bytes) -> Statement | None:
        """The statement of a Query, a named Parse or a Bind; `None` for every other message."""
        match kind:
            case b"Q":
                return Statement(_text(body[:-1]), (), "query", self._connection)
            case b"P":
                name, sql, _ = body.split(b"\0", 2)
                self._prepared[name] = _text(sql)
                return Statement(_text(sql), (), "prepare", self._connection) if name else None
            case b"B":
                _, name, rest = body.split(b"\0", 2)
                return Statement(self._prepared.get(name, ""), _parameters(rest), "execute", self._connection)
            case _:
                return None


def _text(encoded: bytes) -> str:
    return encoded.decode(errors="replace")


def _parameters(rest: bytes) -> tuple[bytes | None, ...]:
    (formats,) = struct.unpack_from("!H", rest)
    at = 2 + 2 * formats
    (count,) = struct.unpack_from("!H", rest, at)
    at += 2
    values: list[bytes | None] = []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", rest, at)
        at += 4
        values.append(None if size < 0 else rest[at : at + size])
        at += max(size, 0)
    return tuple(values)


Step = Literal[
    "connect", "cancel", "before_statement", "within_statement", "after_statement", "within_answer", "before_ready"
]
"""Before the startup message is passed on; before a CancelRequest is, which its client takes for
passed on; before, and in the middle of, the bytes of a batch (its messages up to a Sync or Query); before, in the
middle of, and at the ReadyForQuery of its answer, once the server has given it whole."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Closes both sides; the client reads an end of file."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Closes both sides; a client on TCP gets an RST, one on a unix socket, which has none, an end of file."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Passes the rest on after a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Passes the rest on at `WireProxy.release()`, and never if a side closes before."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Sends the client a FATAL error and closes both sides."""

    sqlstate: str
    text: str

    @property
    def message(self) -> bytes:
        """The ErrorResponse."""
        fields = (b"SFATAL", b"VFATAL", b"C" + self.sqlstate.encode(), b"M" + self.text.encode(), b"", b"")
        body = b"\0".join(fields)
        return struct.pack("!cI", b"E", 4 + len(body)) + body


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do at a step of the next matching connection or batch."""

    at: Step
    action: Cut | Reset | Delay | Stall | Refuse
    matching: str | Callable[[Statement], bool] = ""
    """A part of the SQL that some statement of the batch runs, or a test that is also given what it prepares."""
    times: int = 1

    def matches(self, statements: Sequence[Statement]) -> bool:
        """Whether a batch with these statements is meant."""
        if callable(self.matching):
            return any(map(self.matching, statements))
        return any(self.matching in one.sql for one in statements if one.kind != "prepare")


class ArmedFault:
    """A fault that waits for its events. At the end of its block it is disarmed, and what it stalled is released."""

    def __init__(self, fault: Fault, disarm: "Callable[[ArmedFault], None]") -> None:
        self.fault = fault
        self.left = fault.times
        """How many events it still waits for."""
        self.fired = 0
        """How often it has struck; counted before the client can notice."""
        self._disarm = disarm
        self._reached = threading.Event()

    def strike(self) -> None:
        """Notes that its step is reached."""
        self.fired += 1
        self._reached.set()

    def wait(self, timeout_s: float = 60) -> None:
        """Returns when it has struck. Raises TimeoutError."""
        if not self._reached.wait(timeout_s):
            raise TimeoutError(f"no event reached {self.fault!r} in {timeout_s} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._disarm(self)
