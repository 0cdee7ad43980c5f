"""Round trips of a call, counted on the wire by a proxy."""

import asyncio
from collections.abc import Mapping, Sequence

from benchmarks.compare.calls import Target
from benchmarks.compare.data import Data
from benchmarks.compare.results import Cell
from benchmarks.compare.rounds import Advance, opened, run
from benchmarks.compare.server import address_of, through
from tests.support.wire import WireProxy


def counted(
    names: Sequence[str], url: str, data: Data, runner: asyncio.Runner, *, calls: Sequence[str], advance: Advance
) -> Mapping[str, Mapping[str, Cell]]:
    """Count the round trips of each call once it is warm; nobody prepares."""
    cells: dict[str, dict[str, Cell]] = {name: {} for name in calls}
    with WireProxy(address_of(url)) as proxy:
        target = Target(through(url, proxy.port), None, runner, data.deep_id, data.deep)
        with opened(names, target) as contenders:
            for name in calls:
                for who, contender in contenders.items():
                    if name in contender.calls:
                        run(contender, name, data.batch(name, 1), runner)
                        ids = data.batch(name, 1)
                        with proxy.watch() as seen:
                            run(contender, name, ids, runner)
                        cells[name][who] = Cell(seen.round_trips)
                advance()
    return cells
