"""Many workers claim jobs by `list` with a lock that skips: each job is claimed once, and all are."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import pytest
from sqlalchemy import Engine
from sqlmodel import col

from backend import AsyncDatabase, Lock, Settings
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.conftest import Server
from tests.support.concurrency import AsyncCallers

JOBS = 120
BATCH = 3


@pytest.fixture
async def database(server: Server, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    """Twelve connections, for which workers wait as long as it takes."""
    few = {"pool_size": 8, "pool_max_overflow": 4, "pool_timeout_s": 60.0}
    async with AsyncDatabase(Settings.from_url(server.url).model_copy(update=few)) as database:
        yield database


async def _claim(database: AsyncDatabase) -> Sequence[Task]:
    """Claim some jobs that no other worker has, and mark them as done."""
    async with database.transaction() as session:
        jobs = AsyncTaskRepository(session).owned_by("jobs")
        is_open = col(Task.completed).is_(False)
        claimed = await jobs.list(is_open, limit=BATCH, lock=Lock(if_locked="skip"))
        for job in claimed:
            await jobs.update(job.id, TaskUpdate(completed=True))
        return claimed


async def test_workers_claim_each_job_once(database: AsyncDatabase) -> None:
    async with database.transaction() as session:
        for owner in ("jobs", "another"):
            for _ in range(JOBS if owner == "jobs" else 3):
                await AsyncTaskRepository(session).owned_by(owner).create(TaskCreate(title="x"))
    callers = AsyncCallers(AsyncCallers.SIZE)

    async def work(_number: int) -> list[int]:
        await callers.wait_for_all()
        done: list[int] = []
        while claimed := await _claim(database):
            done += [job.id for job in claimed]
        return done

    claims = Counter(id for done in await callers.run(work) for id in done)
    async with database.session() as session:
        everyone = AsyncTaskRepository(session).every_owner()
        assert claims == Counter(job.id for job in await everyone.list(col(Task.user_id) == "jobs"))
        assert await everyone.count(col(Task.completed).is_(True)) == JOBS


async def test_first_with_a_skipping_lock_gives_two_workers_two_jobs(database: AsyncDatabase) -> None:
    async with database.session() as session:
        created = [await AsyncTaskRepository(session).owned_by("jobs").create(TaskCreate(title="x")) for _ in range(2)]
    skip = Lock(if_locked="skip")
    async with database.transaction() as one, database.transaction(independent=True) as two:
        jobs = [AsyncTaskRepository(session).owned_by("jobs") for session in (one, two)]
        assert [await worker.first(lock=skip) for worker in jobs] == created
        assert await jobs[1].first(col(Task.id) == created[0].id, lock=skip) is None
