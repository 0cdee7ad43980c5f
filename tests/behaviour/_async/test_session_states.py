"""The state table: a session in every state, a call in it, and an end of it.

For each: what the table holds afterwards, what the call returned, what happened to the caller's own instances, how
many connections were in use and how often the network was crossed, and what was warned of or raised at the end.
"""

import warnings
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from backend.database.sessions.warning import UncommittedWritesWarning
from backend.errors import FailedTransactionError, NotPermittedError, UniqueViolationError
from tests.support.models.suite import AsyncProjectRepository, Project, ProjectCreate
from tests.support.wire import WireProxy

pytestmark = pytest.mark.usefixtures("awake")  # sessions that hold connections


@dataclass
class Stage:
    """A session in its state, and what the table of expectations says of it."""

    session: AsyncSession
    engine: AsyncEngine
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


State = Callable[[str], AbstractAsyncContextManager[Stage]]
Options = Mapping[str, Any]
NONE: Options = {}
ONE_CONNECTION: Options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}
KEEPS_VALUES: Options = {"expire_on_commit": False}


@asynccontextmanager
async def opened(
    url: str, engine_options: Options = NONE, options: Options = NONE, session_options: Options = NONE, **details: Any
) -> AsyncGenerator[Stage]:
    """A plain session; `options` are execution options, `details` what the stage expects."""
    engine = create_async_engine(
        url, connect_args={"prepare_threshold": None}, use_native_hstore=False, **engine_options
    )
    await AsyncDatabase(engine).ping()  # the pool's first connection is open
    try:
        async with AsyncSession(
            engine.execution_options(**options) if options else engine, **session_options
        ) as session:
            yield Stage(session, engine, **details)
    finally:
        await engine.dispose()


@asynccontextmanager
async def fresh_of_database(url: str) -> AsyncGenerator[Stage]:
    async with AsyncDatabase(url) as database, database.session() as session:
        await database.ping()
        yield Stage(session, database.engine)


@asynccontextmanager
async def autoflush_off(url: str) -> AsyncGenerator[Stage]:
    async with opened(url, session_options={"autoflush": False}) as stage:
        stage.session.add(Project(owner_id="a", name="pending"))
        stage.joins, stage.round_trips, stage.kept = True, 2, {"pending"}
        yield stage


@asynccontextmanager
async def selected(url: str) -> AsyncGenerator[Stage]:
    async with opened(url, ONE_CONNECTION, joins=True) as stage:
        found = await stage.session.exec(select(Project).where(col(Project.name) == "taken"))
        stage.instance, stage.name = found.one(), "taken"
        yield stage


@asynccontextmanager
async def pending_add(url: str) -> AsyncGenerator[Stage]:
    async with opened(url, session_options=KEEPS_VALUES, joins=True, round_trips=3) as stage:
        stage.instance, stage.name = Project(owner_id="a", name="pending"), "pending"
        stage.session.add(stage.instance)
        stage.kept = {"pending"}
        yield stage


@asynccontextmanager
async def dirty_attribute(url: str) -> AsyncGenerator[Stage]:
    async with opened(url, session_options=KEEPS_VALUES, joins=True, round_trips=2) as stage:
        stage.session.add(Project(owner_id="a", name="before"))
        await stage.session.flush()
        found = await stage.session.exec(select(Project).where(col(Project.name) == "before"))
        stage.instance, stage.name = found.one(), "dirty"
        stage.instance.name = "dirty"
        stage.kept = {"dirty"}
        yield stage


@asynccontextmanager
async def flushed(url: str) -> AsyncGenerator[Stage]:
    async with opened(url, session_options=KEEPS_VALUES, joins=True) as stage:
        stage.instance, stage.name = Project(owner_id="a", name="flushed"), "flushed"
        stage.session.add(stage.instance)
        await stage.session.flush()
        stage.kept = {"flushed"}
        yield stage


@asynccontextmanager
async def own_update_executed(url: str) -> AsyncGenerator[Stage]:
    async with opened(url, joins=True) as stage:
        other = update(Project).where(col(Project.name) == "other").values(name="updated")
        await stage.session.exec(other)
        stage.kept = {"updated"}
        yield stage


@asynccontextmanager
async def begun(url: str) -> AsyncGenerator[Stage]:
    async with AsyncDatabase(url) as database, database.session() as session:
        await database.ping()
        root = await session.begin()
        assert root.is_active
        yield Stage(session, database.engine, joins=True, round_trips=2)


@asynccontextmanager
async def savepoint(url: str) -> AsyncGenerator[Stage]:
    async with AsyncDatabase(url) as database, database.session() as session:
        await database.ping()
        root = await session.begin()
        nested = await session.begin_nested()
        assert root.is_active
        assert nested.is_active
        yield Stage(session, database.engine, joins=True, round_trips=3)


@asynccontextmanager
async def expire_on_commit(url: str) -> AsyncGenerator[Stage]:
    async with opened(url) as stage:
        found = await stage.session.exec(select(Project).where(col(Project.name) == "taken"))
        stage.instance, stage.name = found.one(), "taken"
        await stage.session.commit()
        await stage.session.refresh(stage.instance)
        stage.joins = True
        yield stage


@asynccontextmanager
async def bound_to_a_connection(url: str) -> AsyncGenerator[Stage]:
    async with opened(url) as plain, plain.engine.connect() as connection, connection.begin() as transaction:
        async with AsyncSession(connection) as session:
            yield Stage(session, plain.engine, joins=True, round_trips=2, outer=True)
        if transaction.is_active:
            await transaction.commit()


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


async def _call(session: AsyncSession, action: str) -> None:
    projects = AsyncProjectRepository(session).owned_by("a")
    if action == "read":
        assert (await projects.one(col(Project.name) == "taken")).name == "taken"
    elif action == "write":
        assert (await projects.create(ProjectCreate(name="new"))).name == "new"
    else:
        await projects.create(ProjectCreate(name="taken"))


async def _end(session: AsyncSession, ending: str) -> None:
    while session.in_nested_transaction() and ending != "close":
        nested = session.get_nested_transaction()
        assert nested is not None
        await (nested.commit() if ending == "commit" else nested.rollback())
    if ending == "commit" and session.in_transaction():
        await session.commit()
    elif ending == "rollback":
        await session.rollback()
    await session.close()


def _in_use(engine: AsyncEngine) -> int:
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
async def test_the_state_table(state: State, action: str, ending: str, prepared: Engine, proxy: WireProxy) -> None:
    before = _names(prepared)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UncommittedWritesWarning)
        async with state(proxy.url) as stage:
            failed = await _check_call(stage, action, proxy)
            refused = await _check_end(stage, ending, failed=failed)
    assert _in_use(stage.engine) == 0
    assert _names(prepared) == _expected(stage, action, ending, before, failed=failed)
    assert refused is (failed and stage.joins and ending == "commit" and not stage.outer)
    lost = stage.joins and not stage.outer and action == "write" and ending == "close"
    assert [one.category for one in warned] == [UncommittedWritesWarning] * lost


async def _check_call(stage: Stage, action: str, proxy: WireProxy) -> bool:
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
                await _call(stage.session, action)
            assert raised.value.outcome == "not_applied"
        else:
            await _call(stage.session, action)
    rollbacks = int(fails and stage.outer)  # of the connection's transaction
    assert seen.round_trips == stage.round_trips + rollbacks
    assert max(in_use, default=0) <= 1
    assert stage.session.in_transaction() == was_in_transaction
    if stage.instance is not None:
        assert stage.instance.name == stage.name
        assert stage.instance in stage.session
    return fails


async def _check_end(stage: Stage, ending: str, *, failed: bool) -> bool:
    """Ends the session; whether the end was refused."""
    try:
        await _end(stage.session, ending)
    except FailedTransactionError:
        assert failed
        await stage.session.close()
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
