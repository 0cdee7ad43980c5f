"""The embedded PostgreSQL on TCP, and the CPU time of its backends."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import make_url
from typing_extensions import override

from backend.embedded import EmbeddedServer


class TcpServer(EmbeddedServer):
    """A server that also listens on the loopback, as an application reaches its server; without a password there."""

    def __init__(self) -> None:
        super().__init__()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])

    @property
    @override
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    @override
    def _settings(self) -> list[str]:
        more = ("listen_addresses=127.0.0.1", f"port={self.port}", "max_connections=300", "shared_buffers=256MB")
        return [*super()._settings(), *more]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time that these processes of this machine have used."""
    total = 0
    for pid in pids:
        with suppress(OSError):  # it has ended
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return total / 1e9


def address_of(url: str) -> Path | tuple[str, int]:
    """Return where a server listens: the folder of a unix socket, or host and port."""
    found = make_url(url)
    folder = found.query.get("host")
    if isinstance(folder, str) and folder.startswith("/"):
        return Path(folder)
    return found.host or "localhost", found.port or 5432


def through(url: str, port: int) -> str:
    """Return the URL that reaches the same database through a port of the loopback."""
    found = make_url(url).difference_update_query(["host"]).set(host="127.0.0.1", port=port)
    return found.render_as_string(hide_password=False)
