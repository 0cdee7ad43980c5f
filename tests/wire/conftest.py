"""A proxy of its own for each test of it, and clients on both of its sides."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from psycopg import Connection

from tests.conftest import Server
from tests.support.wire import WireProxy
from tests.support.wire.clients import connect


@pytest.fixture
def proxy(server: Server) -> Iterator[WireProxy]:
    with WireProxy(server.upstream) as running:
        yield running


@pytest.fixture
def direct(server: Server) -> Iterator[Connection]:
    """A connection beside the proxy, to an empty table `wire.written`."""
    with connect(server.url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS wire CASCADE")
        connection.execute("CREATE SCHEMA wire")
        connection.execute("CREATE TABLE wire.written (text text)")
        yield connection
        connection.execute("DROP SCHEMA wire CASCADE")


@pytest.fixture
def client(proxy: WireProxy) -> Iterator[Connection]:
    with closing(connect(proxy.url)) as connection:
        yield connection


@pytest.fixture
def run_blocking() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as executor:
        yield executor
