# Generated from tests/behaviour/_async/test_session_states.py by `python -m tools.generate_sync`: edit that one.
"""The state table: a session in every state, a call in it, and an end of it.

For each: what the table holds afterwards, what the call returned, what happened to the caller's own instances, how
many connections were in use and how often the network was crossed, and what was warned of or raised at the end.
"""

import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, insert, update
from sqlalchemy.pool import QueuePool
from sqlmodel import Session, col, select

from backend import Database
from backend.database.sessions.warning import UncommittedWritesWarning
from backend.errors import FailedTransactionError, NotPermittedError, UniqueViolationError
from tests.support.models.suite import Project, ProjectCreate, ProjectRepository
from tests.support.wire import WireProxy

pytestmark = pytest.mark.usefixtures("awake")  # sessions that hold connections


@dataclass
class Stage:
    """A session in its state, and what the table of expectations says of it."""

    session: Session
    engine: Engine
    joins: bool = False
    """The call runs in the caller's transaction."""
    round_trips: int = 1
    kept: set[str] = field(default_factory=set[str])
    """Names that the caller wrote, committed with the call's."""
    instance: Project | None = None
    """An instance of the caller's in the session, whose name is `name`."""
    name: str = ""
    readonly: bool = False
    outer: bool = False
    """The transaction is that of a connection, which the session leaves open."""


State = Callable[[str], AbstractContextManager[Stage]]
Options = Mapping[str, Any]
NONE: Options = {}
ONE_CONNECTION: Options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}
KEEPS_VALUES: Options = {"expire_on_commit": False}


@contextmanager
def opened(
    url: str, engine_options: Options = NONE, options: Options = NONE, session_options: Options = NONE, **details: Any
) -> Generator[Stage]:
    """A plain session; `options` are execution options, `details` what the stage expects."""
    engine = create_engine(url, connect_args={"prepare_threshold": None}, use_native_hstore=False, **engine_options)
    Database(engine).ping()  # the pool's first connection is open
    try:
        with Session(engine.execution_options(**options) if options else engine, **session_options) as session:
            yield Stage(session, engine, **details)
    finally:
        engine.dispose()


@contextmanager
def fresh_of_database(url: str) -> Generator[Stage]:
    with Database(url) as database, database.session() as session:
        database.ping()
        yield Stage(session, database.engine)


@contextmanager
def autoflush_off(url: str) -> Generator[Stage]:
    with opened(url, session_options={"autoflush": False}) as stage:
        stage.session.add(Project(owner_id="a", name="pending"))
        stage.joins, stage.round_trips, stage.kept = True, 2, {"pending"}
        yield stage


@contextmanager
def selected(url: str) -> Generator[Stage]:
    with opened(url, ONE_CONNECTION, joins=True) as stage:
        found = stage.session.exec(select(Project).where(col(Project.name) == "taken"))
        stage.instance, stage.name = found.one(), "taken"
        yield stage


@contextmanager
def pending_add(url: str) -> Generator[Stage]:
    with opened(url, session_options=KEEPS_VALUES, joins=True, round_trips=3) as stage:
        stage.instance, stage.name = Project(owner_id="a", name="pending"), "pending"
        stage.session.add(stage.instance)
        stage.kept = {"pending"}
        yield stage


@contextmanager
def dirty_attribute(url: str) -> Generator[Stage]:
    with opened(url, session_options=KEEPS_VALUES, joins=True, round_trips=2) as stage:
        stage.session.add(Project(owner_id="a", name="before"))
        stage.session.flush()
        found = stage.session.exec(select(Project).where(col(Project.name) == "before"))
        stage.instance, stage.name = found.one(), "dirty"
        stage.instance.name = "dirty"
        stage.kept = {"dirty"}
        yield stage


@contextmanager
def flushed(url: str) -> Generator[Stage]:
    with opened(url, session_options=KEEPS_VALUES, joins=True) as stage:
        stage.instance, stage.name = Project(owner_id="a", name="flushed"), "flushed"
        stage.session.add(stage.instance)
        stage.session.flush()
        stage.kept = {"flushed"}
        yield stage


@contextmanager
def own_update_executed(url: str) -> Generator[Stage]:
    with opened(url, joins=True) as stage:
        other = update(Project).where(col(Project.name) == "other").values(name="updated")
        stage.session.exec(other)
        stage.kept = {"updated"}
        yield stage


@contextmanager
def begun(url: str) -> Generator[Stage]:
    with Database(url) as database, database.session() as session:
        database.ping()
        root = session.begin()
        assert root.is_active
        yield Stage(session, database.engine, joins=True, round_trips=2)


@contextmanager
def savepoint(url: str) -> Generator[Stage]:
    with Database(url) as database, database.session() as session:
        database.ping()
        root = session.begin()
        nested = session.begin_nested()
        assert root.is_active
        assert nested.is_active
        yield Stage(session, database.engine, joins=True, round_trips=3)


@contextmanager
def expire_on_commit(url: str) -> Generator[Stage]:
    with opened(url) as stage:
        found = stage.session.exec(select(Project).where(col(Project.name) == "taken"))
        stage.instance, stage.name = found.one(), "taken"
        stage.session.commit()
        stage.session.refresh(stage.instance)
        stage.joins = True
        yield stage


@contextmanager
def bound_to_a_connection(url: str) -> Generator[Stage]:
    with opened(url) as plain, plain.engine.connect() as connection, connection.begin() as transaction:
        with Session(connection) as session:
            yield Stage(session, plain.engine, joins=True, round_trips=2, outer=True)
        if transaction.is_active:
            transaction.commit()


STATES: dict[str, State] = {
    **{
        state.__name__: state
        for state in (
            fresh_of_database, autoflush_off, selected, pending_add, dirty_attribute, flushed, own_update_executed,
            begun, savepoint, expire_on_commit, bound_to_a_connection,
        )
    },
    "fresh": opened,
    "pool_of_one": partial(opened, engine_options=ONE_CONNECTION),
    "serializable_by_engine": partial(opened, engine_options={"isolation_level": "SERIALIZABLE"}, round_trips=3),
    "serializable_by_option": partial(opened, options={"isolation_level": "SERIALIZABLE"}, round_trips=3),
    "read_only": partial(opened, options={"postgresql_readonly": True}, round_trips=3, readonly=True),
    "autocommit_by_engine": partial(opened, engine_options={"isolation_level": "AUTOCOMMIT"}),
    "autocommit_by_option": partial(opened, options={"isolation_level": "AUTOCOMMIT"}),
}  # fmt: skip


def _call(session: Session, action: str) -> None:
    projects = ProjectRepository(session).owned_by("a")
    if action == "read":
        assert (projects.one(col(Project.name) == "taken")).name == "taken"
    elif action == "write":
        assert (projects.create(ProjectCreate(name="new"))).name == "new"
    else:
        projects.create(ProjectCreate(name="taken"))


def _end(session: Session, ending: str) -> None:
    while session.in_nested_transaction() and ending != "close":
        nested = session.get_nested_transaction()
        assert nested is not None
        (nested.commit() if ending == "commit" else nested.rollback())
    if ending == "commit" and session.in_transaction():
        session.commit()
    elif ending == "rollback":
        session.rollback()
    session.close()


def _in_use(engine: Engine) -> int:
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def _names(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(Project.name)).scalars())


@pytest.fixture
def prepared(clean: Engine) -> Engine:
    """Two rows: `taken`, which a failing write meets, and `other`, which the caller may update."""
    with clean.begin() as connection:
        rows = [{"owner_id": "a", "name": name} for name in ("taken", "other")]
        connection.execute(insert(Project), rows)
    return clean


@pytest.mark.parametrize("ending", ["commit", "rollback", "close"])
@pytest.mark.parametrize("action", ["read", "write", "failing write"])
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_the_state_table(state: State, action: str, ending: str, prepared: Engine, proxy: WireProxy) -> None:
    before = _names(prepared)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UncommittedWritesWarning)
        with state(proxy.url) as stage:
            failed = _check_call(stage, action, proxy)
            refused = _check_end(stage, ending, failed=failed)
    assert _in_use(stage.engine) == 0
    assert _names(prepared) == _expected(stage, action, ending, before, failed=failed)
    assert refused is (failed and stage.joins and ending == "commit" and not stage.outer)
    lost = stage.joins and not stage.outer and action == "write" and ending == "close"
    assert [one.category for one in warned] == [UncommittedWritesWarning] * lost


def _check_call(stage: Stage, action: str, proxy: WireProxy) -> bool:
    """Makes the call and checks its round trips, its connections and the caller's instance; whether it failed."""
    in_use: list[int] = []
    engine = stage.engine

    def note(*_: object) -> None:
        in_use.append(_in_use(engine))

    event.listen(engine.pool, "checkout", note)
    was_in_transaction = stage.session.in_transaction()
    fails = action == "failing write" or (stage.readonly and action == "write")
    expected = NotPermittedError if stage.readonly and fails else UniqueViolationError
    with proxy.watch() as seen:
        if fails:
            with pytest.raises(expected) as raised:
                _call(stage.session, action)
            assert raised.value.outcome == "not_applied"
        else:
            _call(stage.session, action)
    rollbacks = int(fails and stage.outer)  # of the connection's transaction
    assert seen.round_trips == stage.round_trips + rollbacks
    assert max(in_use, default=0) <= 1
    assert stage.session.in_transaction() == was_in_transaction
    if stage.instance is not None:
        assert stage.instance.name == stage.name
        assert stage.instance in stage.session
    return fails


def _check_end(stage: Stage, ending: str, *, failed: bool) -> bool:
    """Ends the session; whether the end was refused."""
    try:
        _end(stage.session, ending)
    except FailedTransactionError:
        assert failed
        stage.session.close()
        return True
    return False


def _expected(stage: Stage, action: str, ending: str, before: set[str], *, failed: bool) -> set[str]:
    new = {"new"} if action == "write" and not failed else set[str]()
    if not stage.joins:
        return before | new
    if stage.outer:
        return before | new
    if ending != "commit" or failed:
        return before
    return (before | new | stage.kept) - ({"other"} if "updated" in stage.kept else set())
