"""The repository as six functions. Without `user_id` they reach every owner's tasks; `None` raises `UsageError`."""

from collections.abc import Sequence
from typing import Final, final

from sqlmodel import Session

from backend.tasks.models import Task, TaskCreate, TaskUpdate
from backend.tasks.repository import TaskRepository


@final
class EveryOwner:
    """The type of `EVERY_OWNER`, the default of `user_id`."""


EVERY_OWNER: Final = EveryOwner()
"""Every owner's tasks: for administration and debugging."""


def create_task(session: Session, data: TaskCreate, user_id: str) -> Task:
    """Create a task of this owner and return it: see `TaskRepository.create`."""
    return TaskRepository(session).owned_by(user_id).create(data)


def get_task(session: Session, task_id: int, user_id: str | EveryOwner = EVERY_OWNER) -> Task | None:
    """Return the task with this id, or `None`: see `TaskRepository.get`."""
    return _tasks(session, user_id).get(task_id)


def get_tasks(session: Session, user_id: str | EveryOwner = EVERY_OWNER) -> Sequence[Task]:
    """Return the tasks in the order of their ids: see `TaskRepository.list`."""
    return _tasks(session, user_id).list()


def update_task(session: Session, task_id: int, data: TaskUpdate, user_id: str | EveryOwner = EVERY_OWNER) -> Task:
    """Write the fields that were set in `data` and return the task: see `TaskRepository.update`."""
    return _tasks(session, user_id).update(task_id, data)


def delete_task(session: Session, task_id: int, user_id: str | EveryOwner = EVERY_OWNER) -> Task:
    """Delete the task and return it as it was: see `TaskRepository.delete`."""
    return _tasks(session, user_id).delete(task_id)


def toggle_complete(session: Session, task_id: int, user_id: str | EveryOwner = EVERY_OWNER) -> Task:
    """Negate `completed` and return the task: see `TaskRepository.toggle_complete`."""
    return _tasks(session, user_id).toggle_complete(task_id)


def _tasks(session: Session, user_id: str | EveryOwner) -> TaskRepository:
    tasks = TaskRepository(session)
    return tasks.every_owner() if isinstance(user_id, EveryOwner) else tasks.owned_by(user_id)
