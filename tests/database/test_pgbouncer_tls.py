"""PgBouncer with TLS and two server connections: nothing is lost or done twice while it is paused and restarted."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from backend import AsyncDatabase, Database, Lock
from backend.errors import ConnectError, ConnectionLostError
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository, TaskUpdate
from tests.conftest import Server
from tests.support.pgbouncer import PgBouncer, pgbouncer_or_skip
from tests.support.wire.tls import Certificates

THREADS, ROUNDS = 6, 15


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates(["localhost"])


@pytest.fixture(scope="module")
def secured(server: Server, certificates: Certificates) -> Iterator[PgBouncer]:
    program = pgbouncer_or_skip()
    with PgBouncer(program, server.url, servers=2, certificates=certificates) as running:
        yield running


@pytest.fixture
def url(secured: PgBouncer, certificates: Certificates, clean: Engine, tmp_path: Path) -> str:
    authority = certificates.write_authority(tmp_path / "authority.pem")
    return f"{secured.tls_url}?sslmode=verify-full&sslrootcert={authority}"


def test_a_call_works_over_tls(url: str) -> None:
    with Database(url) as database, database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        task = tasks.create(TaskCreate(title="one"))
        assert tasks.get(task.id) == task


async def test_an_awaited_call_works_over_tls(url: str) -> None:
    async with AsyncDatabase(url) as database, database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        task = await tasks.create(TaskCreate(title="one"))
        assert await tasks.get(task.id) == task


def test_plaintext_is_refused(secured: PgBouncer) -> None:
    settings = Settings.from_url(f"{secured.tls_url}?sslmode=disable").model_copy(update={"connect_retry_s": 0})
    with Database(settings) as database, pytest.raises(ConnectError):
        database.ping()


def pause(pooler: PgBouncer) -> None:
    pooler.command("PAUSE")
    pooler.command("RESUME")


def reload(pooler: PgBouncer) -> None:
    pooler.command("RELOAD")


@pytest.mark.parametrize(
    "disturb",
    [pause, reload, PgBouncer.close_clients, PgBouncer.restart],
    ids=["paused", "reloaded", "clients closed", "restarted"],
)
def test_each_increment_under_load_is_applied_once(
    url: str, secured: PgBouncer, disturb: Callable[[PgBouncer], None]
) -> None:
    with Database(url) as database:
        with database.session() as session:
            task = TaskRepository(session).owned_by("a").create(TaskCreate(title="0"))

        def increment(session: Session) -> None:
            tasks = TaskRepository(session).owned_by("a")
            count = int(tasks.get_one(task.id, lock=Lock()).title)
            tasks.update(task.id, TaskUpdate(title=str(count + 1)))

        done = threading.Semaphore(0)

        def work(_number: int) -> None:
            for _ in range(ROUNDS):
                database.run(increment)
                done.release()

        with ThreadPoolExecutor(THREADS) as executor:
            running = executor.map(work, range(THREADS))
            for _ in range(3):
                for _ in range(THREADS * 2):
                    assert done.acquire(timeout=60)
                disturb(secured)
            list(running)
        with database.session() as session:
            assert TaskRepository(session).owned_by("a").get_one(task.id).title == str(THREADS * ROUNDS)


def test_a_statement_that_waited_too_long_was_not_applied(server: Server, clean: Engine) -> None:
    program = pgbouncer_or_skip()
    with (
        PgBouncer(program, server.url, servers=1, query_wait_timeout=1) as pooler,
        Database(pooler.url) as database,
        database.session() as session,
    ):
        waiting = TaskRepository(session).owned_by("a")
        waiting.count()
        with database.transaction(independent=True) as busy:
            TaskRepository(busy).owned_by("a").count()
            with pytest.raises(ConnectionLostError) as raised:
                waiting.create(TaskCreate(title="one"))
        assert (raised.value.outcome, raised.value.sqlstate) == ("not_applied", "08P01")
        assert waiting.count() == 0
