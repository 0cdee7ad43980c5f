# Generated from tests/behaviour/_async/test_versions.py by `python -m tools.generate_sync`: edit that one.
"""Versions: fresh, stale, missing and foreign told apart, and strictly increasing whoever writes."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, update
from sqlmodel import Session, col
from sqlmodel import Session as SQLModelSession

from backend import Database
from backend.errors import ConnectionLostError, NotFoundError, StaleError, UsageError
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.behaviour._sync.cases import CASES, Anything, Case, each_versioned
from tests.support.models.suite import Note, NoteCreate, NoteRepository, NoteUpdate, TicketRepository
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault

Call = Callable[[Anything, Case, Any, Any], Any]


def _update(rows: Anything, case: Case, key: Any, expected: Any) -> Any:
    return rows.update(key, case.change("new"), expected=expected)


def _update_nothing(rows: Anything, case: Case, key: Any, expected: Any) -> Any:
    return rows.update(key, case.nothing, expected=expected)


def _delete(rows: Anything, _case: Case, key: Any, expected: Any) -> Any:
    return rows.delete(key, expected=expected)


CALLS: dict[str, Call] = {"update": _update, "update of nothing": _update_nothing, "delete": _delete}
each_call = pytest.mark.parametrize("call", CALLS)


def _row(session: Session, case: Case) -> Any:
    return (case.rows(session)).create("old")


@each_versioned
@each_call
def test_expected_with_the_current_version_is_one_round_trip(
    session: Session, proxy: WireProxy, case: Case, call: str
) -> None:
    row = _row(session, case)
    with proxy.watch() as seen:
        answer = CALLS[call](case.of(session, "a"), case, case.id_of(row), case.version_of(row))
    assert (seen.round_trips, len(seen.statements)) == (1, 1)
    assert case.text_of(answer) == ("new" if call == "update" else "old")
    assert (case.version_of(answer) > case.version_of(row)) is (call == "update")


@each_versioned
@each_call
@pytest.mark.parametrize("own_transaction", [True, False])
def test_expected_with_a_stale_version_raises_and_writes_nothing(
    database: Database, proxy: WireProxy, case: Case, call: str, own_transaction: bool
) -> None:
    with database.session() as session:
        row = _row(session, case)
        current = case.of(session, "a").update(case.id_of(row), case.change("changed"))
        if not own_transaction:
            _ = session.begin()
            case.of(session, "a").get(case.id_of(row))
        with proxy.watch() as seen, pytest.raises(StaleError, match="has changed since it was read") as raised:
            CALLS[call](case.of(session, "a"), case, case.id_of(row), case.version_of(row))
        assert (seen.round_trips, len(seen.statements)) == ((1, 1) if call == "update of nothing" else (2, 2))
        assert (raised.value.fields, raised.value.retryable) == ((str(case.versioned),), False)
        assert case.of(session, "a").get(case.id_of(row)) == current


@each_versioned
def test_update_of_nothing_whose_answer_is_lost_is_not_applied(session: Session, proxy: WireProxy, case: Case) -> None:
    row = _row(session, case)
    with proxy.fault(Fault("within_answer", Cut(), "SELECT")), pytest.raises(ConnectionLostError) as raised:
        case.of(session, "a").update(case.id_of(row), case.nothing, expected=case.version_of(row))
    assert (raised.value.outcome, raised.value.operation) == ("not_applied", "update")


@each_versioned
@each_call
def test_expected_tells_no_foreign_row_from_an_absent_one(
    session: Session, proxy: WireProxy, case: Case, call: str
) -> None:
    row = _row(session, case)
    current = case.of(session, "a").update(case.id_of(row), case.change("changed"))
    asked = [(case.id_with(2**40), case.version_of(row)), (case.id_with(2**40), case.version_of(current))]
    if case.owned:
        asked += [(case.id_of(row), case.version_of(row)), (case.id_of(row), case.version_of(current))]
    statements: set[tuple[str, ...]] = set()
    for id, expected in asked:
        with proxy.watch() as seen, pytest.raises(NotFoundError, match=r"with (this )?id"):
            CALLS[call](case.of(session, "b"), case, id, expected)
        statements.add(tuple(one.sql for one in seen.statements))
        assert seen.round_trips == (1 if call == "update of nothing" else 2)
    assert len(statements) == 1
    assert case.of(session, "a").get(case.id_of(row)) == current


def test_expected_takes_the_version_in_any_time_zone(session: Session) -> None:
    tasks = TaskRepository(session).owned_by("a")
    task = tasks.create(TaskCreate(title="x"))
    for zone in (timezone(timedelta(hours=-11)), ZoneInfo("Asia/Kathmandu"), UTC):
        assert tasks.update(task.id, TaskUpdate(), expected=task.updated_at.astimezone(zone)) == task
        tasks.update(task.id, TaskUpdate(title="y"), expected=task.updated_at.astimezone(zone))
        task = tasks.get_one(task.id)


@pytest.mark.parametrize("hour", [0, 1])
def test_expected_takes_a_version_in_an_hour_that_occurs_twice(session: Session, clean: Engine, hour: int) -> None:
    """Python takes two times in different zones for unequal where one of them is in such an hour."""
    tasks = TaskRepository(session).owned_by("a")
    task = tasks.create(TaskCreate(title="x"))
    version = datetime(2025, 10, 26, hour, 30, tzinfo=UTC)
    with clean.begin() as connection:
        connection.execute(update(Task).values(updated_at=version))
    expected = version.astimezone(ZoneInfo("Europe/Berlin"))
    assert expected != version
    assert (tasks.update(task.id, TaskUpdate(), expected=expected)).updated_at == version
    assert (tasks.update(task.id, TaskUpdate(title="y"), expected=expected)).title == "y"


@each_versioned
@each_call
def test_expected_of_another_type_is_refused_before_it_is_sent(
    session: Session, proxy: WireProxy, case: Case, call: str
) -> None:
    row = _row(session, case)
    wrong: list[Any] = [True, False, "", "2025-01-01T00:00:00+00:00", 1.0, datetime(2025, 1, 1)]  # noqa: DTZ001
    now, is_number = datetime.now(UTC), case.versioned == "revision"
    wrong += [now] if is_number else [1, now.date(), now.timetz()]
    for expected in wrong:
        with proxy.watch() as seen, pytest.raises(UsageError, match=r"expected=row\.\w+, as it was read"):
            CALLS[call](case.of(session, "a"), case, case.id_of(row), expected)
        assert seen.statements == []


def test_expected_without_a_time_zone_is_refused(session: Session) -> None:
    naive = datetime(2025, 1, 1)  # noqa: DTZ001
    with pytest.raises(UsageError, match="a datetime with a time zone, got a datetime without one"):
        TaskRepository(session).every_owner().update(1, TaskUpdate(title="x"), expected=naive)


@each_call
@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**80])
def test_expected_outside_the_columns_range_is_stale(session: Session, call: str, number: int) -> None:
    case = next(one for one in CASES if one.name == "note")
    row = _row(session, case)
    with pytest.raises(StaleError):
        CALLS[call](case.of(session, "a"), case, case.id_of(row), number)
    with pytest.raises(NotFoundError):
        CALLS[call](case.of(session, "a"), case, uuid4(), number)


def test_expected_of_a_model_without_a_version_is_refused(session: Session, proxy: WireProxy) -> None:
    case = next(one for one in CASES if not one.versioned)
    for call in CALLS.values():
        with proxy.watch() as seen, pytest.raises(UsageError, match="Ticket has no version: name it"):
            call(TicketRepository(session).owned_by("a"), case, 1, 1)
        assert seen.statements == []


def test_create_sets_updated_at_to_created_at(session: Session) -> None:
    for _ in range(50):
        task = TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
        assert task.updated_at == task.created_at


def _by_update(session: Session, task: Task) -> None:
    TaskRepository(session).owned_by("a").update(task.id, TaskUpdate(title="x"))


def _by_toggle(session: Session, task: Task) -> None:
    TaskRepository(session).every_owner().toggle_complete(task.id)


def _by_flush(session: Session, task: Task) -> None:
    session.add(task)
    task.title = f"{task.title}!"
    session.flush()
    session.expunge(task)


def _by_own_update(session: Session, task: Task) -> None:
    (session.connection()).execute(update(Task).where(col(Task.id) == task.id).values(title="x"))


def _by_own_orm_update(session: SQLModelSession, task: Task) -> None:
    session.exec(update(Task).where(col(Task.id) == task.id).values(title="x"))


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(days=1000)], ids=["now", "ahead of the clock"])
@pytest.mark.parametrize("change", [_by_update, _by_toggle, _by_flush, _by_own_update, _by_own_orm_update])
def test_updated_at_strictly_increases_whoever_writes(
    database: Database, clean: Engine, change: Any, ahead: timedelta
) -> None:
    """Twice in one transaction, and in another; with the row ahead of the clock too."""
    with database.session() as session:
        task = TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
    with clean.begin() as connection:
        connection.execute(update(Task).values(updated_at=task.updated_at + ahead))
    versions = [task.updated_at + ahead]
    for _ in range(2):
        with database.transaction() as session:
            for _ in range(2):
                current = TaskRepository(session).every_owner().get_one(task.id)
                change(session, current)
                versions.append((TaskRepository(session).every_owner().get_one(task.id)).updated_at)
    assert versions == sorted(set(versions))
    if ahead:
        assert versions[-1] - versions[0] == timedelta(microseconds=4)


@pytest.mark.parametrize("own", [False, True])
def test_a_version_number_counts_the_writes(database: Database, own: bool) -> None:
    with database.session() as session:
        note = NoteRepository(session).create(NoteCreate(text="x"))
    assert note.revision == 1
    with database.transaction() as session:
        for text in ("y", "z"):
            if own:
                attached = session.get_one(Note, note.id)
                attached.text = text
                session.flush()
            else:
                NoteRepository(session).update(note.id, NoteUpdate(text=text))
        NoteRepository(session).update(note.id, NoteUpdate())
        assert (NoteRepository(session).get_one(note.id)).revision == 3


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

    def __init__(self, session: Session) -> None:
        self.tasks = {owner: TaskRepository(session).owned_by(owner) for owner in "ab"}
        self.rows: list[int] = []
        self.versions: dict[int, list[datetime]] = {}
        self.owners: dict[int, str] = {}
        self.alive: set[int] = set()

    def take(self, step: Step) -> None:
        owner, call, row, age = step
        if call == "create" or not self.rows:
            task = self.tasks[owner].create(TaskCreate(title="x"))
            self.rows.append(task.id)
            self.owners[task.id] = owner
            self.alive.add(task.id)
            self.versions[task.id] = [task.updated_at]
            return
        id = self.rows[-1 - row % len(self.rows)]
        known = self.versions[id]
        expected = known[-1 - age % len(known)]
        promised = self._promised(owner, call, id, fresh=expected == known[-1])
        outcome = self._outcome(owner, call, id, expected)
        assert outcome == promised
        if outcome == "done" and call.startswith("delete"):
            self.alive.remove(id)

    def _promised(self, owner: str, call: str, id: int, *, fresh: bool) -> str:
        if id not in self.alive or self.owners[id] != owner:
            return "not found"
        return "done" if fresh or "expected" not in call else "stale"

    def _outcome(self, owner: str, call: str, id: int, expected: datetime) -> str:
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
            task = calls[call]()
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
def test_versions_increase_and_expected_of_an_older_read_never_writes(
    database: Database, steps: list[Step], joined: bool
) -> None:
    with database.session() as session:
        history = History(session)
        with session.begin() if joined else nullcontext():
            for step in steps:
                history.take(step)
