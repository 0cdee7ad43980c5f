"""What every test may use: a real PostgreSQL, its tables made once, and its rows gone before each test that asks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, make_url

from backend import Database, init_db
from backend.database.embedded import EmbeddedServer
from backend.tasks import Task
from tests.support.entities import Ticket
from tests.support.wire import WireProxy


@dataclass(frozen=True)
class Server:
    """The PostgreSQL of this run: an embedded one, or that of TEST_DATABASE_URL."""

    url: str

    @property
    def upstream(self) -> Path | tuple[str, int]:
        """Where a proxy finds it."""
        url = make_url(self.url)
        host = url.query.get("host")
        if isinstance(host, str) and host.startswith("/"):
            return Path(host)
        return (url.host or "localhost", url.port or 5432)

    @property
    def socket_folder(self) -> Path:
        """The folder of its unix socket."""
        upstream = self.upstream
        assert isinstance(upstream, Path)
        return upstream


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield Server(given)
        return
    with EmbeddedServer() as embedded:
        yield Server(embedded.url)


@pytest.fixture(scope="session")
def direct(server: Server) -> Iterator[Database]:
    """The database without a proxy, for what a test prepares and looks up beside the code under test."""
    with Database(server.url) as database:
        init_db(database, Ticket.metadata)
        yield database


@pytest.fixture
def clean(direct: Database) -> Engine:
    """The engine of `direct`, on empty tables."""
    with direct.engine.begin() as connection:
        for table in reversed(Task.metadata.sorted_tables):
            connection.execute(delete(table))
    return direct.engine


@pytest.fixture(scope="session")
def proxy(server: Server) -> Iterator[WireProxy]:
    with WireProxy(server.upstream) as running:
        yield running
