# Generated from tests/neon/_async/test_neon_suspends.py by `python -m tools.generate_sync`: edit that one.
"""A compute that was suspended: the first call succeeds, and costs no round trip but those of connecting."""

from typing import Literal

import pytest
from sqlalchemy import Engine, create_engine, inspect

from backend import Database, init_db
from backend.errors import ConnectError
from backend.settings import Settings
from backend.tasks import Task, TaskCreate, TaskRepository
from tests.support.neon import DIRECT, IDLE, NO_COMPUTE, POOLED, Neon
from tests.support.wire.faults import Refuse

CONNECT, FIRST_QUESTIONS = 5, 4
each_way = pytest.mark.parametrize("how", ["57P01", "closed"])
Way = Literal["57P01", "closed"]


@each_way
def test_the_first_call_after_a_suspend_succeeds(database: Database, neon: Neon, how: Way) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.create(TaskCreate(title="before"))
        assert neon.suspend(how) == 1
        with neon.watch() as seen:
            tasks.create(TaskCreate(title="after"))
        assert (seen.connects, seen.connect_round_trips, seen.round_trips) == (1, CONNECT, 1)
        assert tasks.count() == 2


@each_way
def test_the_first_transaction_after_a_suspend_succeeds(database: Database, neon: Neon, how: Way) -> None:
    neon.suspend(how)
    with neon.watch() as seen:
        with database.transaction() as session:
            TaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
    assert (seen.connects, seen.round_trips) == (1, 3)  # BEGIN, INSERT, COMMIT


@pytest.mark.parametrize("refusal", [NO_COMPUTE, IDLE], ids=lambda refusal: refusal.text)
def test_a_call_waits_for_a_compute_that_wakes(database: Database, neon: Neon, refusal: Refuse) -> None:
    neon.suspend()
    with neon.waking(refusal, times=4, delay_s=0.2), neon.watch() as seen:
        with database.session() as session:
            TaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
    assert (seen.round_trips, [one.kind for one in seen.statements]) == (1, ["execute"])


def test_a_compute_that_does_not_wake_in_time_is_a_connect_error(neon: Neon) -> None:
    settings = Settings.from_url(neon.url).model_copy(update={"connect_retry_s": 0.2})
    with neon.waking(times=1000), pytest.raises(ConnectError) as raised:
        with Database(settings) as database:
            database.ping()
    assert str(raised.value) == f"ping found no connection (SQLSTATE XX000): host {POOLED!r}, port {neon.port}"
    assert raised.value.retryable


def test_the_first_write_of_a_process_is_connect_four_questions_and_the_write(neon: Neon, clean: Engine) -> None:
    with neon.watch() as seen:
        with Database(neon.url) as database, database.session() as session:
            TaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
    assert (seen.connects, seen.connect_round_trips, seen.round_trips) == (1, CONNECT, FIRST_QUESTIONS + 1)


def test_nothing_is_sent_between_calls(database: Database, neon: Neon) -> None:
    with database.session() as session:
        TaskRepository(session).owned_by("a").count()
        assert set(neon.status) == {"I"}
    assert neon.open == 1


def test_tables_are_made_on_the_compute_itself(neon: Neon, clean: Engine) -> None:
    before = len(neon.certificates.hosts)
    with Database(neon.url) as database:
        init_db(database, Task.metadata)
        database.ping()
    assert neon.certificates.hosts[before:] == [DIRECT, POOLED]
    assert inspect(clean).has_table("task")
    assert neon.open == 0


def test_tables_are_made_where_the_direct_url_leads(neon: Neon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", neon.url)
    monkeypatch.setenv("DATABASE_URL_DIRECT", neon.url_of("other." + DIRECT.partition(".")[2]))
    before = len(neon.certificates.hosts)
    with Database() as database:
        init_db(database, Task.metadata)
    with Database(neon.url_of(DIRECT)) as database:  # the direct URL belongs to that of the environment
        init_db(database, Task.metadata)
    assert neon.certificates.hosts[before:] == ["other." + DIRECT.partition(".")[2], DIRECT]


def test_an_engine_of_the_caller_makes_tables_where_it_leads(neon: Neon) -> None:
    before = len(neon.certificates.hosts)
    engine = create_engine(neon.url)
    init_db(Database(engine), Task.metadata)
    engine.dispose()
    assert neon.certificates.hosts[before:] == [POOLED]
