"""Run each mistake on the empty database of DATABASE_URL, and print as JSON what each does.

`python -m tools.mistakes.run`
"""

import asyncio
import gc
import importlib
import inspect
import json
import warnings
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, redirect_stdout
from io import StringIO

from pydantic import ValidationError
from sqlalchemy import delete
from sqlmodel import SQLModel

from backend import AsyncDatabase, Database, init_db
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository
from tests.support.models.suite import ProjectCreate, ProjectRepository
from tools.mistakes.sources import THEMES, every_mistake

SAYS_NOTHING = "nothing is raised"


async def run_all() -> dict[str, str]:
    """Return what each mistake does, by its name, on tables that are emptied before it."""
    modules = {theme: importlib.import_module(f"tests.mistakes.{theme}") for theme in THEMES}
    tables = tuple(reversed(SQLModel.metadata.sorted_tables))  # a mistake may declare another, which is not created
    outcomes: dict[str, str] = {}
    with Database() as db:
        init_db(db)
        for one in every_mistake():
            with db.engine.begin() as connection:
                for table in tables:
                    connection.execute(delete(table))
            outcomes[one.name] = await _run(getattr(modules[one.theme], one.name))
    return outcomes


async def _run(mistake: Callable[..., object]) -> str:
    with redirect_stdout(StringIO()), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            async with AsyncExitStack() as stack:
                called = mistake(**await _arguments(stack, inspect.signature(mistake).parameters.keys()))
                if inspect.isawaitable(called):
                    await called
                gc.collect()  # a coroutine that is not awaited warns then
        except Exception as error:
            return f"`{type(error).__name__}`: {_text(error)}"
    return "; ".join(f"`{one.category.__name__}`: {one.message}" for one in warned) or SAYS_NOTHING


async def _arguments(stack: AsyncExitStack, names: Collection[str]) -> dict[str, object]:
    db, adb = stack.enter_context(Database()), await stack.enter_async_context(AsyncDatabase())
    session, asession = stack.enter_context(db.session()), await stack.enter_async_context(adb.session())
    tasks, projects = TaskRepository(session).owned_by("ada"), ProjectRepository(session).owned_by("ada")
    made: dict[str, object] = {"db": db, "adb": adb, "session": session, "asession": asession}
    made |= {"tasks": tasks, "projects": projects, "atasks": AsyncTaskRepository(asession).owned_by("ada")}
    if "task" in names:
        made["task"] = tasks.create(TaskCreate(title="Buy milk"))
    if "project" in names:
        made["project"] = projects.create(ProjectCreate(name="Move"))
    return {name: made[name] for name in names}


def _text(error: Exception) -> str:
    """Return the message in one line."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems)
    return next(iter(str(error).strip().splitlines()), "")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run_all())))
