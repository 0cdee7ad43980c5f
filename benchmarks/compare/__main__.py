"""`python -m benchmarks.compare`: measures, and writes Markdown, JSON and charts."""

import argparse
import asyncio
import shlex
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.compare.calls import CALLS
from benchmarks.compare.contenders import BASELINE, MISSING, NAMES
from benchmarks.compare.data import LEAST_ROWS, Data
from benchmarks.compare.parts import PARTS, Parts, Plan
from benchmarks.compare.report import PACKAGES, PEERS, facts, write
from benchmarks.compare.results import Run, from_json
from benchmarks.compare.server import TcpServer
from benchmarks.compare.tables import text


def main(arguments: list[str]) -> None:
    """Measure what the arguments ask for."""
    given = _parser().parse_args(arguments)
    if given.redraw:
        write(from_json(given.redraw.read_text()), given.redraw.parent, given.redraw.stem)
        return
    contenders = [name for name in NAMES if name not in MISSING and (name == BASELINE or name in given.contenders)]
    with ExitStack() as stack:
        url = given.url or stack.enter_context(TcpServer()).url
        data = stack.enter_context(Data(url, given.rows, given.bulk)).fill()
        runner = stack.enter_context(asyncio.Runner())
        notes = [f"{name}: not installed" for name in MISSING if name in given.contenders]
        plan = Plan(
            url, given.url is None, contenders, given.calls, given.rounds, given.batch,
            given.delays, given.workers, given.seconds, notes,
        )  # fmt: skip
        command = shlex.join(["python", "-m", "benchmarks.compare", *arguments])
        rows = f"{data.rows}, {data.bulk} in a bulk call"
        run = Run(facts(command, data.server_version(), rows, (*PACKAGES, *PEERS)), contenders, notes=notes)
        parts = Parts(plan, data, runner)
        for part in given.parts:
            for table in PARTS[part](parts):
                run.tables.append(table)
                sys.stdout.write(f"## {table.title}\n\n{text(table, contenders)}\n")
                sys.stdout.flush()
                if given.out:  # after each table, so that a run that is ended leaves what it has
                    write(run, given.out, f"cpython-{sys.version_info.major}.{sys.version_info.minor}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--parts", type=_one_of(PARTS), default=list(PARTS), help=f"of {','.join(PARTS)}; all")
    parser.add_argument("--contenders", type=_one_of(NAMES, "; "), default=list(NAMES), help=f"{'; '.join(NAMES)}; all")
    parser.add_argument("--calls", type=_one_of(CALLS, "; "), default=list(CALLS), help=f"{'; '.join(CALLS)}; all")
    parser.add_argument("--rounds", type=_at_least(2), default=40, help="of calls; other parts have fewer; 40")
    parser.add_argument("--batch", type=_at_least(1), default=20, help="calls timed together; 20")
    parser.add_argument("--rows", type=_at_least(LEAST_ROWS), default=1_000_000, help="of the table; 1000000")
    parser.add_argument("--bulk", type=_at_least(2), default=10_000, help="rows of a bulk call; 10000")
    parser.add_argument("--delays", type=_numbers, default=[1.0, 5.0, 20.0], help="round-trip times in ms; 1,5,20")
    parser.add_argument("--workers", type=_integers, default=[1, 8, 64], help="threads or tasks; 1,8,64")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement of calls a second; 1")
    parser.add_argument("--url", help="a server whose tables task and label may be emptied; else an embedded")
    parser.add_argument("--out", type=Path, help="a folder for Markdown, JSON and charts")
    parser.add_argument("--redraw", type=Path, metavar="JSON", help="write Markdown and charts of an earlier run anew")
    return parser


def _one_of(known: Mapping[str, object] | tuple[str, ...], separator: str = ",") -> "_Names":
    return _Names(tuple(known), separator.strip())


class _Names:
    def __init__(self, known: tuple[str, ...], separator: str) -> None:
        self._known, self._separator = known, separator

    def __call__(self, text: str) -> list[str]:
        names = [name.strip() for name in text.split(self._separator)]
        if unknown := [name for name in names if name not in self._known]:
            raise argparse.ArgumentTypeError(f"unknown: {unknown}, expected some of {list(self._known)}")
        return names


class _at_least:  # noqa: N801 - used as a function
    def __init__(self, least: int) -> None:
        self._least = least

    def __call__(self, text: str) -> int:
        if int(text) < self._least:
            raise argparse.ArgumentTypeError(f"is {text}, at least {self._least}")
        return int(text)


def _numbers(text: str) -> list[float]:
    return [float(one) for one in text.split(",")]


def _integers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


if __name__ == "__main__":
    main(sys.argv[1:])
