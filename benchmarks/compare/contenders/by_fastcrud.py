"""FastCRUD as its documentation shows: an asynchronous session for each request, results as pydantic models."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from backend.tasks import TaskCreate
from benchmarks.compare.calls import OWNER, PAGE, PAGE_NUMBER, Call, Contender, Ids, Target
from benchmarks.compare.contenders.mapped import TaskColumns, TaskRead
from benchmarks.compare.models import TaskView


class _Base(DeclarativeBase):
    pass


class Task(TaskColumns, _Base):
    """A task of one owner."""

    __tablename__ = "task"


_Made: TypeAlias = Callable[[AsyncSession, Ids], Awaitable[object]]
_TASKS = FastCRUD(Task)
_READ: dict[str, Any] = {"schema_to_select": TaskRead, "return_as_model": True}
_VIEW: dict[str, Any] = {"schema_to_select": TaskView, "return_as_model": True}
_OWNER = {"user_id": OWNER}


@contextmanager
def opened(target: Target) -> Generator[Contender]:
    """Make the calls on a new session each."""
    engine = create_async_engine(
        target.url, pool_size=10, max_overflow=0, connect_args={"prepare_threshold": target.prepare_threshold}
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    def call(made: _Made) -> Call:
        async def one(ids: Ids) -> object:
            async with sessions() as session:
                return await made(session, ids)

        return one

    deep = call(lambda session, _: _cursor_page(session, target.deep_id))
    yield Contender({name: call(made) for name, made in _CALLS.items()} | {"cursor page, deep": deep}, is_async=True)
    target.runner.run(engine.dispose())


async def _toggle(session: AsyncSession, ids: Ids) -> object:
    task = await _TASKS.get(session, **_READ, id=ids[0], user_id=OWNER)
    return await _TASKS.update(session, {"completed": not task.completed}, **_READ, id=ids[0], user_id=OWNER)


async def _list(session: AsyncSession, form: dict[str, Any], size: int) -> object:
    found = await _TASKS.get_multi(
        session, limit=size, sort_columns="id", return_total_count=False, user_id=OWNER, **form
    )
    return found["data"]


async def _page(session: AsyncSession) -> object:
    found = await _TASKS.get_multi(
        session, offset=PAGE * (PAGE_NUMBER - 1), limit=PAGE, sort_columns="id", user_id=OWNER, **_READ
    )
    return found["data"]


async def _get_many(session: AsyncSession, ids: Ids) -> object:
    found = await _TASKS.get_multi(
        session, limit=None, return_total_count=False, user_id=OWNER, id__in=list(ids), **_READ
    )
    return found["data"]


async def _cursor_page(session: AsyncSession, cursor: int | None) -> object:
    found = await _TASKS.get_multi_by_cursor(session, cursor=cursor, limit=PAGE, user_id=OWNER, **_READ)
    return found["data"]


async def _transaction(session: AsyncSession, ids: Ids) -> None:
    for id in ids[:5]:
        await _TASKS.update(session, {"title": "Buy food"}, commit=False, id=id, user_id=OWNER)
    for _ in ids[5:]:
        await _TASKS.create(session, TaskCreate(title="Buy groceries"), commit=False, server_data=_OWNER)
    await session.commit()


_CALLS: dict[str, _Made] = {
    "create": lambda session, _: _TASKS.create(session, TaskCreate(title="Buy groceries"), server_data=_OWNER, **_READ),
    "get": lambda session, ids: _TASKS.get(session, **_READ, id=ids[0], user_id=OWNER),
    "update": lambda session, ids: _TASKS.update(session, {"title": "Buy food"}, **_READ, id=ids[0], user_id=OWNER),
    "toggle": _toggle,
    "delete": lambda session, ids: _TASKS.delete(session, id=ids[0], user_id=OWNER),
    "exists": lambda session, ids: _TASKS.exists(session, id=ids[0], user_id=OWNER),
    "list of 20": lambda session, _: _list(session, _READ, 20),
    "list of 100": lambda session, _: _list(session, _READ, 100),
    "view of 20": lambda session, _: _list(session, _VIEW, 20),
    "view of 100": lambda session, _: _list(session, _VIEW, 100),
    "page": lambda session, _: _page(session),
    "cursor page, first": lambda session, _: _cursor_page(session, None),
    "get_many of 100": _get_many,
    "transaction of ten writes": _transaction,
}
