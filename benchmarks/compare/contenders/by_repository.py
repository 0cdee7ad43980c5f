"""This project: on a session that stays open, and with one opened, scoped and closed for each call; sync and async."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from pydantic import SecretStr, TypeAdapter
from sqlmodel import col

from backend import AsyncDatabase, Database, Settings, typed
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository, TaskUpdate
from benchmarks.compare.calls import BATCH, OWNER, PAGE, PAGE_NUMBER, Call, Contender, Ids, Target
from benchmarks.compare.models import AsyncLabelRepository, Label, LabelCreate, LabelRepository, TaskView

_TASKS = TypeAdapter(list[TaskCreate])
_Made: TypeAlias = Callable[[Any, Ids], Any]
"""Takes a repository of one owner's rows: one text for both classes, whose calls have the same names."""


@contextmanager
def on_open_session(target: Target) -> Generator[Contender]:
    """Make the calls on a session that stays open."""
    with Database(_settings(target)) as database, database.session() as session:
        mine = TaskRepository(session).owned_by(OWNER)
        labels = LabelRepository(session).owned_by(OWNER)
        deep = mine.cursor_page(size=target.deep).next

        def call(made: _Made, repository: object) -> Call:
            return lambda ids: made(repository, ids)

        calls = {name: call(made, mine) for name, made in _calls(deep).items()}
        calls |= {name: call(made, labels) for name, made in _OF_LABELS.items()}
        yield Contender({**calls, **_of_sessions(database)}, is_concurrent=False)


@contextmanager
def on_new_sessions(target: Target) -> Generator[Contender]:
    """Open a session for each call."""
    with Database(_settings(target)) as database:
        with database.session() as session:
            deep = TaskRepository(session).owned_by(OWNER).cursor_page(size=target.deep).next

        def call(made: _Made, repository: type[TaskRepository | LabelRepository]) -> Call:
            def one(ids: Ids) -> object:
                with database.session() as session:
                    return made(repository(session).owned_by(OWNER), ids)

            return one

        calls = {name: call(made, TaskRepository) for name, made in _calls(deep).items()}
        calls |= {name: call(made, LabelRepository) for name, made in _OF_LABELS.items()}
        yield Contender({**calls, **_of_sessions(database)})


@contextmanager
def on_open_async_session(target: Target) -> Generator[Contender]:
    """Await the calls on a session that stays open."""
    database = AsyncDatabase(_settings(target))
    session = database.session()
    mine = AsyncTaskRepository(session).owned_by(OWNER)
    labels = AsyncLabelRepository(session).owned_by(OWNER)
    deep = target.runner.run(mine.cursor_page(size=target.deep)).next

    def call(made: _Made, repository: object) -> Call:
        return lambda ids: made(repository, ids)

    calls = {name: call(made, mine) for name, made in _calls(deep).items()}
    calls |= {name: call(made, labels) for name, made in _OF_LABELS.items()}
    yield Contender({**calls, **_of_async_sessions(database)}, is_async=True, is_concurrent=False)
    target.runner.run(session.close())
    target.runner.run(database.close())


@contextmanager
def on_new_async_sessions(target: Target) -> Generator[Contender]:
    """Open a session for each call, which is awaited."""
    database = AsyncDatabase(_settings(target))

    async def deep_cursor() -> object:
        async with database.session() as session:
            return (await AsyncTaskRepository(session).owned_by(OWNER).cursor_page(size=target.deep)).next

    deep = target.runner.run(deep_cursor())

    def call(made: _Made, repository: type[AsyncTaskRepository | AsyncLabelRepository]) -> Call:
        async def one(ids: Ids) -> object:
            async with database.session() as session:
                return await made(repository(session).owned_by(OWNER), ids)

        return one

    calls = {name: call(made, AsyncTaskRepository) for name, made in _calls(deep).items()}
    calls |= {name: call(made, AsyncLabelRepository) for name, made in _OF_LABELS.items()}
    yield Contender({**calls, **_of_async_sessions(database)}, is_async=True)
    target.runner.run(database.close())


def _settings(target: Target) -> Settings:
    return Settings(
        database_url=SecretStr(target.url),
        pool_size=10,
        pool_max_overflow=0,
        prepare_threshold=target.prepare_threshold,
    )


def _calls(deep: Any) -> Mapping[str, _Made]:
    return {
        "create": lambda mine, _: mine.create(TaskCreate(title="Buy groceries")),
        "get": lambda mine, ids: mine.get_one(ids[0]),
        "first": lambda mine, _: mine.first(),
        "update": lambda mine, ids: mine.update(ids[0], TaskUpdate(title="Buy food")),
        "toggle": lambda mine, ids: mine.toggle_complete(ids[0]),
        "delete": lambda mine, ids: mine.delete(ids[0]),
        "exists": lambda mine, ids: mine.exists(typed(Task.id) == ids[0]),
        "list of 20": lambda mine, _: mine.list(limit=20),
        "list of 100": lambda mine, _: mine.list(limit=100),
        "view of 20": lambda mine, _: mine.as_(TaskView).list(limit=20),
        "view of 100": lambda mine, _: mine.as_(TaskView).list(limit=100),
        "page": lambda mine, _: mine.page(page=PAGE_NUMBER, size=PAGE),
        "cursor page, first": lambda mine, _: mine.cursor_page(size=PAGE),
        "cursor page, deep": lambda mine, _: mine.cursor_page(size=PAGE, cursor=deep),
        "get_many of 100": lambda mine, ids: mine.get_many(ids),
        "create_many": lambda mine, ids: mine.create_many(
            _TASKS.validate_python([{"title": f"Buy food for {id}"} for id in ids])
        ),
        "update_many": lambda mine, ids: mine.update_many([(id, TaskUpdate(title=f"Buy food for {id}")) for id in ids]),
        "delete_many": lambda mine, ids: mine.delete_many(ids),
    }


_OF_LABELS: Mapping[str, _Made] = {
    "upsert": lambda labels, ids: labels.upsert(
        LabelCreate(name=f"label {ids[0]}", colour="green"), on=col(Label.name)
    ),
    "upsert_many": lambda labels, ids: labels.upsert_many(
        [LabelCreate(name=f"label {id}", colour="green") for id in ids], on=col(Label.name)
    ),
}


def _of_sessions(database: Database) -> Mapping[str, Call]:
    """Return the calls that take a session of their own."""

    def transaction(ids: Ids) -> None:
        with database.transaction() as session:
            mine = TaskRepository(session).owned_by(OWNER)
            for id in ids[:5]:
                mine.update(id, TaskUpdate(title="Buy food"))
            for _ in ids[5:]:
                mine.create(TaskCreate(title="Buy groceries"))

    def stream(_: Ids) -> int:
        with database.session() as session, TaskRepository(session).every_owner().stream(batch=BATCH) as tasks:
            return sum(1 for _ in tasks)

    return {"transaction of ten writes": transaction, "stream": stream}


def _of_async_sessions(database: AsyncDatabase) -> Mapping[str, Callable[[Ids], Awaitable[object]]]:
    async def transaction(ids: Ids) -> None:
        async with database.transaction() as session:
            mine = AsyncTaskRepository(session).owned_by(OWNER)
            for id in ids[:5]:
                await mine.update(id, TaskUpdate(title="Buy food"))
            for _ in ids[5:]:
                await mine.create(TaskCreate(title="Buy groceries"))

    async def stream(_: Ids) -> int:
        number = 0
        async with (
            database.session() as session,
            AsyncTaskRepository(session).every_owner().stream(batch=BATCH) as tasks,
        ):
            async for _task in tasks:
                number += 1
        return number

    return {"transaction of ten writes": transaction, "stream": stream}
