"""How the cost of each call grows with the rows of a table and with its owners: `python -m benchmarks growth`.

Rows: from a thousand to `--rows`, of which an owner has a hundred. Owners: from one to a tenth of `--rows`, which they
share. Each size has tables of its own, in a schema, and in each round every call is made at every size, one after the
other in turn. Reported are the time of a call and the CPU time of the server's process, which a busy machine changes
less, and the ratio to the smallest size in the same round.
"""

import shlex
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final, LiteralString, TypeAlias

import psycopg
from pydantic import SecretStr
from sqlalchemy import Integer, String, cast, func, insert, literal, make_url, select
from sqlalchemy.schema import CreateSchema, DropSchema
from sqlmodel import col

from backend import Database, Settings, init_db, typed
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from benchmarks.compare.models import Label, LabelCreate, LabelRepository, TaskView
from benchmarks.compare.progress import steps
from benchmarks.compare.report import PACKAGES, facts, write
from benchmarks.compare.results import Cell, Run, Table, compared
from benchmarks.compare.server import cpu_seconds
from benchmarks.compare.tables import text

_OWNER: Final = "owner 0"
_OWN_ROWS: Final = 100
"""Rows of each owner where the table grows, and rows of a bulk call."""
_SHORT: Final = 10
"""Rows of a list or a page, which the owner has at least."""
_MOST_ROUNDS: Final = 20

_Ids: TypeAlias = Sequence[int]


@dataclass(frozen=True, slots=True)
class _Call:
    make: Callable[[_Ids], object]
    rows: int = 0
    """New rows of the owner, which are made for each call."""
    times: int = 5
    """Calls timed together."""


@dataclass(frozen=True, slots=True)
class _Size:
    rows: int
    owners: int


_Costs: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]
"""By call: seconds of a call and of the server's CPU, one a sample."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """The tables of one size, and the calls on them."""

    size: _Size
    calls: Mapping[str, _Call]
    server: "psycopg.Connection[tuple[object, ...]]"
    """For what the calls need beside them."""
    process: int
    """The server's process of the calls."""


def run(url: str, rows: int, rounds: int, out: Path | None, arguments: Sequence[str]) -> None:
    """Print the tables of `rounds` rounds, 20 at most, and write them with charts where a folder is given."""
    by_rows = [_Size(one, max(one // _OWN_ROWS, 1)) for one in _powers(1000, rows) or [rows]]
    by_owners = [_Size(rows, one) for one in _powers(1, rows // _SHORT)]
    command = shlex.join(["python", "-m", "benchmarks", *arguments])
    with ExitStack() as stack:
        stages = [stack.enter_context(_stage(url, size)) for size in dict.fromkeys([*by_rows, *by_owners])]
        version = str(stages[0].server.execute("SHOW server_version").fetchall()[0][0])
        described = facts(command, version, f"up to {rows}", PACKAGES)
        costs = _measured(stages, min(rounds, _MOST_ROUNDS))
    tables = [
        *_tables("rows", "rows", {f"{size.rows:,} rows": costs[size] for size in by_rows}),
        *_tables("owners", "owners", {_owners(size): costs[size] for size in by_owners}),
    ]
    sizes = dict.fromkeys(who for table in tables for who in next(iter(table.cells.values())))
    found = Run(described, list(sizes), tables)
    for table in tables:
        sys.stdout.write(f"## {table.title}\n\n{text(table, found.contenders)}\n")
    if out:
        write(found, out, "growth")


def _powers(first: int, last: int) -> list[int]:
    return list(takewhile(lambda power: power <= last, (first * 10**at for at in range(9))))


@contextmanager
def _stage(url: str, size: _Size) -> Generator[_Stage]:
    schema = f"growth_{size.rows}_{size.owners}"
    within = make_url(url).update_query_dict({"options": f"-csearch_path={schema}"})
    conninfo = within.set(drivername="postgresql").render_as_string(hide_password=False)
    settings = Settings(
        database_url=SecretStr(within.render_as_string(hide_password=False)), pool_size=1, pool_recycle_s=-1
    )
    with (
        psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as server,
        Database(settings) as database,
        database.session() as session,
    ):
        with database.engine.begin() as connection:
            connection.execute(DropSchema(schema, cascade=True, if_exists=True))
            connection.execute(CreateSchema(schema))
        _fill(database, server, size)
        with database.engine.connect() as connection:
            process = connection.scalars(select(func.pg_backend_pid())).one()
        calls = _calls(TaskRepository(session).owned_by(_OWNER), LabelRepository(session).owned_by(_OWNER), size)
        calls["ping, for comparison"] = _Call(lambda _: database.ping())
        yield _Stage(size, calls, server, process)
        with database.engine.begin() as connection:
            connection.execute(DropSchema(schema, cascade=True))


def _fill(database: Database, server: "psycopg.Connection[tuple[object, ...]]", size: _Size) -> None:
    for model in (Task, Label):
        init_db(database, model.metadata)
    number = func.generate_series(1, size.rows).column_valued("n")
    owner = literal("owner ", String) + cast(cast(number, Integer) % size.owners, String)
    name = literal("label ", String) + cast(number, String)
    with database.engine.begin() as connection:
        connection.execute(insert(Task).from_select(["title", "user_id"], select(name, owner)))
        connection.execute(
            insert(Label).from_select(["user_id", "name", "colour"], select(owner, name, literal("red", String)))
        )
    for table in ("task", "label"):
        server.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
    server.execute("VACUUM ANALYZE task, label")


def _measured(stages: Sequence[_Stage], rounds: int) -> Mapping[_Size, _Costs]:
    names = list(stages[0].calls)
    costs: dict[_Size, dict[str, list[tuple[float, float]]]] = {
        stage.size: {name: [] for name in names} for stage in stages
    }
    order = list(stages)
    with steps("growth", (rounds + 1) * len(names)) as advance:
        for _ in range(rounds + 1):  # the first warms up
            order = order[1:] + order[:1]
            for name in names:
                for stage in order:
                    costs[stage.size][name].append(_sample(stage, stage.calls[name]))
                advance()
            for stage in stages:
                _tidy(stage.server, stage.size)
    return {size: {name: found[1:] for name, found in by_call.items()} for size, by_call in costs.items()}


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
    many = range(_OWN_ROWS)
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
            lambda ids: tasks.update_many({id: TaskUpdate(title="y") for id in ids}), _OWN_ROWS, 1
        ),
        "delete_many of 100": _Call(tasks.delete_many, _OWN_ROWS, 1),
        "upsert_many of 100": _Call(
            lambda _: labels.upsert_many([LabelCreate(name=f"new {at}", colour="red") for at in many], on=_LABEL),
            times=1,
        ),
    }


_LABEL: Final = col(Label.name)

_NEW: Final[LiteralString] = "INSERT INTO task (title, user_id) SELECT 'x', %s FROM generate_series(1, %s) RETURNING id"


def _sample(stage: _Stage, call: _Call) -> tuple[float, float]:
    """Return the seconds of a call, and those of the server's CPU."""
    added = stage.server.execute(_NEW, (_OWNER, call.rows * call.times)).fetchall() if call.rows else []
    ids = [id for (id,) in added if isinstance(id, int)]
    before, started = cpu_seconds([stage.process]), time.perf_counter()
    for at in range(call.times):
        call.make(ids[at * call.rows : (at + 1) * call.rows])
    wall = time.perf_counter() - started
    return wall / call.times, (cpu_seconds([stage.process]) - before) / call.times


def _tables(key: str, what: str, costs: Mapping[str, _Costs]) -> list[Table]:
    note = "Multiples of the first size: median over the rounds, quartiles, and the value."
    return [
        Table(f"{key}-server", f"More {what}: CPU time of the server", "µs", note, _cells(costs, 1)),
        Table(key, f"More {what}: time of a call", "µs", note, _cells(costs, 0)),
    ]


def _cells(costs: Mapping[str, _Costs], at: int) -> Mapping[str, Mapping[str, Cell]]:
    first, names = next(iter(costs)), next(iter(costs.values()))
    return {
        name: compared({size: [one[at] * 1e6 for one in by_call[name]] for size, by_call in costs.items()}, first)
        for name in names
    }


def _owners(size: _Size) -> str:
    return f"{size.owners:,} owner{'s' * (size.owners > 1)}"
