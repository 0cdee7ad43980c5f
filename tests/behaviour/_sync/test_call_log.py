# Generated from tests/behaviour/_async/test_call_log.py by `python -m tools.generate_sync`: edit that one.
"""The record that each call leaves in the log: what it says, what it never says, and what it costs when it is off."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import pytest
from pydantic import BaseModel
from sqlalchemy import Select
from sqlmodel import Session, col
from typing_extensions import override

from backend import Change, Database, typed
from backend.errors import NotFoundError, OutcomeUnknownError, RepositoryError, SerializationError
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import Shelf, ShelfCreate, ShelfRepository
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault

FIELDS = ("operation", "model", "rows", "attempt", "error", "outcome")
_REOPEN = Change(typed(Task.completed).to(False))
_SHELF = ShelfCreate(code="canary-code", label="canary-label", note="canary-note")


class Records(logging.Handler):
    """A hook as an application writes one."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[logging.LogRecord] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(record)

    @property
    def fields(self) -> list[tuple[object, ...]]:
        """What the records say, except their times."""
        return [tuple(vars(record)[name] for name in FIELDS) for record in self.all]


class TaskLine(BaseModel):
    """A task as a list shows it."""

    title: str


class Tasks(TaskRepository):
    """A repository with calls of a team's own."""

    def titles(self) -> Select[str]:
        return self._select(col(Task.title))

    def all_titles(self) -> object:
        return self._all(self.titles())

    def streamed(self) -> object:
        with self.stream() as rows:
            return [row for row in rows]

    def streamed_lines(self) -> object:
        with self.as_(TaskLine).stream() as lines:
            return [line for line in lines]

    def one_title(self) -> object:
        return self._one_or_none(self.titles())

    def title(self) -> object:
        return self._scalar(self.titles())

    def reopen(self, id: int) -> object:
        return self._change(id, _REOPEN)

    @property
    def shelves(self) -> ShelfRepository:
        return ShelfRepository(self.session).owned_by("canary-owner")


@pytest.fixture
def listening() -> Iterator[Records]:
    """A hook on the logger, at whichever level that has."""
    hook, logger = Records(), logging.getLogger("backend.calls")
    logger.addHandler(hook)
    yield hook
    logger.removeHandler(hook)


@pytest.fixture
def records(listening: Records) -> Iterator[Records]:
    """The records of the calls, asked for."""
    logger = logging.getLogger("backend.calls")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    yield listening
    logger.setLevel(before)


@pytest.fixture
def task(session: Session) -> Task:
    """The only row of owner canary-owner."""
    return Tasks(session).owned_by("canary-owner").create(TaskCreate(title="canary-title"))


@dataclass(frozen=True)
class Made:
    """One call on the row with this id, its operation, and how many rows it returns."""

    by: Callable[[Tasks, int], object]
    operation: str
    rows: int = 1
    model: str = "Task"

    @override
    def __str__(self) -> str:
        return f"{self.operation}-{self.rows}"


CALLS = [
    Made(lambda tasks, key: tasks.get(key), "get"),
    Made(lambda tasks, _: tasks.get(-1), "get", rows=0),
    Made(lambda tasks, key: tasks.get_one(key), "get_one"),
    Made(lambda tasks, key: tasks.get_many([key, -1]), "get_many"),
    Made(lambda tasks, key: tasks.require_many([key, key]), "require_many", rows=2),
    Made(lambda tasks, _: tasks.page(), "page"),
    Made(lambda tasks, _: tasks.page(page=2), "page", rows=0),
    Made(lambda tasks, _: tasks.list(), "list"),
    Made(lambda tasks, _: tasks.list(limit=0), "list", rows=0),
    Made(lambda tasks, _: tasks.cursor_page(), "cursor_page"),
    Made(lambda tasks, _: tasks.streamed(), "stream"),
    Made(lambda tasks, key: tasks.as_(TaskLine).get(key), "get"),
    Made(lambda tasks, _: tasks.as_(TaskLine).list(), "list"),
    Made(lambda tasks, _: tasks.as_(TaskLine).page(page=2), "page", rows=0),
    Made(lambda tasks, _: tasks.as_(TaskLine).cursor_page(), "cursor_page"),
    Made(lambda tasks, _: tasks.streamed_lines(), "stream"),
    Made(lambda tasks, _: tasks.first(), "first"),
    Made(lambda tasks, _: tasks.one(), "one"),
    Made(lambda tasks, _: tasks.one_or_none(), "one_or_none"),
    Made(lambda tasks, _: tasks.count(), "count"),
    Made(lambda tasks, _: tasks.exists(), "exists"),
    Made(lambda tasks, _: tasks.create(TaskCreate(title="canary-title")), "create"),
    Made(lambda tasks, _: tasks.create_many([TaskCreate(title="canary-title")] * 2), "create_many", rows=2),
    Made(lambda tasks, _: tasks.create_many([TaskCreate(title="x")] * 3, returning=False), "create_many", rows=3),
    Made(lambda tasks, key: tasks.update_many([(key, TaskUpdate(title="canary-title"))]), "update_many"),
    Made(lambda tasks, key: tasks.update_many([(key, TaskUpdate())]), "update_many"),
    Made(lambda tasks, key: tasks.delete_many([key]), "delete_many"),
    Made(lambda tasks, _: tasks.update_where(TaskUpdate(title="canary-title"), all_rows=True), "update_where"),
    Made(lambda tasks, _: tasks.update_where(_REOPEN, col(Task.id) < 0), "update_where", rows=0),
    Made(lambda tasks, _: tasks.update_where_returning(_REOPEN, all_rows=True), "update_where_returning"),
    Made(lambda tasks, _: tasks.delete_where(all_rows=True), "delete_where"),
    Made(lambda tasks, _: tasks.delete_where_returning(all_rows=True), "delete_where_returning"),
    Made(lambda tasks, _: tasks.shelves.upsert(_SHELF, on=col(Shelf.code)), "upsert", model="Shelf"),
    Made(lambda tasks, _: tasks.shelves.upsert(_SHELF, on=col(Shelf.label)), "upsert", model="Shelf"),
    Made(lambda tasks, _: tasks.shelves.get_or_create(_SHELF, on=col(Shelf.code)), "get_or_create", model="Shelf"),
    Made(
        lambda tasks, _: tasks.shelves.upsert_many([_SHELF, ShelfCreate(code="canary")], on=col(Shelf.code)),
        "upsert_many",
        rows=2,
        model="Shelf",
    ),
    Made(lambda tasks, key: tasks.update(key, TaskUpdate(title="canary-title")), "update"),
    Made(lambda tasks, key: tasks.delete(key), "delete"),
    Made(lambda tasks, _: tasks.all_titles(), "select"),
    Made(lambda tasks, _: tasks.one_title(), "select"),
    Made(lambda tasks, _: tasks.title(), "select"),
    Made(lambda tasks, key: tasks.reopen(key), "change"),
]


@pytest.mark.parametrize("made", CALLS, ids=str)
def test_call_logs_one_record_without_parameters_or_owner(
    session: Session, task: Task, records: Records, made: Made
) -> None:
    made.by(Tasks(session).owned_by("canary-owner"), task.id)
    assert records.fields == [(made.operation, made.model, made.rows, 1, None, None)]
    record = records.all[0]
    assert vars(record)["duration_ms"] > 0
    assert record.getMessage().startswith(f"{made.operation} of {made.model}: {made.rows} row")
    assert "canary" not in record.getMessage() + repr(vars(record))


@pytest.mark.parametrize("made", CALLS, ids=str)
def test_call_logs_the_operation_that_its_errors_name(
    proxy: WireProxy, session: Session, task: Task, records: Records, made: Made
) -> None:
    with proxy.fault(Fault("before_statement", Cut())), pytest.raises(RepositoryError) as raised:
        made.by(Tasks(session).owned_by("canary-owner"), task.id)
    error = raised.value
    assert error.operation == made.operation
    assert records.fields == [(made.operation, made.model, 0, 1, type(error).__name__, error.outcome)]


def test_call_that_raises_logs_the_error_and_its_outcome(session: Session, proxy: WireProxy, records: Records) -> None:
    tasks = Tasks(session).owned_by("canary-owner")
    with pytest.raises(NotFoundError):  # two statements, one call
        tasks.delete(987654321)
    with proxy.fault(Fault("after_statement", Cut())), pytest.raises(OutcomeUnknownError):
        tasks.create(TaskCreate(title="canary-title"))
    assert records.fields == [
        ("delete", "Task", 0, 1, "NotFoundError", "not_applied"),
        ("create", "Task", 0, 1, "OutcomeUnknownError", "unknown"),
    ]
    assert records.all[0].getMessage().startswith("delete of Task: NotFoundError, ")
    text = "".join(record.getMessage() + repr(vars(record)) for record in records.all)
    assert "canary" not in text
    assert "987654321" not in text


def test_run_logs_the_attempt_of_each_call(database: Database, records: Records) -> None:
    attempts = 0

    def work(session: Session) -> int:
        nonlocal attempts
        attempts += 1
        count = Tasks(session).owned_by("a").count()
        if attempts < 3:
            raise SerializationError("a conflict")
        return count

    database.run(work)
    assert records.fields == [("count", "Task", 1, attempt, None, None) for attempt in (1, 2, 3)]


def test_call_asks_once_for_the_level_and_logs_nothing_when_off(
    session: Session, task: Task, listening: Records
) -> None:
    called: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        names = [one.f_globals.get("__name__", "") for one in (frame, frame.f_back) if one]
        if event == "call" and names[0] in ("logging", "backend.repository.call_log") and "backend" in names[-1]:
            called.append(frame.f_code.co_name)

    tasks = Tasks(session).owned_by("canary-owner")
    sys.setprofile(note)
    try:
        tasks.get(task.id)
    finally:
        sys.setprofile(None)
    assert called == ["isEnabledFor"]
    assert listening.all == []
