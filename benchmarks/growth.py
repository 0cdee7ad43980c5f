"""How the cost of each call grows with the rows of a table and with its owners: `python -m benchmarks growth`.

Rows: from a thousand to `--rows`, of which an owner has a hundred. Owners: from one to a tenth of `--rows`, which they
share. The calls are about one owner. Reported are the time of a call and the CPU time of the server's process, which a
busy machine changes less.
"""

import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from statistics import median, quantiles
from typing import Final, LiteralString, TypeAlias

import psycopg
from pydantic import SecretStr
from sqlalchemy import Integer, String, cast, func, insert, literal, select
from sqlmodel import col

from backend import Database, Settings, init_db, typed
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from benchmarks.compare.models import Label, LabelCreate, LabelRepository, TaskView
from benchmarks.compare.progress import steps
from benchmarks.compare.report import facts, write
from benchmarks.compare.results import Cell, Run, Table
from benchmarks.compare.server import cpu_seconds
from benchmarks.compare.tables import text

_OWNER: Final = "owner 0"
_A_ROW_EACH: Final = 100
"""Rows of an owner where the rows grow, and of a bulk call."""
_SHORT: Final = 10
"""Rows of a list or a page, which the owner has at least."""
_SECONDS: Final = 0.4
"""For one call at one size; at least `_LEAST` samples, whatever they take."""
_LEAST: Final = 5

_Ids: TypeAlias = Sequence[int]


@dataclass(frozen=True, slots=True)
class _Call:
    make: Callable[[_Ids], object]
    rows: int = 0
    """New rows of the owner that each call is about."""
    times: int = 5
    """Calls timed together."""


@dataclass(frozen=True, slots=True)
class _Size:
    rows: int
    owners: int


_Costs: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]
"""By call: seconds of a call and of the server's CPU, one a sample."""


def run(url: str, rows: int, rounds: int, out: Path | None, arguments: Sequence[str]) -> None:
    """Print the tables, and write them with charts where a folder is given. At most so many samples of each call."""
    by_rows = [_Size(one, max(one // _A_ROW_EACH, 1)) for one in _powers(1000, rows) or [rows]]
    by_owners = [_Size(rows, one) for one in _powers(1, rows // _SHORT)]
    sizes = list(dict.fromkeys([*by_rows, *by_owners]))
    conninfo = url.replace("postgresql+psycopg", "postgresql")
    with (
        Database(Settings(database_url=SecretStr(url), pool_size=1)) as database,
        psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as server,
    ):
        version = str(server.execute("SHOW server_version").fetchall()[0][0])
        found = Run(facts(shlex.join(["python", "-m", "benchmarks", *arguments]), version, f"up to {rows}"), [])
        costs = {size: _costs(database, server, size, rounds) for size in sizes}
    found.tables.extend(_tables("rows", "rows", {f"{size.rows:,} rows": costs[size] for size in by_rows}))
    found.tables.extend(_tables("owners", "owners", {_owners(size): costs[size] for size in by_owners}))
    found = Run(found.facts, list(dict.fromkeys(who for table in found.tables for who in _of(table))), found.tables)
    for table in found.tables:
        sys.stdout.write(f"## {table.title}\n\n{text(table, found.contenders)}\n")
    if out:
        write(found, out, "growth")


def _powers(first: int, last: int) -> list[int]:
    return list(takewhile(lambda power: power <= last, (first * 10**at for at in range(9))))


def _costs(database: Database, server: "psycopg.Connection[tuple[object, ...]]", size: _Size, rounds: int) -> _Costs:
    _fill(database, server, size)
    with database.engine.connect() as connection:
        process = connection.scalars(select(func.pg_backend_pid())).one()
    with database.session() as session:
        calls = _calls(TaskRepository(session).owned_by(_OWNER), LabelRepository(session).owned_by(_OWNER), size)
        calls["ping, for comparison"] = _Call(lambda _: database.ping())
        with steps(f"{size.rows:,} rows, {size.owners:,} owners", len(calls)) as advance:
            costs: dict[str, Sequence[tuple[float, float]]] = {}
            for name, call in calls.items():
                costs[name] = _samples(call, server, process, rounds)
                _tidy(server, size)
                advance()
    return costs


def _fill(database: Database, server: "psycopg.Connection[tuple[object, ...]]", size: _Size) -> None:
    for model in (Task, Label):
        init_db(database, model.metadata)
    server.execute("TRUNCATE task, label RESTART IDENTITY")
    number = func.generate_series(1, size.rows).column_valued("n")
    owner = literal("owner ", String) + cast(cast(number, Integer) % size.owners, String)
    name = literal("label ", String) + cast(number, String)
    with database.engine.begin() as connection:
        connection.execute(insert(Task).from_select(["title", "user_id"], select(name, owner)))
        connection.execute(
            insert(Label).from_select(["user_id", "name", "colour"], select(owner, name, literal("red", String)))
        )
    server.execute("ALTER TABLE task SET (autovacuum_enabled = false)")
    server.execute("ALTER TABLE label SET (autovacuum_enabled = false)")
    server.execute("VACUUM ANALYZE task, label")


def _tidy(server: "psycopg.Connection[tuple[object, ...]]", size: _Size) -> None:
    """Remove what the calls added, and dead rows."""
    server.execute("DELETE FROM task WHERE id > %s", (size.rows,))
    server.execute("DELETE FROM label WHERE id > %s", (size.rows,))
    server.execute("VACUUM task, label")


def _calls(tasks: TaskRepository, labels: LabelRepository, size: _Size) -> dict[str, _Call]:
    """Return the calls. The owner's first rows have the ids that its number divides."""
    own = [size.owners * at for at in range(1, _SHORT + 1)]
    middle = tasks.cursor_page(typed(Task.id) >= size.rows // 2, size=1).next
    by_title = col(Task.title)
    many = range(_A_ROW_EACH)
    return {
        "get": _Call(lambda _: tasks.get_one(own[3])),
        "get_many of 10": _Call(lambda _: tasks.get_many(own)),
        "exists": _Call(lambda _: tasks.exists(typed(Task.id) == own[3])),
        "first": _Call(lambda _: tasks.first()),
        "list of 10": _Call(lambda _: tasks.list(limit=_SHORT)),
        "view of 10": _Call(lambda _: tasks.as_(TaskView).list(limit=_SHORT)),
        "list of 10 by a column without an index": _Call(lambda _: tasks.list(order_by=by_title, limit=_SHORT)),
        "cursor page, first": _Call(lambda _: tasks.cursor_page(size=_SHORT)),
        "cursor page, middle": _Call(lambda _: tasks.cursor_page(size=_SHORT, cursor=middle)),
        "page with its total": _Call(lambda _: tasks.page(size=_SHORT)),
        "count": _Call(lambda _: tasks.count()),
        "create": _Call(lambda _: tasks.create(TaskCreate(title="x"))),
        "update": _Call(lambda ids: tasks.update(ids[0], TaskUpdate(title="y")), 1),
        "toggle": _Call(lambda ids: tasks.toggle_complete(ids[0]), 1),
        "delete": _Call(lambda ids: tasks.delete(ids[0]), 1),
        "update_where": _Call(lambda ids: tasks.update_where(TaskUpdate(title="y"), typed(Task.id) == ids[0]), 1),
        "delete_where": _Call(lambda ids: tasks.delete_where(typed(Task.id) == ids[0]), 1),
        "upsert": _Call(
            lambda _: labels.upsert(LabelCreate(name=f"label {own[3]}", colour="red"), on=_LABEL),
        ),
        "get_or_create": _Call(
            lambda _: labels.get_or_create(LabelCreate(name=f"label {own[3]}", colour="red"), on=_LABEL)
        ),
        "create_many of 100": _Call(lambda _: tasks.create_many([TaskCreate(title="x") for _ in many]), times=1),
        "update_many of 100": _Call(
            lambda ids: tasks.update_many({id: TaskUpdate(title="y") for id in ids}), _A_ROW_EACH, 1
        ),
        "delete_many of 100": _Call(tasks.delete_many, _A_ROW_EACH, 1),
        "upsert_many of 100": _Call(
            lambda _: labels.upsert_many([LabelCreate(name=f"new {at}", colour="red") for at in many], on=_LABEL),
            times=1,
        ),
    }


_LABEL: Final = col(Label.name)

_NEW: Final[LiteralString] = "INSERT INTO task (title, user_id) SELECT 'x', %s FROM generate_series(1, %s) RETURNING id"


def _samples(
    call: _Call, server: "psycopg.Connection[tuple[object, ...]]", process: int, rounds: int
) -> Sequence[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    began = time.perf_counter()
    while len(found) <= min(_LEAST, rounds) or (len(found) <= rounds and time.perf_counter() - began < _SECONDS):
        added = server.execute(_NEW, (_OWNER, call.rows * call.times)).fetchall() if call.rows else []
        ids = [id for (id,) in added if isinstance(id, int)]
        before, started = cpu_seconds([process]), time.perf_counter()
        for at in range(call.times):
            call.make(ids[at * call.rows : (at + 1) * call.rows])
        wall = time.perf_counter() - started
        found.append((wall / call.times, (cpu_seconds([process]) - before) / call.times))
    return found[1:]  # the first warms up


def _tables(key: str, what: str, costs: Mapping[str, _Costs]) -> list[Table]:
    note = "Multiples of the smallest, with quartiles, and the median."
    return [
        Table(f"{key}-server", f"More {what}: CPU time of the server", "µs", note, _cells(costs, 1)),
        Table(key, f"More {what}: time of a call", "µs", note, _cells(costs, 0)),
    ]


def _cells(costs: Mapping[str, _Costs], at: int) -> Mapping[str, Mapping[str, Cell]]:
    cells: dict[str, dict[str, Cell]] = {}
    for size, by_call in costs.items():
        for name, samples in by_call.items():
            values = [sample[at] * 1e6 for sample in samples]
            low, _, high = quantiles(values, n=4)
            row = cells.setdefault(name, {})
            first = next(iter(row.values())).value if row else median(values)
            row[size] = Cell(median(values), median(values) / first, low / first, high / first)
    return cells


def _owners(size: _Size) -> str:
    return f"{size.owners:,} owner{'s' * (size.owners > 1)}"


def _of(table: Table) -> Sequence[str]:
    return list(next(iter(table.cells.values())))
