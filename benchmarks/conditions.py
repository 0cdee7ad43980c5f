"""What conditions cost: building a statement with them, beside SQLAlchemy's own: `python -m benchmarks conditions`.

Nothing is sent. Both sides make the conditions anew, as a caller does; SQLAlchemy's adds them to a SELECT that is kept.
"""

import gc
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from sqlalchemy import func
from sqlmodel import SQLModel, col

from backend import typed
from backend.entity.checks import ClassOptions, define
from backend.statements.conditions import Where
from backend.statements.scope.from_clauses import is_select
from backend.statements.statements import Statements
from backend.tasks import Task, TaskCreate, TaskUpdate

_BUILDS: Final = 500
"""Statements timed together: long beside the clock's resolution, short beside a machine's moods."""

Build = Callable[[], object]


def run(rounds: int) -> None:
    """Measure, and print the table."""
    options = ClassOptions(owner=col(Task.user_id), version=col(Task.updated_at))
    entity = define("TaskRepository", (Task, TaskCreate, TaskUpdate, int, str), options)
    statements = Statements(entity, scoped=True)
    sys.stdout.write("| | SQLAlchemy | repository | more |\n|---|---|---|---|\n")
    for name, (own, ours) in _contenders(statements).items():
        theirs_us, ours_us, more_us = _measured(own, ours, rounds)
        sys.stdout.write(f"| {name} | {theirs_us:.0f} µs | {ours_us:.0f} µs | {more_us:.0f} µs |\n")


def _contenders(statements: Statements[SQLModel]) -> dict[str, tuple[Build, Build]]:
    kept = statements.list((), (), None, 0).statement
    assert is_select(kept)

    def listing(where: Callable[[], Sequence[Where]]) -> Build:
        return lambda: statements.list(where(), (), None, 0)

    def own(where: Callable[[], Sequence[Where]]) -> Build:
        def build() -> object:
            return kept.where(*where())

        return build

    def sorted_by_title() -> object:
        return kept.order_by(None).order_by(col(Task.title).desc(), col(Task.id))

    return {
        "two of `col`": (own(_of_col), listing(_of_col)),
        "two of `typed`": (own(_of_col), listing(_of_typed)),
        "`func.lower` and `in_`": (own(_of_func), listing(_of_func)),
        "an order": (sorted_by_title, lambda: statements.list((), col(Task.title).desc(), None, 0)),
        "a page of two of `col`": (own(_of_col), lambda: statements.page(_of_col(), ())),
    }


def _of_col() -> Sequence[Where]:
    return col(Task.title) == "x", col(Task.id) > 3


def _of_typed() -> Sequence[Where]:
    return typed(Task.title) == "x", typed(Task.id) > 3


def _of_func() -> Sequence[Where]:
    return func.lower(col(Task.title)) == "x", col(Task.id).in_([1, 2, 3])


def _measured(theirs: Build, ours: Build, rounds: int) -> tuple[float, float, float]:
    """Return the medians over the rounds of both times in µs, and of their difference in the same round."""
    for build in (theirs, ours):
        _timed(build)
    gc.collect()
    gc.freeze()
    times = [(_timed(theirs), _timed(ours)) for _ in range(rounds)]
    return median(one for one, _ in times), median(one for _, one in times), median(two - one for one, two in times)


def _timed(build: Build) -> float:
    started = time.process_time()
    for _ in range(_BUILDS):
        build()
    return (time.process_time() - started) / _BUILDS * 1e6
