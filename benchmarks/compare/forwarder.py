"""A process that forwards connections to a server and holds back what clients send: a network with a round-trip time.

`python -m benchmarks.compare.forwarder SECONDS ADDRESS` prints its port and ends with its standard input.
"""

import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def forwarder(seconds: float, address: Path | tuple[str, int]) -> Generator[int]:
    """Run a forwarder while the block runs. The block is given its port on the loopback."""
    place = str(address) if isinstance(address, Path) else f"{address[0]}:{address[1]}"
    command = [sys.executable, "-m", __spec__.name, str(seconds), place]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield int(child.stdout.readline())
        finally:
            child.stdin.close()


def main(seconds: float, place: str) -> None:
    """Serve until the standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_accept, args=(listener, seconds, place), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket, seconds: float, place: str) -> None:
    while True:
        client, _ = listener.accept()
        server = _connected(place)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        delayed: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        for target, arguments in (
            (_take, (client, delayed, seconds)),
            (_give, (delayed, server)),
            (_copy, (server, client)),
        ):
            threading.Thread(target=target, args=arguments, daemon=True).start()


def _connected(place: str) -> socket.socket:
    if place.startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{place}/.s.PGSQL.5432")
        return server
    host, _, port = place.rpartition(":")
    server = socket.create_connection((host, int(port)))
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _take(client: socket.socket, delayed: "queue.SimpleQueue[tuple[float, bytes]]", seconds: float) -> None:
    while True:
        data = _received(client)
        delayed.put((time.monotonic() + seconds, data))
        if not data:
            return


def _give(delayed: "queue.SimpleQueue[tuple[float, bytes]]", server: socket.socket) -> None:
    with suppress(OSError), server:
        while True:
            due, data = delayed.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                server.shutdown(socket.SHUT_RDWR)
                return
            server.sendall(data)


def _copy(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError), client:
        while data := _received(server):
            client.sendall(data)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 16)
    except OSError:
        return b""


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
