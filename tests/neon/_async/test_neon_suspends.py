"""A compute that was suspended: the first call succeeds, and costs no round trip but those of connecting."""

from typing import Literal

import pytest
from sqlalchemy import Engine, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from backend import AsyncDatabase, init_db
from backend.errors import ConnectError
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, Task, TaskCreate
from tests.support.neon import DIRECT, IDLE, NO_COMPUTE, POOLED, Neon
from tests.support.wire.faults import Refuse

CONNECT, FIRST_QUESTIONS = 5, 4
each_way = pytest.mark.parametrize("how", ["57P01", "closed"])
Way = Literal["57P01", "closed"]


@each_way
async def test_the_first_call_after_a_suspend_succeeds(database: AsyncDatabase, neon: Neon, how: Way) -> None:
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        await tasks.create(TaskCreate(title="before"))
        assert neon.suspend(how) == 1
        with neon.watch() as seen:
            await tasks.create(TaskCreate(title="after"))
        assert (seen.connects, seen.connect_round_trips, seen.round_trips) == (1, CONNECT, 1)
        assert await tasks.count() == 2


@each_way
async def test_the_first_transaction_after_a_suspend_succeeds(database: AsyncDatabase, neon: Neon, how: Way) -> None:
    neon.suspend(how)
    with neon.watch() as seen:
        async with database.transaction() as session:
            await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
    assert (seen.connects, seen.round_trips) == (1, 3)  # BEGIN, INSERT, COMMIT


@pytest.mark.parametrize("refusal", [NO_COMPUTE, IDLE], ids=lambda refusal: refusal.text)
async def test_a_call_waits_for_a_compute_that_wakes(database: AsyncDatabase, neon: Neon, refusal: Refuse) -> None:
    neon.suspend()
    with neon.waking(refusal, times=4, delay_s=0.2), neon.watch() as seen:
        async with database.session() as session:
            await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
    assert (seen.round_trips, [one.kind for one in seen.statements]) == (1, ["execute"])


async def test_a_compute_that_does_not_wake_in_time_is_a_connect_error(neon: Neon) -> None:
    settings = Settings.from_url(neon.url).model_copy(update={"connect_retry_s": 0.2})
    with neon.waking(times=1000), pytest.raises(ConnectError) as raised:
        async with AsyncDatabase(settings) as database:
            await database.ping()
    assert str(raised.value) == f"ping found no connection (SQLSTATE XX000): host {POOLED!r}, port {neon.port}"
    assert raised.value.retryable


async def test_the_first_write_of_a_process_is_connect_four_questions_and_the_write(neon: Neon, clean: Engine) -> None:
    with neon.watch() as seen:
        async with AsyncDatabase(neon.url) as database, database.session() as session:
            await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
    assert (seen.connects, seen.connect_round_trips, seen.round_trips) == (1, CONNECT, FIRST_QUESTIONS + 1)


async def test_nothing_is_sent_between_calls(database: AsyncDatabase, neon: Neon) -> None:
    async with database.session() as session:
        await AsyncTaskRepository(session).owned_by("a").count()
        assert set(neon.status) == {"I"}
    assert neon.open == 1


async def test_tables_are_made_on_the_compute_itself(neon: Neon, clean: Engine) -> None:
    before = len(neon.certificates.hosts)
    async with AsyncDatabase(neon.url) as database:
        await init_db(database, Task.metadata)
        await database.ping()
    assert neon.certificates.hosts[before:] == [DIRECT, POOLED]
    assert inspect(clean).has_table("task")
    assert neon.open == 0


async def test_tables_are_made_where_the_direct_url_leads(neon: Neon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", neon.url)
    monkeypatch.setenv("DATABASE_URL_DIRECT", neon.url_of("other." + DIRECT.partition(".")[2]))
    before = len(neon.certificates.hosts)
    async with AsyncDatabase() as database:
        await init_db(database, Task.metadata)
    async with AsyncDatabase(neon.url_of(DIRECT)) as database:  # the direct URL belongs to that of the environment
        await init_db(database, Task.metadata)
    assert neon.certificates.hosts[before:] == ["other." + DIRECT.partition(".")[2], DIRECT]


async def test_an_engine_of_the_caller_makes_tables_where_it_leads(neon: Neon) -> None:
    before = len(neon.certificates.hosts)
    engine = create_async_engine(neon.url)
    await init_db(AsyncDatabase(engine), Task.metadata)
    await engine.dispose()
    assert neon.certificates.hosts[before:] == [POOLED]
