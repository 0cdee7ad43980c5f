"""Many at once on few rows, with fewer connections than callers: nothing is lost, and nothing is left behind."""

import os
import random
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import Engine, String, column, make_url, select, table
from sqlalchemy.pool import QueuePool
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Lock, Retry, Settings
from backend.database.retrying.guard import Isolation
from backend.errors import DeadlockError, NotFoundError, PoolTimeoutError, StaleError
from backend.tasks import AsyncTaskRepository, TaskCreate
from tests.support.concurrency import AsyncCallers
from tests.support.models.suite import AsyncNoteRepository, Note, NoteCreate, NoteUpdate

T = TypeVar("T")

PATIENT = Retry(attempts=200, within_s=60)
CALLS = 2400
"""Calls of all callers together."""


@pytest.fixture
async def database(route: str, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    """Six connections, for which callers wait as long as it takes; none is in use afterwards, on the server neither."""
    name = f"callers-{secrets.token_hex(4)}"
    own = make_url(route).update_query_dict({"application_name": name})
    settings = Settings.from_url(own.render_as_string(hide_password=False))
    few = {"pool_size": 4, "pool_max_overflow": 2, "pool_timeout_s": 60.0}
    async with AsyncDatabase(settings.model_copy(update=few)) as database:
        yield database
        assert checked_out(database) == 0
        activity = table("pg_stat_activity", column("application_name", String), column("state", String))
        with clean.connect() as connection:
            of_its_own = select(activity.c.state).where(activity.c.application_name == name)
            states = connection.execute(of_its_own).scalars().all()
        assert not [state for state in states if state and state.startswith("idle in transaction")]


def checked_out(database: AsyncDatabase) -> int:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


@dataclass
class Ledger:
    """What one participant knows to have been done."""

    increments: Counter[UUID] = field(default_factory=Counter[UUID])
    revisions: list[tuple[UUID, int]] = field(default_factory=list[tuple[UUID, int]])
    """Each version that a committed write of its own made."""
    toggles: Counter[int] = field(default_factory=Counter[int])
    stale: int = 0

    def wrote(self, note: Note, *, increment: bool = False) -> None:
        self.revisions.append((note.id, note.revision))
        self.increments[note.id] += increment


class Participant:
    """One caller: random calls on the rows that all share."""

    def __init__(self, database: AsyncDatabase, notes: list[UUID], tasks: list[int], seed: str) -> None:
        self._database = database
        self._notes = notes
        self._tasks = tasks
        self._random = random.Random(seed)
        self._name = seed
        self.ledger = Ledger()

    async def play(self, calls: int) -> Ledger:
        deeds: dict[Callable[[], Awaitable[None]], int] = {
            self._toggle: 6,
            self._read: 3,
            self._update: 3,
            self._update_expected: 3,
            self._add_optimistically: 2,
            self._add_locked: 3,
            self._add_repeatable: 2,
            self._add_serializable: 2,
            self._add_to_two: 1,
            self._create_and_delete: 2,
        }
        for deed in self._random.choices([*deeds], [*deeds.values()], k=calls):
            await deed()
        return self.ledger

    async def _toggle(self) -> None:
        id = self._random.choice(self._tasks)
        async with self._database.session() as session:
            await AsyncTaskRepository(session).owned_by("a").toggle_complete(id)
        self.ledger.toggles[id] += 1

    async def _read(self) -> None:
        async with self._database.session() as session:
            notes = AsyncNoteRepository(session)
            before = await notes.get_one(self._random.choice(self._notes))
            after = next(note for note in await notes.list() if note.id == before.id)
            assert (after.rank or 0) >= (before.rank or 0)
            assert after.revision >= before.revision

    async def _update(self) -> None:
        async with self._database.session() as session:
            notes = AsyncNoteRepository(session)
            id = self._random.choice(self._notes)
            self.ledger.wrote(await _patiently(lambda: notes.update(id, NoteUpdate(text=self._name))))

    async def _update_expected(self) -> None:
        async with self._database.session() as session:
            notes = AsyncNoteRepository(session)
            note = await notes.get_one(self._random.choice(self._notes))
            try:
                changes = NoteUpdate(text=self._name)
                changed = await _patiently(lambda: notes.update(note.id, changes, expected=note.revision))
            except StaleError:
                self.ledger.stale += 1
                return
            assert changed.revision == note.revision + 1
            self.ledger.wrote(changed)

    async def _add_optimistically(self) -> None:
        id = self._random.choice(self._notes)
        async with self._database.session() as session:
            notes = AsyncNoteRepository(session)
            while True:
                note = await notes.get_one(id)
                try:
                    changed = await _patiently(partial(notes.update, id, _incremented(note), expected=note.revision))
                except StaleError:
                    self.ledger.stale += 1
                else:
                    self.ledger.wrote(changed, increment=True)
                    return

    async def _add_locked(self) -> None:
        await self._add(Lock(), None)

    async def _add_repeatable(self) -> None:
        await self._add(None, "REPEATABLE READ")

    async def _add_serializable(self) -> None:
        await self._add(None, "SERIALIZABLE")

    async def _add(self, lock: Lock | None, isolation: Isolation | None) -> None:
        id = self._random.choice(self._notes)

        async def work(session: AsyncSession) -> Note:
            notes = AsyncNoteRepository(session)
            return await notes.update(id, _incremented(await notes.get_one(id, lock=lock)))

        self.ledger.wrote(await self._database.run(work, isolation=isolation, retry=PATIENT), increment=True)

    async def _add_to_two(self) -> None:
        """In any order, so that some meet crosswise: the server waits a second before it looks for a deadlock."""
        ids = self._random.sample(self._notes, 2)

        async def work(session: AsyncSession) -> list[Note]:
            notes = AsyncNoteRepository(session)
            return [
                await notes.update(id, _incremented(await notes.get_one(id, lock=Lock("no key update")))) for id in ids
            ]

        for note in await self._database.run(work, retry=PATIENT):
            self.ledger.wrote(note, increment=True)

    async def _create_and_delete(self) -> None:
        async with self._database.session() as session:
            own = AsyncTaskRepository(session).owned_by(self._name)
            task = await own.create(TaskCreate(title="x"))
            with pytest.raises(NotFoundError):
                await AsyncTaskRepository(session).owned_by("a").delete(task.id, expected=task.updated_at)
            assert await own.list() == [task]
            assert (await own.delete(task.id, expected=task.updated_at)).id == task.id


def _incremented(note: Note) -> NoteUpdate:
    return NoteUpdate(rank=(note.rank or 0) + 1)


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The answer to one call, which waits for a row among crossing transactions and can be the one that is ended."""
    while True:
        try:
            return await call()
        except DeadlockError as error:
            if not error.retryable or error.outcome != "not_applied":
                raise


async def test_random_calls_at_once_lose_nothing(database: AsyncDatabase) -> None:
    seed = os.environ.get("SEED") or str(random.randrange(2**32))
    print(f"SEED={seed}")
    async with database.session() as session:
        notes = [(await AsyncNoteRepository(session).create(NoteCreate(text="x"))).id for _ in range(3)]
        mine = AsyncTaskRepository(session).owned_by("a")
        tasks = [(await mine.create(TaskCreate(title="x"))).id for _ in range(3)]

    async def play(number: int) -> Ledger:
        return await Participant(database, notes, tasks, f"{seed} {number}").play(CALLS // AsyncCallers.SIZE)

    ledgers = await AsyncCallers().run(play)
    revisions = [one for ledger in ledgers for one in ledger.revisions]
    increments = sum((ledger.increments for ledger in ledgers), Counter[UUID]())
    toggles = sum((ledger.toggles for ledger in ledgers), Counter[int]())
    async with database.session() as session:
        for note in await AsyncNoteRepository(session).list():
            assert (note.rank or 0) == increments[note.id]
            assert sorted(number for id, number in revisions if id == note.id) == [*range(2, note.revision + 1)]
        found = await AsyncTaskRepository(session).every_owner().list()
    assert {task.id: task.completed for task in found} == {id: bool(toggles[id] % 2) for id in tasks}
    assert sum(ledger.stale for ledger in ledgers) > 0


async def test_locks_that_are_taken_crosswise_are_a_deadlock_that_is_run_again(database: AsyncDatabase) -> None:
    async with database.session() as session:
        ids = [(await AsyncNoteRepository(session).create(NoteCreate(text="x"))).id for _ in range(2)]
    callers = AsyncCallers(2)
    runs: Counter[int] = Counter()

    async def cross(number: int) -> None:
        first, second = ids if number else reversed(ids)

        async def work(session: AsyncSession) -> None:
            notes = AsyncNoteRepository(session)
            await notes.update(first, _incremented(await notes.get_one(first, lock=Lock())))
            runs[number] += 1
            if runs[number] == 1:
                await callers.wait_for_all()
            await notes.update(second, _incremented(await notes.get_one(second, lock=Lock())))

        await database.run(work)

    await callers.run(cross)
    assert sorted(runs.values()) == [1, 2]
    async with database.session() as session:
        assert [(one.rank, one.revision) for one in await AsyncNoteRepository(session).list()] == [(2, 3)] * 2


async def test_an_exhausted_pool_is_said_and_whole_again_afterwards(database: AsyncDatabase, route: str) -> None:
    few = {"pool_size": 1, "pool_max_overflow": 1, "pool_timeout_s": 0.05}
    callers = AsyncCallers(5)
    async with AsyncDatabase(Settings.from_url(route).model_copy(update=few)) as small:

        async def hold(session: AsyncSession) -> int:
            counted = await AsyncNoteRepository(session).count()
            await callers.wait_for_all()
            await callers.wait_for_all()
            return counted

        async def fail() -> int:
            await callers.wait_for_all()
            with pytest.raises(PoolTimeoutError) as raised:
                await _count(small.session())
            assert (raised.value.retryable, raised.value.outcome) == (True, "not_applied")
            with pytest.raises(PoolTimeoutError):
                await small.run(_count, retry=Retry(attempts=2))
            await callers.wait_for_all()
            return await small.run(_count, retry=PATIENT)

        async def participate(number: int) -> int:
            return await (small.run(hold) if number < 2 else fail())

        assert await callers.run(participate) == [0] * 5
        assert checked_out(small) == 0


async def _count(session: AsyncSession) -> int:
    return await AsyncNoteRepository(session).count()
