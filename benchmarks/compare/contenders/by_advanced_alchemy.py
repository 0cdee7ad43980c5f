"""Advanced Alchemy's repository as its documentation shows: a session for each request, `auto_commit`."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

from advanced_alchemy.base import DefaultBase
from advanced_alchemy.filters import LimitOffset
from advanced_alchemy.repository import SQLAlchemySyncRepository
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Session

from benchmarks.compare.calls import OWNER, PAGE, PAGE_NUMBER, Call, Contender, Ids, Target
from benchmarks.compare.contenders.by_core import engine_of
from benchmarks.compare.contenders.mapped import LabelColumns, TaskColumns


class Task(TaskColumns, DefaultBase):
    """A task of one owner."""

    __tablename__ = "task"


class Label(LabelColumns, DefaultBase):
    """A label of one owner."""

    __tablename__ = "label"
    __table_args__ = (UniqueConstraint("user_id", "name", name="uq_label"),)


class _Tasks(SQLAlchemySyncRepository[Task]):
    model_type = Task


class _Labels(SQLAlchemySyncRepository[Label]):
    model_type = Label


_Made: TypeAlias = Callable[[_Tasks, Ids], object]
_KEY = ["user_id", "name"]


@contextmanager
def opened(target: Target) -> Generator[Contender]:
    """Make the calls on a new session and repository each."""
    engine = engine_of(target)

    def call(made: _Made) -> Call:
        def one(ids: Ids) -> object:
            with Session(engine) as session:
                return made(_Tasks(session=session), ids)

        return one

    def upsert(ids: Ids) -> object:
        with Session(engine) as session:
            return _Labels(session=session).upsert(_label(ids[0]), match_fields=_KEY, auto_commit=True)

    def upsert_many(ids: Ids) -> object:
        with Session(engine, expire_on_commit=False) as session:
            labels = [_label(id) for id in ids]
            return _Labels(session=session).upsert_many(labels, match_fields=_KEY, auto_commit=True)

    def bulk(made: _Made) -> Call:
        def one(ids: Ids) -> object:
            with Session(engine, expire_on_commit=False) as session:  # or each row is read again, alone
                return made(_Tasks(session=session), ids)

        return one

    yield Contender(
        {name: call(made) for name, made in _CALLS.items()}
        | {name: bulk(made) for name, made in _BULK.items()}
        | {"upsert": upsert, "upsert_many": upsert_many}
    )
    engine.dispose()


def _label(number: int) -> Label:
    return Label(user_id=OWNER, name=f"label {number}", colour="green")


def _update(tasks: _Tasks, ids: Ids) -> object:
    task = tasks.get_one(id=ids[0], user_id=OWNER)
    task.title = "Buy food"
    return tasks.update(task, auto_commit=True)


def _toggle(tasks: _Tasks, ids: Ids) -> object:
    task = tasks.get_one(id=ids[0], user_id=OWNER)
    task.completed = not task.completed
    return tasks.update(task, auto_commit=True)


def _delete(tasks: _Tasks, ids: Ids) -> object:
    tasks.get_one(id=ids[0], user_id=OWNER)
    return tasks.delete(ids[0], auto_commit=True)


def _list(tasks: _Tasks, size: int) -> Any:
    return tasks.get_many(LimitOffset(size, 0), user_id=OWNER, order_by=("id", False))


def _page(tasks: _Tasks) -> object:
    page = LimitOffset(PAGE, PAGE * (PAGE_NUMBER - 1))
    return tasks.get_many_and_count(page, user_id=OWNER, order_by=("id", False))[0]


def _transaction(tasks: _Tasks, ids: Ids) -> None:
    for id in ids[:5]:
        task = tasks.get_one(id=id, user_id=OWNER)
        task.title = "Buy food"
        tasks.update(task)
    for _ in ids[5:]:
        tasks.add(Task(title="Buy groceries", user_id=OWNER))
    tasks.session.commit()


_CALLS: dict[str, _Made] = {
    "create": lambda tasks, _: tasks.add(Task(title="Buy groceries", user_id=OWNER), auto_commit=True),
    "get": lambda tasks, ids: tasks.get_one(id=ids[0], user_id=OWNER),
    "first": lambda tasks, _: _list(tasks, 1)[0],
    "update": _update,
    "toggle": _toggle,
    "delete": _delete,
    "exists": lambda tasks, ids: tasks.exists(id=ids[0], user_id=OWNER),
    "list of 20": lambda tasks, _: _list(tasks, 20),
    "list of 100": lambda tasks, _: _list(tasks, 100),
    "page": lambda tasks, _: _page(tasks),
    "get_many of 100": lambda tasks, ids: tasks.get_many(Task.id.in_(ids), user_id=OWNER),
    "transaction of ten writes": _transaction,
}
_BULK: dict[str, _Made] = {
    "create_many": lambda tasks, ids: tasks.add_many(
        [Task(title=f"Buy food for {id}", user_id=OWNER) for id in ids], auto_commit=True
    ),
    "update_many": lambda tasks, ids: tasks.update_many(
        [Task(id=id, title=f"Buy food for {id}", user_id=OWNER) for id in ids], auto_commit=True
    ),
    "delete_many": lambda tasks, ids: tasks.delete_many(list(ids), auto_commit=True),
}
