"""A program that forks: `python -m tests.support.forks URL own|given SCENARIO SECONDS` prints what its processes saw.

`load` and `async_load`: parent and children call at the same time, from a pool that was filled before the fork. `held`
and `async_held`: the fork happens while the parent is in a transaction, in each way to be in one. A process of its own,
as a fork copies whatever threads and pools exist.
"""

import asyncio
import gc
import json
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Session

from backend import AsyncDatabase, Database
from backend.errors import RepositoryError
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository

CHILDREN: Final = 4
_POOL: Final = 5
_PATIENCE_S: Final = 20.0
_PID: Final = select(func.pg_backend_pid())
_SESSIONS: Final = select(func.pg_stat_get_activity(None).table_valued("pid").c.pid)

Answer = dict[str, object]


class Child:
    """A forked process and its answer. Made once, it exists in both."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self.pid = os.fork()
        self.is_here = self.pid == 0

    def answer(self, answer: object) -> None:
        """Send the answer, in the child."""
        gc.collect()
        os.write(self._writing, json.dumps(answer).encode())
        os.close(self._writing)

    def result(self, seconds: float = _PATIENCE_S) -> object:
        """Return the child's answer, in the parent; "hung" without one in time, `None` if it died."""
        os.close(self._writing)
        answer, deadline, hung = b"", time.monotonic() + seconds, False
        with selectors.DefaultSelector() as selector:
            selector.register(self._reading, selectors.EVENT_READ)
            while not hung and (part := os.read(self._reading, 65536) if selector.select(1) else b" "):
                answer, hung = answer + part, time.monotonic() > deadline
        os.close(self._reading)
        if hung:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return "hung" if hung else json.loads(answer) if answer.strip() else None


class Seen:
    """What one process saw of its own rows and others', and its backends."""

    def __init__(self) -> None:
        self.calls = self.foreign = 0
        self.pids = set[int | None]()

    def note(self, owner: str, owners: list[str], pid: int | None) -> None:
        self.calls += 2
        self.foreign += sum(one != owner for one in owners)
        self.pids.add(pid)

    def answer(self) -> Answer:
        return {"calls": self.calls, "foreign": self.foreign, "pids": sorted(map(int, filter(None, self.pids)))}


def call(owner: str, database: Database, seconds: float, seen: Seen) -> None:
    """Create and list rows of one owner until the time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with database.session() as session:
            tasks = TaskRepository(session).owned_by(owner)
            made = tasks.create(TaskCreate(title=owner))
            owners = [task.user_id for task in (made, *tasks.list(limit=20))]
            with session.begin():
                seen.note(owner, owners, session.scalar(_PID))


async def async_call(owner: str, database: AsyncDatabase, seconds: float, seen: Seen) -> None:
    """`call`, awaited."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        async with database.session() as session:
            tasks = AsyncTaskRepository(session).owned_by(owner)
            made = await tasks.create(TaskCreate(title=owner))
            owners = [task.user_id for task in (made, *await tasks.list(limit=20))]
            async with session.begin():
                seen.note(owner, owners, await session.scalar(_PID))


def load(database: Database, seconds: float) -> Answer:
    """Fork four children from a full pool, beside two calling threads of the parent."""
    pool = [database.engine.connect() for _ in range(_POOL)]
    filled = [connection.scalar(_PID) for connection in pool]
    for connection in pool:
        connection.close()
    seen = Seen()
    call("parent", database, 0.1, seen)  # SQLAlchemy configures its mappers under a lock, once
    threads = [threading.Thread(target=call, args=("parent", database, seconds, seen)) for _ in range(2)]
    for thread in threads:
        thread.start()
    children: list[Child] = []
    for number in range(CHILDREN):
        children.append(child := Child())
        if child.is_here:
            own = Seen()
            call(f"child {number}", database, seconds, own)
            child.answer(own.answer())
            sys.exit()  # so that everything is finalized
    for thread in threads:
        thread.join()
    results = [child.result() for child in children]
    with database.engine.connect() as connection:
        alive = set(connection.scalars(_SESSIONS))
    return {"filled": filled, "ended": [*set(filled) - alive], "children": results, "parent": seen.answer()}


async def async_load(database: AsyncDatabase, seconds: float) -> Answer:
    """`load`, beside two tasks; each child has an event loop of its own."""
    pool = [await database.engine.connect() for _ in range(_POOL)]
    filled = [await connection.scalar(_PID) for connection in pool]
    for connection in pool:
        await connection.close()
    seen = Seen()
    await async_call("parent", database, 0.1, seen)
    work = asyncio.gather(*(async_call("parent", database, seconds, seen) for _ in range(2)))
    await asyncio.sleep(0.1)  # they are within calls
    children: list[Child] = []
    for number in range(CHILDREN):
        children.append(child := Child())
        if child.is_here:
            own = Seen()
            in_own_loop(async_call(f"child {number}", database, seconds, own))
            child.answer(own.answer())
            os._exit(0)  # the loop around is the parent's
    await work
    results = [await asyncio.to_thread(child.result) for child in children]
    async with database.engine.connect() as connection:
        alive = set(await connection.scalars(_SESSIONS))
    return {"filled": filled, "ended": [*set(filled) - alive], "children": results, "parent": seen.answer()}


def in_own_loop(work: Coroutine[object, object, None]) -> None:
    asyncio.run(work)


@contextmanager
def noting(said: dict[str, str], name: str) -> Generator[None]:
    """Note how the block ends."""
    try:
        yield
    except RepositoryError as error:
        said[name] = type(error).__name__
    else:
        said[name] = "done"


def attempts(tasks: TaskRepository, database: Database) -> dict[str, str]:
    """Try what a child may and may not do."""
    said: dict[str, str] = {}
    with noting(said, "read"):
        tasks.list()
    with noting(said, "write"):
        tasks.create(TaskCreate(title="by the child"))
    with noting(said, "own call"), database.session() as session:
        TaskRepository(session).owned_by("child").create(TaskCreate(title="own call"))
    with noting(said, "own transaction"), database.transaction() as session:
        TaskRepository(session).owned_by("child").create(TaskCreate(title="own transaction"))
    with noting(said, "own run"):
        database.run(lambda session: TaskRepository(session).owned_by("child").create(TaskCreate(title="own run")))
    return said


async def async_attempts(tasks: AsyncTaskRepository, database: AsyncDatabase, said: dict[str, str]) -> None:
    """`attempts`, awaited."""

    async def create(session: object) -> None: ...

    with noting(said, "read"):
        await tasks.list()
    with noting(said, "write"):
        await tasks.create(TaskCreate(title="by the child"))
    with noting(said, "own call"):
        async with database.session() as session:
            await AsyncTaskRepository(session).owned_by("child").create(TaskCreate(title="own call"))
    with noting(said, "own transaction"):
        async with database.transaction() as session:
            await AsyncTaskRepository(session).owned_by("child").create(TaskCreate(title="own transaction"))
    with noting(said, "own run"):
        await database.run(create)


def between(session: Session, database: Database) -> object:
    """Fork in the session's transaction, between two rows of the parent's."""
    tasks = TaskRepository(session).owned_by("parent")
    tasks.create(TaskCreate(title="before"))
    child = Child()
    if child.is_here:
        child.answer(attempts(tasks, database))
        sys.exit()  # so that the blocks around are left
    said = child.result()
    tasks.create(TaskCreate(title="after"))
    return said


def transaction(database: Database) -> object:
    with database.transaction() as session:
        return between(session, database)


def run(database: Database) -> object:
    return database.run(lambda session: between(session, database))


def session_begin(database: Database) -> object:
    with database.session() as session, session.begin():
        return between(session, database)


def plain_session(database: Database) -> object:
    with Session(database.engine) as session, session.begin():
        return between(session, database)


def bound(database: Database) -> object:
    """A session of a connection, whose transaction the caller ends."""
    with database.engine.connect() as connection, connection.begin(), Session(connection) as session:
        return between(session, database)


def left(database: Database) -> object:
    """The child leaves the block as if all were well."""
    said: dict[str, str] = {}
    with noting(said, "commit"), database.transaction() as session:
        tasks = TaskRepository(session).owned_by("parent")
        tasks.create(TaskCreate(title="before"))
        tasks.create(TaskCreate(title="after"))
        child = Child()
        if not child.is_here:
            return child.result()
    child.answer(said)
    sys.exit()


async def async_transaction(database: AsyncDatabase) -> object:
    async with database.transaction() as session:
        tasks = AsyncTaskRepository(session).owned_by("parent")
        await tasks.create(TaskCreate(title="before"))
        child = Child()
        if child.is_here:
            said: dict[str, str] = {}
            in_own_loop(async_attempts(tasks, database, said))
            child.answer(said)
            os._exit(0)  # the loop around is the parent's
        result = child.result()
        await tasks.create(TaskCreate(title="after"))
        return result


def held(database: Database) -> dict[str, object]:
    ways: tuple[Callable[[Database], object], ...] = (transaction, run, session_begin, plain_session, bound, left)
    return {way.__name__: way(database) for way in ways}


def main(url: str, engine: str, scenario: str, seconds: float) -> object:
    """Run the scenario on an engine of the library's, or on one that it is given."""
    if scenario.startswith("async"):
        return asyncio.run(async_main(url, engine, scenario, seconds))
    with Database(url if engine == "own" else create_engine(url)) as database:
        return load(database, seconds) if scenario == "load" else held(database)


async def async_main(url: str, engine: str, scenario: str, seconds: float) -> object:
    async with AsyncDatabase(url if engine == "own" else create_async_engine(url)) as database:
        return await (async_load(database, seconds) if scenario == "async_load" else async_transaction(database))


if __name__ == "__main__":
    parent = os.getpid()
    try:
        print(json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))))
    except OperationalError:  # a child that leaves a block of SQLAlchemy's own: its ROLLBACK cannot be sent
        if os.getpid() == parent:
            raise
