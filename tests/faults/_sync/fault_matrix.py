# Generated from tests/faults/_async/fault_matrix.py by `python -m tools.generate_sync`: edit that one.
"""What the fault matrix is made of: every call with what it leaves behind, and the state of the world after a fault."""

import secrets
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

import pytest
from pydantic import BaseModel
from sqlalchemy import Engine, Row, String, column, select, table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session as SQLAlchemySession
from sqlalchemy.pool import QueuePool
from sqlmodel import Session, col

from backend import Database, Lock, Patch, typed
from backend.database.bridge import sleep
from backend.errors import Outcome, RepositoryError
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.models.suite import Shelf, ShelfCreate, ShelfRepository
from tests.support.wire import WireProxy
from tests.support.wire.faults import ArmedFault, Statement, Step

STEPS: Final[tuple[Step, ...]] = (
    "before_statement", "within_statement", "after_statement", "within_answer", "before_ready",
)  # fmt: skip
"""The steps of one exchange; the server has done the statement from the third on. At the last one the client has read
CommandComplete, which PostgreSQL sends before it commits a statement of its own transaction."""

OLD: Final = ("old", False)
"""Title and completion of the one task that every cell begins with."""

SHELF: Final = ("shelf", "old")
"""Code and note of the one shelf."""

Matching = Callable[[Statement], bool]
"""Chooses the statements at which a fault strikes."""

Rows = frozenset[tuple[str, bool | str | None]]

BEFORE: Final[Rows] = frozenset({OLD, SHELF})


class TaskLine(BaseModel):
    """A task as a list shows it."""

    title: str


class ReportRepository(TaskRepository):
    """Tasks, with a report of a subclass's own, and with the shelves of their owner."""

    def titles(self) -> Sequence[Row[str]]:
        return self._all(self._select(col(Task.title)))

    @property
    def shelves(self) -> ShelfRepository:
        return ShelfRepository(self.session).owned_by("a")


def tasks_become(*rows: tuple[str, bool]) -> Rows:
    return frozenset({SHELF, *rows})


def shelves_become(*rows: tuple[str, str | None]) -> Rows:
    return frozenset({OLD, *rows})


@dataclass(frozen=True)
class RepositoryCall:
    """One call of the repository on the task that there is, or of its shelves' on the shelf."""

    name: str
    make: Callable[[ReportRepository, Task], object]
    after: Rows = BEFORE
    """What the tables hold when it is applied; for a read what they held."""
    locks: bool = False
    returns_task: bool = True
    """Whether a write returns the task that there was: not a new one, nor a number of rows."""
    may_write: bool = False
    """Whether it may write, though it does not write here."""

    @property
    def writes(self) -> bool:
        return self.may_write or self.after != BEFORE


CALLS: Final = (
    RepositoryCall(
        "create",
        lambda tasks, _: tasks.create(TaskCreate(title="new")),
        tasks_become(OLD, ("new", False)),
        returns_task=False,
    ),
    RepositoryCall(
        "update", lambda tasks, row: tasks.update(row.id, TaskUpdate(title="new")), tasks_become(("new", False))
    ),
    RepositoryCall(
        "update expected",
        lambda tasks, row: tasks.update(row.id, TaskUpdate(title="new"), expected=row.updated_at),
        tasks_become(("new", False)),
    ),
    RepositoryCall("delete", lambda tasks, row: tasks.delete(row.id), tasks_become()),
    RepositoryCall(
        "create_many",
        lambda tasks, _: tasks.create_many([TaskCreate(title="new"), TaskCreate(title="newer")]),
        tasks_become(OLD, ("new", False), ("newer", False)),
        returns_task=False,
    ),
    RepositoryCall(
        "create_many without rows",
        lambda tasks, _: tasks.create_many([TaskCreate(title="new")], returning=False),
        tasks_become(OLD, ("new", False)),
        returns_task=False,
    ),
    RepositoryCall(
        "update_many",
        lambda tasks, row: tasks.update_many([Patch(row.id, TaskUpdate(title="new"), expected=row.updated_at)]),
        tasks_become(("new", False)),
    ),
    RepositoryCall("delete_many", lambda tasks, row: tasks.delete_many([row.id]), tasks_become()),
    RepositoryCall(
        "update_where",
        lambda tasks, _: tasks.update_where(TaskUpdate(title="new"), typed(Task.title) == "old"),
        tasks_become(("new", False)),
        returns_task=False,
    ),
    RepositoryCall(
        "delete_where", lambda tasks, _: tasks.delete_where(all_rows=True), tasks_become(), returns_task=False
    ),
    RepositoryCall(
        "upsert",
        lambda tasks, _: tasks.shelves.upsert(ShelfCreate(code="shelf", note="new"), on=col(Shelf.code)),
        shelves_become(("shelf", "new")),
        returns_task=False,
    ),
    RepositoryCall(
        "upsert of a new row",
        lambda tasks, _: tasks.shelves.upsert(ShelfCreate(code="new"), on=col(Shelf.code)),
        shelves_become(SHELF, ("new", None)),
        returns_task=False,
    ),
    RepositoryCall(
        "upsert_many",
        lambda tasks, _: tasks.shelves.upsert_many(
            [ShelfCreate(code="new", note="new"), ShelfCreate(code="shelf", note="new")], on=col(Shelf.code)
        ),
        shelves_become(("shelf", "new"), ("new", "new")),
        returns_task=False,
    ),
    RepositoryCall(
        "get_or_create",
        lambda tasks, _: tasks.shelves.get_or_create(ShelfCreate(code="new", note="new"), on=col(Shelf.code)),
        shelves_become(SHELF, ("new", "new")),
        returns_task=False,
    ),
    RepositoryCall(
        "get_or_create of a row that is there",
        lambda tasks, _: tasks.shelves.get_or_create(ShelfCreate(code="shelf", note="new"), on=col(Shelf.code)),
        returns_task=False,
        may_write=True,
    ),
    RepositoryCall("a change", lambda tasks, row: tasks.toggle_complete(row.id), tasks_become(("old", True))),
    RepositoryCall("update of nothing", lambda tasks, row: tasks.update(row.id, TaskUpdate())),
    RepositoryCall("get", lambda tasks, row: tasks.get(row.id)),
    RepositoryCall("get_one", lambda tasks, row: tasks.get_one(row.id)),
    RepositoryCall("get with lock", lambda tasks, row: tasks.get(row.id, lock=Lock()), locks=True),
    RepositoryCall("list", lambda tasks, _: tasks.list()),
    RepositoryCall("first", lambda tasks, _: tasks.first()),
    RepositoryCall("one", lambda tasks, _: tasks.one()),
    RepositoryCall("one_or_none", lambda tasks, _: tasks.one_or_none()),
    RepositoryCall("count", lambda tasks, _: tasks.count()),
    RepositoryCall("exists", lambda tasks, _: tasks.exists()),
    RepositoryCall("a select", lambda tasks, _: tasks.titles()),
    RepositoryCall("cursor_page", lambda tasks, _: tasks.cursor_page()),
    RepositoryCall("a view", lambda tasks, _: tasks.as_(TaskLine).list()),
)
ALONE: Final = tuple(call for call in CALLS if not call.locks)
"""Those that need no transaction."""
CREATE, LIST, LOCKED = (
    next(call for call in CALLS if call.name == name) for name in ("create", "list", "get with lock")
)

each_step = pytest.mark.parametrize("step", STEPS)
each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
each_call_alone = pytest.mark.parametrize("call", ALONE, ids=lambda call: call.name)


def is_call(statement: Statement) -> bool:
    """Whether a call sent it, and not the transaction around it."""
    return statement.sql not in ("BEGIN", "COMMIT", "ROLLBACK") and not statement.sql.startswith("BEGIN ")


def is_begin(statement: Statement) -> bool:
    return statement.sql.startswith("BEGIN")


def is_commit(statement: Statement) -> bool:
    return statement.sql == "COMMIT"


def is_rollback(statement: Statement) -> bool:
    return statement.sql == "ROLLBACK"


@contextmanager
def cut_when_struck(proxy: WireProxy, armed: ArmedFault) -> Generator[None]:
    """Cuts every connection, from a thread of its own, once a fault has struck."""

    def cut() -> None:
        armed.wait()
        proxy.cut_all()

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@dataclass
class Stage:
    """A database behind the proxy, one row in each of its tables, and a way beside the proxy to look at both."""

    database: Database
    proxy: WireProxy
    beside: Engine
    row: Task

    def tasks(self, session: Session) -> ReportRepository:
        return ReportRepository(session).owned_by("a")

    def rows(self) -> Rows:
        """What the tables hold."""
        with self.beside.connect() as connection:
            tasks = connection.execute(select(col(Task.title), col(Task.completed))).all()
            shelves = connection.execute(select(col(Shelf.code), col(Shelf.note))).all()
        return frozenset(tasks) | frozenset(shelves)

    def check(self, call: RepositoryCall, error: RepositoryError, outcome: Outcome, step: Step) -> None:
        """The outcome is the expected one, the tables agree with it, and the database is as before the fault."""
        assert error.outcome == outcome
        done = outcome == "applied" or (outcome == "unknown" and step in STEPS[2:])
        assert self.rows() == (call.after if done else BEFORE)
        self.check_whole()

    def check_whole(self) -> None:
        """No connection is leaked or starved, nothing is open on the server, and the next call works."""
        check_settled(self.database.engine, self.proxy, self.beside)
        with self.database.session() as session:
            tasks = self.tasks(session)
            assert tasks.count() + tasks.shelves.count() == len(self.rows())


def check_settled(engine: Engine, proxy: WireProxy, beside: Engine) -> None:
    """Every connection of the engine is in its pool and idle on the server, none is elsewhere. Looks for up to 60 s."""
    deadline = time.monotonic() + 60
    while wrong := _unsettled(engine, proxy, beside):
        assert time.monotonic() < deadline, wrong
        sleep(0.001)


def in_use(stage: Stage) -> int:
    """How many connections are out of the pool."""
    return _pool_of(stage.database.engine).checkedout()


def _pool_of(engine: Engine) -> QueuePool:
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    return pool


def _unsettled(engine: Engine, proxy: WireProxy, beside: Engine) -> str:
    pool = _pool_of(engine)
    if pool.checkedout():
        return f"{pool.checkedout()} connections are out"
    application = str(engine.url.query["application_name"])
    states = _server_states(beside, application)
    if set(states) - {"idle"} or (len(states) > pool.checkedin() and not proxy.is_pooled):
        return f"{pool.checkedin()} connections in the pool, on the server {states}"
    # a backend whose client has gone, and that looks idle, may have a statement yet to read
    opened = proxy.open_of(application)
    is_matched = opened <= pool.checkedin() if proxy.is_pooled else opened == len(states)
    return "" if is_matched else f"{opened} connections to the proxy, {len(states)} to the server"


_activity = table("pg_stat_activity", column("application_name", String()), column("state", String()))


def _server_states(beside: Engine, application: str) -> list[str]:
    """What the server's backends of one application are doing."""
    with beside.connect() as connection:
        own = select(_activity.c.state).where(_activity.c.application_name == application)
        return [str(state) for state in connection.execute(own).scalars()]


def new_row(beside: Engine) -> Task:
    """The task, made beside the proxy, as the shelf is unless it is there."""
    with SQLAlchemySession(beside, expire_on_commit=False) as session:
        shelf = insert(Shelf).values(code=SHELF[0], note=SHELF[1], owner_id="a")
        session.execute(shelf.on_conflict_do_nothing())
        row = Task(title=OLD[0], completed=OLD[1], user_id="a")
        session.add(row)
        session.commit()
        return row


def url_of(proxy: WireProxy, over: Literal["unix", "tcp"] = "unix") -> str:
    """The database's URL through the proxy, with an application name of its own each time.

    `check_settled` counts only the connections of that name, so what one test leaks fails no other.
    """
    name = f"application_name=faulted-{secrets.token_hex(4)}"
    return f"{proxy.url}&{name}" if over == "unix" else f"{proxy.tcp_url}?{name}"
