"""Shows on standard error how far a run has come: a bar on a terminal that rich is installed for, else lines."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec

from benchmarks.compare.rounds import Advance


@contextmanager
def steps(title: str, number: int) -> Generator[Advance]:
    """Show one part of so many steps; the block is given what advances it. Drawn between measurements, not beside."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        sys.stderr.write(f"{title}: {number} steps\n")
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - may not be installed
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as shown:
        part = shown.add_task(title, total=number)

        def advance() -> None:
            shown.advance(part)
            shown.refresh()

        yield advance
