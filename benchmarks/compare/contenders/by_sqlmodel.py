"""SQLModel as its tutorial with FastAPI: a session for each request, `add`, `commit`, `refresh`."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from backend.tasks import Task, TaskCreate
from benchmarks.compare.calls import BATCH, OWNER, Call, Contender, Ids, Target
from benchmarks.compare.contenders.by_core import engine_of
from benchmarks.compare.models import TaskView


@contextmanager
def opened(target: Target) -> Generator[Contender]:
    """Make the calls that the tutorial has, on a new session each."""
    engine = engine_of(target)

    def call(made: Callable[[Session, Ids], object]) -> Call:
        def one(ids: Ids) -> object:
            with Session(engine) as session:
                return made(session, ids)

        return one

    yield Contender(
        {
            "create": call(lambda session, _: _create(session)),
            "get": call(lambda session, ids: _get(session, ids[0])),
            "first": call(lambda session, _: session.exec(_mine().limit(1)).first()),
            "update": call(_update),
            "toggle": call(_toggle),
            "delete": call(_delete),
            "list of 20": call(lambda session, _: session.exec(_mine().limit(20)).all()),
            "list of 100": call(lambda session, _: session.exec(_mine().limit(100)).all()),
            "view of 20": call(lambda session, _: _view(session, 20)),
            "view of 100": call(lambda session, _: _view(session, 100)),
            "get_many of 100": call(lambda session, ids: session.exec(_mine().where(col(Task.id).in_(ids))).all()),
            "transaction of ten writes": call(_transaction),
            "create_many": call(_create_many),
            "stream": call(_stream),
        }
    )
    engine.dispose()


def _mine() -> SelectOfScalar[Task]:
    return select(Task).where(Task.user_id == OWNER).order_by(col(Task.id))


def _create(session: Session) -> Task:
    task = Task.model_validate(TaskCreate(title="Buy groceries"), update={"user_id": OWNER})
    return _saved(session, task)


def _get(session: Session, id: int) -> Task:
    task = session.get(Task, id)
    assert task is not None
    assert task.user_id == OWNER
    return task


def _update(session: Session, ids: Ids) -> Task:
    task = _get(session, ids[0])
    task.sqlmodel_update({"title": "Buy food"})
    return _saved(session, task)


def _toggle(session: Session, ids: Ids) -> Task:
    task = _get(session, ids[0])
    task.completed = not task.completed
    return _saved(session, task)


def _delete(session: Session, ids: Ids) -> Task:
    task = _get(session, ids[0])
    session.delete(task)
    session.commit()
    return task


def _view(session: Session, size: int) -> Sequence[TaskView]:
    return [TaskView.model_validate(task, from_attributes=True) for task in session.exec(_mine().limit(size))]


def _transaction(session: Session, ids: Ids) -> None:
    for id in ids[:5]:
        task = _get(session, id)
        task.sqlmodel_update({"title": "Buy food"})
        session.add(task)
    for _ in ids[5:]:
        session.add(Task.model_validate(TaskCreate(title="Buy groceries"), update={"user_id": OWNER}))
    session.commit()


def _create_many(session: Session, ids: Ids) -> Sequence[Task]:
    tasks = [Task.model_validate({"title": f"Buy food for {id}", "user_id": OWNER}) for id in ids]
    session.add_all(tasks)
    session.commit()
    first = tasks[0].id  # the attributes of the others are read anew in one statement
    return session.exec(select(Task).where(Task.user_id == OWNER, Task.id >= first)).all()


def _stream(session: Session, _: Ids) -> int:
    every = select(Task).order_by(col(Task.id)).execution_options(yield_per=BATCH)
    return sum(1 for _task in session.exec(every))


def _saved(session: Session, task: Task) -> Task:
    session.add(task)
    session.commit()
    session.refresh(task)
    return task
