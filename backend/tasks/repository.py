"""The repositories of tasks, sync and async."""

from sqlmodel import col

from backend import AsyncCRUDRepository, Change, CRUDRepository, typed
from backend.tasks.models import Task, TaskCreate, TaskUpdate

_TOGGLE = Change(typed(Task.completed).to(~typed(Task.completed)))


class TaskRepository(
    CRUDRepository[Task, TaskCreate, TaskUpdate], owner=col(Task.user_id), version=col(Task.updated_at)
):
    """Tasks on a session, each owner's apart: `TaskRepository(session).owned_by(user_id)`."""

    def toggle_complete(self, id: int) -> Task:
        """Negate `completed` in the database, which loses no toggle, and return the task. Raises `NotFoundError`."""
        return self._change(id, _TOGGLE)


class AsyncTaskRepository(
    AsyncCRUDRepository[Task, TaskCreate, TaskUpdate], owner=col(Task.user_id), version=col(Task.updated_at)
):
    """Tasks on an asynchronous session: every call of `TaskRepository`, awaited."""

    async def toggle_complete(self, id: int) -> Task:
        """Negate `completed` in the database, which loses no toggle, and return the task. Raises `NotFoundError`."""
        return await self._change(id, _TOGGLE)
