"""How many Python functions a call calls: `python -m benchmarks functions`. It repeats exactly, as times never do.

Counted by `sys.setprofile` on an open session with warm caches: each entry of a Python function, and each step of a
generator, of the package and of all. Functions of C are not counted.
"""

import gc
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from pydantic import BaseModel
from sqlmodel import col

import backend
from backend import Database, init_db, typed
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate

_OWN = str(Path(backend.__file__).parent)
_TIMES = 5


class _Title(BaseModel):
    id: int
    title: str


def run(url: str) -> None:
    """Print the table."""
    with Database(url) as database, database.session() as session:
        init_db(database, Task.metadata)
        tasks = TaskRepository(session).owned_by("a")
        tasks.create_many([TaskCreate(title="x")] * 60, returning=False)
        sys.stdout.write("| call | functions of the package | all functions |\n|---|---|---|\n")
        for name, call in _calls(tasks).items():
            own, every = _repeated(call)
            sys.stdout.write(f"| {name} | {own} | {every} |\n")


def _calls(tasks: TaskRepository) -> Mapping[str, Callable[[], object]]:
    ids = iter([task.id for task in tasks.list()])
    id = next(ids)
    titled = tasks.as_(_Title)
    return {
        "create": lambda: tasks.create(TaskCreate(title="x")),
        "get_one": lambda: tasks.get_one(id),
        "update": lambda: tasks.update(id, TaskUpdate(title="y")),
        "toggle_complete": lambda: tasks.toggle_complete(id),
        "delete": lambda: tasks.delete(next(ids)),
        "update_where": lambda: tasks.update_where(TaskUpdate(title="y"), typed(Task.id) == id),
        "exists": tasks.exists,
        "first": tasks.first,
        "first with a condition": lambda: tasks.first(col(Task.title) == "x"),
        "list of 20": lambda: tasks.list(limit=20),
        "list of 20 as a view": lambda: titled.list(limit=20),
        "page of 20": lambda: tasks.page(size=20),
    }


def _repeated(call: Callable[[], object]) -> tuple[int, int]:
    """Return what each of several calls counts. Raises `AssertionError` if they differ."""
    for _ in range(3):
        call()
    gc.collect()
    gc.disable()  # it would call the callbacks of weak references
    try:
        counts = {_counted(call) for _ in range(_TIMES)}
    finally:
        gc.enable()
    assert len(counts) == 1, counts
    return counts.pop()


def _counted(call: Callable[[], object]) -> tuple[int, int]:
    own = every = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal own, every
        if event == "call":
            every += 1
            own += frame.f_code.co_filename.startswith(_OWN)

    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
    return own, every
