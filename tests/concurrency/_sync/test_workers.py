# Generated from tests/concurrency/_async/test_workers.py by `python -m tools.generate_sync`: edit that one.
"""Many workers claim jobs by `list` with a lock that skips: each job is claimed once, and all are."""

from collections import Counter
from collections.abc import Generator, Sequence

import pytest
from sqlalchemy import Engine
from sqlmodel import col

from backend import Database, Lock, Settings
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.conftest import Server
from tests.support.concurrency import Callers

JOBS = 120
BATCH = 3


@pytest.fixture
def database(server: Server, clean: Engine) -> Generator[Database]:
    """Twelve connections, for which workers wait as long as it takes."""
    few = {"pool_size": 8, "pool_max_overflow": 4, "pool_timeout_s": 60.0}
    with Database(Settings.from_url(server.url).model_copy(update=few)) as database:
        yield database


def _claim(database: Database) -> Sequence[Task]:
    """Claim some jobs that no other worker has, and mark them as done."""
    with database.transaction() as session:
        jobs = TaskRepository(session).owned_by("jobs")
        is_open = col(Task.completed).is_(False)
        claimed = jobs.list(is_open, limit=BATCH, lock=Lock(if_locked="skip"))
        for job in claimed:
            jobs.update(job.id, TaskUpdate(completed=True))
        return claimed


def test_workers_claim_each_job_once(database: Database) -> None:
    with database.transaction() as session:
        for owner in ("jobs", "another"):
            for _ in range(JOBS if owner == "jobs" else 3):
                TaskRepository(session).owned_by(owner).create(TaskCreate(title="x"))
    callers = Callers(Callers.SIZE)

    def work(_number: int) -> list[int]:
        callers.wait_for_all()
        done: list[int] = []
        while claimed := _claim(database):
            done += [job.id for job in claimed]
        return done

    claims = Counter(id for done in callers.run(work) for id in done)
    with database.session() as session:
        everyone = TaskRepository(session).every_owner()
        assert claims == Counter(job.id for job in everyone.list(col(Task.user_id) == "jobs"))
        assert everyone.count(col(Task.completed).is_(True)) == JOBS


def test_first_with_a_skipping_lock_gives_two_workers_two_jobs(database: Database) -> None:
    with database.session() as session:
        created = [TaskRepository(session).owned_by("jobs").create(TaskCreate(title="x")) for _ in range(2)]
    skip = Lock(if_locked="skip")
    with database.transaction() as one, database.transaction(independent=True) as two:
        jobs = [TaskRepository(session).owned_by("jobs") for session in (one, two)]
        assert [worker.first(lock=skip) for worker in jobs] == created
        assert jobs[1].first(col(Task.id) == created[0].id, lock=skip) is None
