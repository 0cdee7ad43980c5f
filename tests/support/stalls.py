"""A server that stops answering at a step of a connect, and then only waits for the client to leave."""

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Literal, Self

Stop = Literal["TCP", "TLS request", "TLS", "SCRAM", "ParameterStatus"]
STOPS: Final[tuple[Stop, ...]] = ("TCP", "TLS request", "TLS", "SCRAM", "ParameterStatus")
"""The step that is not answered: the TCP handshake, the request for TLS, the TLS handshake, the first SCRAM message,
and what follows AuthenticationOk."""

_SASL: Final = struct.pack("!cii", b"R", 4 + 4 + 15, 10) + b"SCRAM-SHA-256\0\0"
_OK: Final = struct.pack("!cii", b"R", 8, 0)


class StallingServer:
    """Listens on 127.0.0.1 while it is entered."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._fillers: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self.reached = threading.Event()
        """The client waits for what does not come."""
        self.left = threading.Event()
        """The client closed its connection."""

    @property
    def url(self) -> str:
        mode = "require" if self._stop.startswith("TLS") else "disable"
        return f"postgresql+psycopg://a:b@127.0.0.1:{self._listener.getsockname()[1]}/x?sslmode={mode}"

    def __enter__(self) -> Self:
        if self._stop == "TCP":  # the queue of a listener that accepts nobody is full
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(self._listener.getsockname())
                self._fillers.append(filler)
            self.reached.set()
            self.left.set()
        else:
            self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for filler in self._fillers:
            filler.close()
        if self._thread.is_alive():
            self._thread.join()

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # it was left before
            return
        with client:
            client.recv(10_000)
            answer = {"TLS": b"S", "SCRAM": _SASL, "ParameterStatus": _OK}.get(self._stop)
            if answer is not None:
                client.sendall(answer)
                if self._stop != "ParameterStatus":
                    client.recv(10_000)
            self.reached.set()
            with suppress(ConnectionResetError):  # it left with bytes that it had not read
                while client.recv(10_000):
                    pass
        self.left.set()
