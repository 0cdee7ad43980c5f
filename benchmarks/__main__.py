"""`python -m benchmarks [WHAT]`: prints the tables of `docs/maintainers/benchmarks.md`."""

import argparse
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from pydantic import SecretStr

from backend import Database, Settings, init_db
from backend.embedded import EmbeddedServer
from benchmarks import conditions, functions, growth, pages, preparing
from benchmarks.calls import (
    NAMES,
    Calls,
    by_core,
    by_core_from_pool,
    by_psycopg,
    by_repository,
    by_repository_on_new_sessions,
)
from benchmarks.compare.server import TcpServer
from benchmarks.rounds import Ratio, measured

_ROUNDS = 60


def main(arguments: list[str]) -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=("calls", "conditions", "functions", "growth", "pages", "prepare"),
        default="calls",
        help="calls unless given",
    )
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help=f"{_ROUNDS} unless given; of growth at most 20")
    parser.add_argument("--prepare", action="store_true", help="every contender prepares a statement at its 5th run")
    parser.add_argument("--rows", type=int, default=pages.ROWS, help=f"of pages, and at most of growth; {pages.ROWS}")
    parser.add_argument("--url", help="a server whose tables task, label and post may be emptied; else an embedded one")
    parser.add_argument("--out", type=Path, help="a folder for Markdown, JSON and charts of growth")
    given = parser.parse_args(arguments)
    if given.what == "conditions":
        conditions.run(given.rounds)
        return
    threshold = 5 if given.prepare else None
    with ExitStack() as stack:
        if given.what == "prepare":
            preparing.run(given.url or stack.enter_context(TcpServer()).url, given.rounds)
            return
        if given.what == "growth":
            growth.run(
                given.url or stack.enter_context(TcpServer()).url, given.rows, given.rounds, given.out, arguments
            )
            return
        url = given.url or stack.enter_context(EmbeddedServer()).url
        if given.what == "functions":
            functions.run(url)
            return
        database = stack.enter_context(Database(Settings(database_url=SecretStr(url), prepare_threshold=threshold)))
        if given.what == "pages":
            pages.run(database, given.rounds, given.rows)
            return
        init_db(database)
        own = stack.enter_context(_connected(database, threshold))
        contenders: dict[str, Calls] = {
            "psycopg": by_psycopg(own),
            "Core, open connection": by_core(
                stack.enter_context(database.engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
            ),
            "Core, pool": by_core_from_pool(database.engine),
            "repository, open session": by_repository(stack.enter_context(database.session())),
            "repository, new session": by_repository_on_new_sessions(database),
        }
        _show(measured(contenders, given.rounds, stack.enter_context(_connected(database, None))))


@contextmanager
def _connected(database: Database, threshold: int | None) -> "Generator[psycopg.Connection[tuple[object, ...]]]":
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True, prepare_threshold=threshold) as connection:
        yield connection


def _show(found: Mapping[str, Mapping[str, Ratio]]) -> None:
    who = list(next(iter(found.values())))
    sys.stdout.write("| call | " + " | ".join(who) + " |\n" + "|---" * (len(who) + 1) + "|\n")
    for name in NAMES:
        first, *others = [found[name][one] for one in who]
        cells = [f"1 ({first.microseconds:.0f} µs)"]
        cells += [f"{one.times:.2f} ({one.spread[0]:.2f} to {one.spread[1]:.2f})" for one in others]
        sys.stdout.write(f"| {name} | " + " | ".join(cells) + " |\n")


if __name__ == "__main__":
    main(sys.argv[1:])
