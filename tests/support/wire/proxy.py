"""The proxy as a test holds it."""

import itertools
import selectors
import shutil
import socket
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Self

from tests.support.wire.connection import Connection, Hub, Seen
from tests.support.wire.faults import ArmedFault, Fault, Refuse
from tests.support.wire.tls import Certificates


class WireProxy:
    """Listens on a unix socket and on TCP while it is entered, and leaves nothing behind."""

    def __init__(
        self,
        upstream: Path | tuple[str, int],
        *,
        user: str = "postgres",
        database: str = "postgres",
        certificates: Certificates | None = None,
        password: str | None = None,
    ) -> None:
        self._hub = Hub(upstream, certificates, password)
        self._account = (user, database)
        self._numbers = itertools.count(1)
        self.folder = Path()
        """Where its socket lies."""
        self.is_pooled = False
        """Whether a pooler is behind it: its clients share the server's connections."""
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

    def open_of(self, application: str) -> int:
        """The number of open client connections that gave this application_name."""
        return self._hub.loop.call(lambda: sum(one.application == application for one in self._hub.all()))

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

    def lead_to(self, upstream: Path | tuple[str, int]) -> None:
        """Leads new connections to another server, as a name in the DNS does after a failover."""

        def change() -> None:
            self._hub.upstream = upstream

        self._hub.loop.call(change)

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
                self._hub.connections[number] = Connection(self._hub, number, accepted)

    def _disarm(self, armed: ArmedFault) -> None:
        armed.left = 0
        self._each(lambda one: one.release(armed))

    def _each(self, action: "Callable[[Connection], None]", *, only_idle: bool = False) -> int:
        def act() -> int:
            chosen = [one for one in self._hub.all() if one.is_idle or not only_idle]
            for one in chosen:
                action(one)
            return len(chosen)

        return self._hub.loop.call(act)
