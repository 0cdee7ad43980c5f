"""Shows tasks of two owners, from their creation until after a restart."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from backend import Database, init_db
from backend.commands.wire import RoundTrips
from backend.embedded import EmbeddedServer, data_folder
from backend.errors import NotFoundError
from backend.settings import Settings
from backend.tasks import TaskCreate, TaskRepository, TaskUpdate

_WIDTHS = (7, 58, 9, 11)


def demo(data: Path | None = None) -> int:
    """Print each step with its time and round trips. Return 0 if everything was found again, else 1.

    It uses DATABASE_URL, else an embedded PostgreSQL; with `data` an embedded one whose data are in that folder.
    """
    with _database(data) as (database, place):
        sys.stdout.write(f"{place}\n\n")
        kept = _first_part(_Table(database))
    sys.stdout.write("\n  everything closed: sessions, pool and, where it was started here, the server\n\n")
    with _database(data) as (database, _):
        found = _second_part(_Table(database), kept)
    sys.stdout.write("\n" + ("every task was found again\n" if found else "tasks are missing after the restart\n"))
    return 0 if found else 1


@contextmanager
def _database(data: Path | None) -> Generator[tuple[Database, str]]:
    settings = Settings.load_or_none() if data is None else None
    if settings is not None:
        with Database(settings) as database:
            yield database, "on the server of DATABASE_URL"
        return
    folder = data_folder() if data is None else data
    with EmbeddedServer(folder) as server, Database(server.url) as database:
        yield database, f"on an embedded PostgreSQL, its data in {folder}"


class _Table:
    """Runs steps and prints a line for each one."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._trips = RoundTrips(database.engine)
        self._line("owner", "step", "ms", "round trips", bold=True)

    def connect(self) -> None:
        """Connect and create the tables first, so that the steps show the times of a running application."""
        started = time.perf_counter()
        init_db(self.database)
        self._line("", "connect, and create the tables that are missing", _ms(started), "")

    def step(self, owner: str, work: Callable[[TaskRepository], str]) -> None:
        """Run one step for one owner and print it; `work` returns what it did."""
        with self.database.session() as session:
            started = time.perf_counter()
            with self._trips.counted():
                text = work(TaskRepository(session).owned_by(owner))
            trips = self._trips.last
            self._line(owner, text, _ms(started), "?" if trips is None else str(trips))

    def _line(self, *cells: str, bold: bool = False) -> None:
        owner, step, ms, trips = cells
        line = f"  {owner:<{_WIDTHS[0]}}{step:<{_WIDTHS[1]}}{ms:>{_WIDTHS[2]}}{trips:>{_WIDTHS[3] + 2}}".rstrip()
        sys.stdout.write(f"\033[1m{line}\033[0m\n" if bold and sys.stdout.isatty() else f"{line}\n")


def _first_part(table: _Table) -> dict[str, set[int]]:
    kept: dict[str, set[int]] = {"ada": set(), "grace": set()}
    table.connect()
    for owner in kept:
        table.step(owner, lambda tasks: f"found {_tasks(tasks.count())} of earlier runs")
    for owner, title in (("ada", "Buy groceries"), ("ada", "Write the report"), ("grace", "Call the bank")):
        table.step(owner, partial(_created, title=title, ids=kept[owner]))
    first = min(kept["ada"])
    table.step("ada", lambda tasks: f"read {tasks.get_one(first).title!r}")
    table.step("ada", lambda tasks: f"renamed it: {tasks.update(first, TaskUpdate(title='Buy food')).title!r}")
    table.step("ada", lambda tasks: f"toggled it: completed is {tasks.toggle_complete(first).completed}")
    table.step("ada", lambda tasks: f"listed {_tasks(len(tasks.list()))}, only her own")
    table.step("grace", lambda tasks: _refused(tasks, first))
    table.step("ada", lambda tasks: f"deleted {tasks.delete(first).title!r}")
    kept["ada"].discard(first)
    return kept


def _second_part(table: _Table, kept: dict[str, set[int]]) -> bool:
    found: dict[str, set[int]] = {}
    table.connect()
    for owner in kept:
        table.step(owner, partial(_listed, owner=owner, found=found))
    return all(kept[owner] <= found[owner] for owner in kept)


def _created(tasks: TaskRepository, title: str, ids: set[int]) -> str:
    task = tasks.create(TaskCreate(title=title))
    ids.add(task.id)
    return f"created {task.title!r} with id {task.id}"


def _refused(tasks: TaskRepository, id: int) -> str:
    try:
        tasks.delete(id)
    except NotFoundError as error:
        return f"tried to delete ada's task: {error}"
    return "deleted ada's task, which must not happen"


def _listed(tasks: TaskRepository, owner: str, found: dict[str, set[int]]) -> str:
    listed = tasks.list()
    found[owner] = {task.id for task in listed}
    return f"found {_tasks(len(listed))}, the last {listed[-1].title!r}" if listed else "found no task"


def _tasks(count: int) -> str:
    return f"{count} task" if count == 1 else f"{count} tasks"


def _ms(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.2f}"
