"""Versions: fresh, stale, missing and foreign told apart, and strictly increasing whoever writes."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from backend import AsyncDatabase
from backend.errors import ConnectionLostError, NotFoundError, StaleError, UsageError
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from tests.behaviour._async.cases import CASES, Anything, Case, each_versioned
from tests.support.models.suite import AsyncNoteRepository, AsyncTicketRepository, Note, NoteCreate, NoteUpdate
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault

Call = Callable[[Anything, Case, Any, Any], Awaitable[Any]]


async def _update(rows: Anything, case: Case, key: Any, expected: Any) -> Any:
    return await rows.update(key, case.change("new"), expected=expected)


async def _update_nothing(rows: Anything, case: Case, key: Any, expected: Any) -> Any:
    return await rows.update(key, case.nothing, expected=expected)


async def _delete(rows: Anything, _case: Case, key: Any, expected: Any) -> Any:
    return await rows.delete(key, expected=expected)


CALLS: dict[str, Call] = {"update": _update, "update of nothing": _update_nothing, "delete": _delete}
each_call = pytest.mark.parametrize("call", CALLS)


async def _row(session: AsyncSession, case: Case) -> Any:
    return await (await case.rows(session)).create("old")


@each_versioned
@each_call
async def test_expected_with_the_current_version_is_one_round_trip(
    session: AsyncSession, proxy: WireProxy, case: Case, call: str
) -> None:
    row = await _row(session, case)
    with proxy.watch() as seen:
        answer = await CALLS[call](case.of(session, "a"), case, case.id_of(row), case.version_of(row))
    assert (seen.round_trips, len(seen.statements)) == (1, 1)
    assert case.text_of(answer) == ("new" if call == "update" else "old")
    assert (case.version_of(answer) > case.version_of(row)) is (call == "update")


@each_versioned
@each_call
@pytest.mark.parametrize("own_transaction", [True, False])
async def test_expected_with_a_stale_version_raises_and_writes_nothing(
    database: AsyncDatabase, proxy: WireProxy, case: Case, call: str, own_transaction: bool
) -> None:
    async with database.session() as session:
        row = await _row(session, case)
        current = await case.of(session, "a").update(case.id_of(row), case.change("changed"))
        if not own_transaction:
            _ = await session.begin()
            await case.of(session, "a").get(case.id_of(row))
        with proxy.watch() as seen, pytest.raises(StaleError, match="has changed since it was read") as raised:
            await CALLS[call](case.of(session, "a"), case, case.id_of(row), case.version_of(row))
        assert (seen.round_trips, len(seen.statements)) == ((1, 1) if call == "update of nothing" else (2, 2))
        assert (raised.value.fields, raised.value.retryable) == ((str(case.versioned),), False)
        assert await case.of(session, "a").get(case.id_of(row)) == current


@each_versioned
async def test_update_of_nothing_whose_answer_is_lost_is_not_applied(
    session: AsyncSession, proxy: WireProxy, case: Case
) -> None:
    row = await _row(session, case)
    with proxy.fault(Fault("within_answer", Cut(), "SELECT")), pytest.raises(ConnectionLostError) as raised:
        await case.of(session, "a").update(case.id_of(row), case.nothing, expected=case.version_of(row))
    assert (raised.value.outcome, raised.value.operation) == ("not_applied", "update")


@each_versioned
@each_call
async def test_expected_tells_no_foreign_row_from_an_absent_one(
    session: AsyncSession, proxy: WireProxy, case: Case, call: str
) -> None:
    row = await _row(session, case)
    current = await case.of(session, "a").update(case.id_of(row), case.change("changed"))
    asked = [(case.id_with(2**40), case.version_of(row)), (case.id_with(2**40), case.version_of(current))]
    if case.owned:
        asked += [(case.id_of(row), case.version_of(row)), (case.id_of(row), case.version_of(current))]
    statements: set[tuple[str, ...]] = set()
    for id, expected in asked:
        with proxy.watch() as seen, pytest.raises(NotFoundError, match=r"with (this )?id"):
            await CALLS[call](case.of(session, "b"), case, id, expected)
        statements.add(tuple(one.sql for one in seen.statements))
        assert seen.round_trips == (1 if call == "update of nothing" else 2)
    assert len(statements) == 1
    assert await case.of(session, "a").get(case.id_of(row)) == current


async def test_expected_takes_the_version_in_any_time_zone(session: AsyncSession) -> None:
    tasks = AsyncTaskRepository(session).owned_by("a")
    task = await tasks.create(TaskCreate(title="x"))
    for zone in (timezone(timedelta(hours=-11)), ZoneInfo("Asia/Kathmandu"), UTC):
        assert await tasks.update(task.id, TaskUpdate(), expected=task.updated_at.astimezone(zone)) == task
        await tasks.update(task.id, TaskUpdate(title="y"), expected=task.updated_at.astimezone(zone))
        task = await tasks.get_one(task.id)


@pytest.mark.parametrize("hour", [0, 1])
async def test_expected_takes_a_version_in_an_hour_that_occurs_twice(
    session: AsyncSession, clean: Engine, hour: int
) -> None:
    """Python takes two times in different zones for unequal where one of them is in such an hour."""
    tasks = AsyncTaskRepository(session).owned_by("a")
    task = await tasks.create(TaskCreate(title="x"))
    version = datetime(2025, 10, 26, hour, 30, tzinfo=UTC)
    with clean.begin() as connection:
        connection.execute(update(Task).values(updated_at=version))
    expected = version.astimezone(ZoneInfo("Europe/Berlin"))
    assert expected != version
    assert (await tasks.update(task.id, TaskUpdate(), expected=expected)).updated_at == version
    assert (await tasks.update(task.id, TaskUpdate(title="y"), expected=expected)).title == "y"


@each_versioned
@each_call
async def test_expected_of_another_type_is_refused_before_it_is_sent(
    session: AsyncSession, proxy: WireProxy, case: Case, call: str
) -> None:
    row = await _row(session, case)
    wrong: list[Any] = [True, False, "", "2025-01-01T00:00:00+00:00", 1.0, datetime(2025, 1, 1)]  # noqa: DTZ001
    now, is_number = datetime.now(UTC), case.versioned == "revision"
    wrong += [now] if is_number else [1, now.date(), now.timetz()]
    for expected in wrong:
        with proxy.watch() as seen, pytest.raises(UsageError, match=r"expected=row\.\w+, as it was read"):
            await CALLS[call](case.of(session, "a"), case, case.id_of(row), expected)
        assert seen.statements == []


async def test_expected_without_a_time_zone_is_refused(session: AsyncSession) -> None:
    naive = datetime(2025, 1, 1)  # noqa: DTZ001
    with pytest.raises(UsageError, match="a datetime with a time zone, got a datetime without one"):
        await AsyncTaskRepository(session).every_owner().update(1, TaskUpdate(title="x"), expected=naive)


@each_call
@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**80])
async def test_expected_outside_the_columns_range_is_stale(session: AsyncSession, call: str, number: int) -> None:
    case = next(one for one in CASES if one.name == "note")
    row = await _row(session, case)
    with pytest.raises(StaleError):
        await CALLS[call](case.of(session, "a"), case, case.id_of(row), number)
    with pytest.raises(NotFoundError):
        await CALLS[call](case.of(session, "a"), case, uuid4(), number)


async def test_expected_of_a_model_without_a_version_is_refused(session: AsyncSession, proxy: WireProxy) -> None:
    case = next(one for one in CASES if not one.versioned)
    for call in CALLS.values():
        with proxy.watch() as seen, pytest.raises(UsageError, match="Ticket has no version: name it"):
            await call(AsyncTicketRepository(session).owned_by("a"), case, 1, 1)
        assert seen.statements == []


async def test_create_sets_updated_at_to_created_at(session: AsyncSession) -> None:
    for _ in range(50):
        task = await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
        assert task.updated_at == task.created_at


async def _by_update(session: AsyncSession, task: Task) -> None:
    await AsyncTaskRepository(session).owned_by("a").update(task.id, TaskUpdate(title="x"))


async def _by_toggle(session: AsyncSession, task: Task) -> None:
    await AsyncTaskRepository(session).every_owner().toggle_complete(task.id)


async def _by_flush(session: AsyncSession, task: Task) -> None:
    session.add(task)
    task.title = f"{task.title}!"
    await session.flush()
    session.expunge(task)


async def _by_own_update(session: AsyncSession, task: Task) -> None:
    await (await session.connection()).execute(update(Task).where(col(Task.id) == task.id).values(title="x"))


async def _by_own_orm_update(session: SQLModelAsyncSession, task: Task) -> None:
    await session.exec(update(Task).where(col(Task.id) == task.id).values(title="x"))


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(days=1000)], ids=["now", "ahead of the clock"])
@pytest.mark.parametrize("change", [_by_update, _by_toggle, _by_flush, _by_own_update, _by_own_orm_update])
async def test_updated_at_strictly_increases_whoever_writes(
    database: AsyncDatabase, clean: Engine, change: Any, ahead: timedelta
) -> None:
    """Twice in one transaction, and in another; with the row ahead of the clock too."""
    async with database.session() as session:
        task = await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
    with clean.begin() as connection:
        connection.execute(update(Task).values(updated_at=task.updated_at + ahead))
    versions = [task.updated_at + ahead]
    for _ in range(2):
        async with database.transaction() as session:
            for _ in range(2):
                current = await AsyncTaskRepository(session).every_owner().get_one(task.id)
                await change(session, current)
                versions.append((await AsyncTaskRepository(session).every_owner().get_one(task.id)).updated_at)
    assert versions == sorted(set(versions))
    if ahead:
        assert versions[-1] - versions[0] == timedelta(microseconds=4)


@pytest.mark.parametrize("own", [False, True])
async def test_a_version_number_counts_the_writes(database: AsyncDatabase, own: bool) -> None:
    async with database.session() as session:
        note = await AsyncNoteRepository(session).create(NoteCreate(text="x"))
    assert note.revision == 1
    async with database.transaction() as session:
        for text in ("y", "z"):
            if own:
                attached = await session.get_one(Note, note.id)
                attached.text = text
                await session.flush()
            else:
                await AsyncNoteRepository(session).update(note.id, NoteUpdate(text=text))
        await AsyncNoteRepository(session).update(note.id, NoteUpdate())
        assert (await AsyncNoteRepository(session).get_one(note.id)).revision == 3


Step = tuple[str, str, int, int]
"""Owner, call, which of the rows seen, which of the versions seen of it: counted from the newest."""

_STEPS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["create", "update", "expected", "delete expected", "toggle", "nothing", "delete"]),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    max_size=25,
)


class History:
    """What two owners did to their tasks, and every version that was seen."""

    def __init__(self, session: AsyncSession) -> None:
        self.tasks = {owner: AsyncTaskRepository(session).owned_by(owner) for owner in "ab"}
        self.rows: list[int] = []
        self.versions: dict[int, list[datetime]] = {}
        self.owners: dict[int, str] = {}
        self.alive: set[int] = set()

    async def take(self, step: Step) -> None:
        owner, call, row, age = step
        if call == "create" or not self.rows:
            task = await self.tasks[owner].create(TaskCreate(title="x"))
            self.rows.append(task.id)
            self.owners[task.id] = owner
            self.alive.add(task.id)
            self.versions[task.id] = [task.updated_at]
            return
        id = self.rows[-1 - row % len(self.rows)]
        known = self.versions[id]
        expected = known[-1 - age % len(known)]
        promised = self._promised(owner, call, id, fresh=expected == known[-1])
        outcome = await self._outcome(owner, call, id, expected)
        assert outcome == promised
        if outcome == "done" and call.startswith("delete"):
            self.alive.remove(id)

    def _promised(self, owner: str, call: str, id: int, *, fresh: bool) -> str:
        if id not in self.alive or self.owners[id] != owner:
            return "not found"
        return "done" if fresh or "expected" not in call else "stale"

    async def _outcome(self, owner: str, call: str, id: int, expected: datetime) -> str:
        tasks = self.tasks[owner]
        calls: dict[str, Callable[[], Any]] = {
            "update": lambda: tasks.update(id, TaskUpdate(title="y")),
            "expected": lambda: tasks.update(id, TaskUpdate(title="z"), expected=expected),
            "nothing": lambda: tasks.update(id, TaskUpdate()),
            "toggle": lambda: tasks.toggle_complete(id),
            "delete": lambda: tasks.delete(id),
            "delete expected": lambda: tasks.delete(id, expected=expected),
        }
        try:
            task = await calls[call]()
        except NotFoundError:
            return "not found"
        except StaleError:
            return "stale"
        if call in ("update", "expected", "toggle"):
            assert task.updated_at > self.versions[id][-1]
            self.versions[id].append(task.updated_at)
        assert task.updated_at == self.versions[id][-1]
        return "done"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS, joined=st.booleans())
async def test_versions_increase_and_expected_of_an_older_read_never_writes(
    database: AsyncDatabase, steps: list[Step], joined: bool
) -> None:
    async with database.session() as session:
        history = History(session)
        async with session.begin() if joined else nullcontext():
            for step in steps:
                await history.take(step)
