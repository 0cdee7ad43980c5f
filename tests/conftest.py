"""What every test may use: a real PostgreSQL, its tables made once, and its rows gone before each test that asks.

The property tests have a fixed budget, and a seed that the header shows.
"""

import os
import random
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine, Pool, create_engine, delete, event, make_url
from sqlalchemy.schema import CreateSchema, DropSchema

from backend import Database, init_db
from backend.embedded import EmbeddedServer
from backend.tasks import Task
from tests.support.leftovers import Watch
from tests.support.models.suite import Ticket
from tests.support.neon import Neon
from tests.support.pgbouncer import PgBouncer, pgbouncer_or_skip
from tests.support.wire import WireProxy

settings.register_profile("ci", max_examples=100, derandomize=False, print_blob=True, deadline=None)
settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pooler", action="store_true", help="what a test sends passes a PgBouncer with two server connections"
    )
    parser.addoption("--neon", action="store_true", help="it passes TLS, and the compute is suspended between calls")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Chooses the seed of the property tests before their plugin reads it, so that the header can show it."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(random.randrange(2**32))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.config.getoption("--pooler") and (direct := item.get_closest_marker("direct")):
        pytest.skip(*direct.args)


def pytest_report_header(config: pytest.Config) -> str:
    return f"property tests: repeat with --hypothesis-seed={config.getoption('--hypothesis-seed')}"


@dataclass(frozen=True)
class Server:
    """The PostgreSQL of this run: an embedded one, or that of TEST_DATABASE_URL."""

    url: str
    log: Path | None = None
    """The log of an embedded one."""

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
def watch() -> Iterator[Watch]:
    with Watch() as watch:
        yield watch


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest, watch: Watch) -> Iterator[None]:
    """After every test every connection is back in its pool, idle, and no transaction is open on the server.

    No statement depended on its session either, unless the test is marked `session_state` with the reason.
    """
    yield
    assert watch.pool_leftovers() == []
    assert watch.open_transactions() == []
    sent = watch.statements_of_a_session()
    assert sent == [] or request.node.get_closest_marker("session_state")


@pytest.fixture(scope="session")
def server(watch: Watch) -> Iterator[Server]:
    if given := os.environ.get("TEST_DATABASE_URL"):
        with watch.server(given, log=None):
            yield Server(given)
        return
    with EmbeddedServer() as embedded:
        log = embedded.socket_folder / "cluster" / "log"
        with watch.server(embedded.url, log):
            yield Server(embedded.url, log)


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


@pytest.fixture
def own_tables(server: Server, direct: Database) -> Iterator[str]:
    """The URL of an empty schema, for a program that declares and makes tables of its own."""
    name = f"own_{secrets.token_hex(4)}"
    with direct.engine.begin() as connection:
        connection.execute(CreateSchema(name))
    url = make_url(server.url).update_query_dict({"options": f"-csearch_path={name}"})
    yield url.render_as_string(hide_password=False)
    with direct.engine.begin() as connection:
        connection.execute(DropSchema(name, cascade=True))


@pytest.fixture(scope="session")
def pooler(server: Server) -> Iterator[PgBouncer]:
    """A PgBouncer in front of the server. Where none is installed, what needs it is skipped and says so."""
    program = pgbouncer_or_skip()
    with PgBouncer(program, server.url) as running:
        yield running


@pytest.fixture(scope="session")
def route(server: Server, request: pytest.FixtureRequest) -> str:
    """The URL for tests that look at no bytes: the server's, or with --pooler that of a PgBouncer in front of it."""
    return _pooler(request).url if request.config.getoption("--pooler") else server.url


def _pooler(request: pytest.FixtureRequest) -> PgBouncer:
    pooler = request.getfixturevalue("pooler")
    assert isinstance(pooler, PgBouncer)
    return pooler


@pytest.fixture(scope="session")
def proxy(
    server: Server, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WireProxy]:
    """In front of the server, or with --pooler in front of a PgBouncer, or with --neon an imitation of Neon."""
    if request.config.getoption("--neon"):
        with Neon(server.upstream, tmp_path_factory.mktemp("neon")) as neon, suspended_at_random(neon, request.config):
            yield neon
        return
    upstream = _pooler(request).folder if request.config.getoption("--pooler") else server.upstream
    with WireProxy(upstream) as running:
        running.is_pooled = bool(request.config.getoption("--pooler"))
        yield running


@pytest.fixture
def needs_18(server: Server) -> None:
    """Skips a test of what PostgreSQL 18 brought."""
    engine = create_engine(server.url)
    with engine.connect() as connection:
        version = connection.dialect.server_version_info or ()
    engine.dispose()
    if version < (18,):
        pytest.skip(f"PostgreSQL 18 is needed, this is {'.'.join(map(str, version))}")


@pytest.fixture
def awake(proxy: WireProxy) -> Iterator[None]:
    """No suspend while the test runs, for one that counts connects, or whose engine does not look at connections."""
    if isinstance(proxy, Neon):
        proxy.is_kept_awake = True
    yield
    if isinstance(proxy, Neon):
        proxy.is_kept_awake = False


@contextmanager
def suspended_at_random(neon: Neon, config: pytest.Config) -> Generator[None]:
    """Suspends the compute once in four times that no connection is in use; with the seed of the run."""
    chance = random.Random(config.option.hypothesis_seed)
    in_use: set[object] = set()

    def on_checkout(_connection: object, record: object, _proxy: object) -> None:
        in_use.add(record)

    def on_checkin(_connection: object, record: object) -> None:
        in_use.discard(record)
        if not in_use and not neon.is_kept_awake and chance.random() < 0.25:
            neon.suspend("57P01" if chance.random() < 0.5 else "closed")

    event.listen(Pool, "checkout", on_checkout)
    event.listen(Pool, "checkin", on_checkin)
    yield
    event.remove(Pool, "checkout", on_checkout)
    event.remove(Pool, "checkin", on_checkin)
