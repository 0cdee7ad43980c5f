"""The first entity, and the folder to copy for the next one.

models       the table and the two schemas
repository   the repository, and the calls that only this entity has
functions    the same calls as plain functions
"""

from backend.tasks.functions import (
    create_task,
    delete_task,
    get_task,
    get_tasks,
    toggle_complete,
    update_task,
)
from backend.tasks.models import Task, TaskCreate, TaskUpdate
from backend.tasks.repository import AsyncTaskRepository, TaskRepository

__all__ = [
    "AsyncTaskRepository",
    "Task",
    "TaskCreate",
    "TaskRepository",
    "TaskUpdate",
    "create_task",
    "delete_task",
    "get_task",
    "get_tasks",
    "toggle_complete",
    "update_task",
]
