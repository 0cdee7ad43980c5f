"""What `PREPARE_THRESHOLD=auto` saves on a direct connection: `python -m benchmarks prepare`."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal

import psycopg
from pydantic import SecretStr
from sqlalchemy import func, select

from backend import Database, Settings, init_db
from benchmarks.calls import NAMES, Calls, by_repository
from benchmarks.compare.server import cpu_seconds
from benchmarks.rounds import CALLS_A_BATCH, Ratio, ratio, rows, start, warm

_SETTINGS: Final[Mapping[str, Literal["auto"] | None]] = {"unset": None, "auto": "auto"}


@dataclass(frozen=True, slots=True)
class _Contender:
    calls: Calls
    process: int
    """The server's process of its one connection."""


def run(url: str, rounds: int) -> None:
    """Print the table: time of a call and CPU time of the server, with and without, in the same rounds."""
    with ExitStack() as stack:
        contenders: dict[str, _Contender] = {}
        for name, threshold in _SETTINGS.items():
            settings = Settings(database_url=SecretStr(url), prepare_threshold=threshold, pool_size=1)
            database = stack.enter_context(Database(settings))
            init_db(database)
            with database.engine.connect() as connection:
                process = connection.scalars(select(func.pg_backend_pid())).one()
            contenders[name] = _Contender(by_repository(stack.enter_context(database.session())), process)
        conninfo = url.replace("postgresql+psycopg", "postgresql")
        _show(_measured(contenders, rounds, stack.enter_context(psycopg.connect(conninfo, autocommit=True))))


def _measured(
    contenders: Mapping[str, _Contender], rounds: int, server: "psycopg.Connection[tuple[object, ...]]"
) -> Mapping[str, Mapping[str, tuple[Ratio, Ratio]]]:
    found = {name: {who: list[tuple[float, float]]() for who in contenders} for name in NAMES}
    order = list(contenders)
    start(server)
    for contender in contenders.values():
        warm(contender.calls, server)
    for _ in range(rounds):
        order = order[1:] + order[:1]
        for name in NAMES:
            for who in order:
                found[name][who].append(_sample(contenders[who], name, rows(server)))
    return {
        name: {who: _beside(values, by_setting["unset"]) for who, values in by_setting.items()}
        for name, by_setting in found.items()
    }


def _sample(contender: _Contender, name: str, ids: Sequence[int]) -> tuple[float, float]:
    """Return the seconds of a call, and those of the server's CPU."""
    call = contender.calls[name]
    before, started = cpu_seconds([contender.process]), time.perf_counter()
    for id in ids:
        call(id)
    wall = time.perf_counter() - started
    return wall / CALLS_A_BATCH, (cpu_seconds([contender.process]) - before) / CALLS_A_BATCH


def _beside(values: Sequence[tuple[float, float]], unset: Sequence[tuple[float, float]]) -> tuple[Ratio, Ratio]:
    one, other = ([pair[at] for pair in values] for at in (0, 1))
    base, other_base = ([pair[at] for pair in unset] for at in (0, 1))
    return ratio(one, base), ratio(other, other_base)


def _show(found: Mapping[str, Mapping[str, tuple[Ratio, Ratio]]]) -> None:
    sys.stdout.write("| call | server CPU, unset | `auto` | ratio | time, unset | `auto` | ratio |\n")
    sys.stdout.write("|---" * 7 + "|\n")
    for name, by_setting in found.items():
        cells: list[str] = []
        for at in (1, 0):
            unset, auto = by_setting["unset"][at], by_setting["auto"][at]
            cells += [f"{unset.microseconds:.0f} µs", f"{auto.microseconds:.0f} µs"]
            cells.append(f"{auto.times:.2f} ({auto.spread[0]:.2f} to {auto.spread[1]:.2f})")
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
