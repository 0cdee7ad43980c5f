"""`PREPARE_THRESHOLD=auto` with many clients, in forked processes, when cancelled, and for an engine that is given."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import Engine

from backend import AsyncDatabase, Database, Settings
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository
from tests.conftest import Server
from tests.support.cli import ROOT
from tests.support.forks import CHILDREN
from tests.support.pgbouncer import PgBouncer
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Stall

pytestmark = pytest.mark.session_state("statements are prepared where the connection is direct")

CLIENTS, ROUNDS = 8, 15


def auto(url: str) -> Settings:
    return Settings.from_url(url).model_copy(update={"prepare_threshold": "auto", "pool_size": 1})


def work(url: str, owner: str) -> None:
    with Database(auto(url)) as database, database.session() as session:
        tasks = TaskRepository(session).owned_by(owner)
        for number in range(ROUNDS):
            task = tasks.create(TaskCreate(title=f"{owner} {number}"))
            assert tasks.get_one(task.id).title == f"{owner} {number}"
            assert tasks.toggle_complete(task.id).completed
            assert {one.user_id for one in tasks.list()} == {owner}
            assert tasks.count() == number + 1


async def async_work(url: str, owner: str) -> None:
    async with AsyncDatabase(auto(url)) as database, database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by(owner)
        for number in range(ROUNDS):
            task = await tasks.create(TaskCreate(title=f"{owner} {number}"))
            assert (await tasks.get_one(task.id)).title == f"{owner} {number}"
            assert (await tasks.toggle_complete(task.id)).completed
            assert {one.user_id for one in await tasks.list()} == {owner}
            assert await tasks.count() == number + 1


def in_threads(url: str) -> None:
    with ThreadPoolExecutor(CLIENTS) as executor:
        list(executor.map(work, [url] * CLIENTS, [f"owner {number}" for number in range(CLIENTS)]))


def in_tasks(url: str) -> None:
    async def run() -> None:
        await asyncio.gather(*(async_work(url, f"owner {number}") for number in range(CLIENTS)))

    asyncio.run(run())


@pytest.mark.parametrize("run", [in_threads, in_tasks])
def test_many_clients_through_a_pooler_run_their_own_statements(
    run: Callable[[str], None], pooler: PgBouncer, clean: Engine
) -> None:
    """Clients number their prepared statements alike: one that ran another's would see its rows, or fail."""
    with WireProxy(pooler.folder) as wire, wire.watch() as seen:
        run(wire.url)
    assert "prepare" not in {one.kind for one in seen.statements}


@pytest.mark.parametrize("scenario", ["load", "async_load"])
def test_forked_children_prepare_on_connections_of_their_own(clean: Engine, server: Server, scenario: str) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning"]  # of a fork beside threads, from 3.12
    command += ["-m", "tests.support.forks", server.url, "own", scenario, "0.5"]
    environment = os.environ | {"PREPARE_THRESHOLD": "auto"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    seen = json.loads(done.stdout)
    processes = [seen["parent"], *seen["children"]]
    assert [one["foreign"] for one in processes] == [0] * (CHILDREN + 1)
    assert all(one["calls"] for one in processes)


async def test_a_cancelled_question_leaves_no_connection(server: Server, clean: Engine) -> None:
    with WireProxy(server.upstream) as wire:
        async with AsyncDatabase(auto(wire.url)) as database:
            with wire.fault(Fault("before_statement", Stall(), matching="pg_backend_pid")) as armed:
                waiting = asyncio.create_task(database.ping())
                await asyncio.to_thread(armed.wait)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            await database.ping()
            assert wire.open == 1


def test_an_engine_that_is_given_prepares_as_it_was_made(server: Server, clean: Engine) -> None:
    engine = sqlalchemy.create_engine(server.url, connect_args={"prepare_threshold": 3})
    with Database(engine).session() as session:
        TaskRepository(session).owned_by("a").count()
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.prepare_threshold == 3
    engine.dispose()
