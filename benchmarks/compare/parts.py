"""The parts of a run, each one or several tables."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.compare import memory
from benchmarks.compare.calls import CALLS, Group, Target
from benchmarks.compare.contenders import BASELINE
from benchmarks.compare.data import Data
from benchmarks.compare.forwarder import forwarder
from benchmarks.compare.progress import steps
from benchmarks.compare.results import Cell, Table, compared
from benchmarks.compare.rounds import Sample, Samples, measured, opened, without_failures
from benchmarks.compare.server import address_of, through
from benchmarks.compare.threads import throughput
from benchmarks.compare.trips import counted

_TIMES = "Multiples of psycopg by hand that builds the same objects: median over the rounds, quartiles, and the time."
_MEMORY_OF = ("list of 100", "create_many", "update_many", "stream")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    url: str
    is_embedded: bool
    """Whether the server's processes are on this machine."""
    contenders: Sequence[str]
    calls: Sequence[str]
    rounds: int
    batch: int
    delays: Sequence[float]
    """Milliseconds."""
    workers: Sequence[int]
    seconds: float
    notes: list[str]


class Parts:
    """Measures the parts on the same rows."""

    def __init__(self, plan: Plan, data: Data, runner: asyncio.Runner) -> None:
        self._plan, self._data, self._runner = plan, data, runner

    def calls(self) -> Iterator[Table]:
        """Calls of few rows, nobody prepares."""
        yield from self._timed("calls", "Calls", None)

    def prepared(self) -> Iterator[Table]:
        """The same where everybody prepares a statement at its fifth run."""
        yield from self._timed("prepared", "Calls with prepared statements", 5)

    def bulk(self) -> Iterator[Table]:
        """Bulk calls."""
        note = f"{self._data.bulk} rows in one call. {_TIMES}"
        yield from self._tables("bulk", "Bulk calls", "ms", note, self._samples("bulk", max(2, self._plan.rounds // 4)))

    def stream(self) -> Iterator[Table]:
        """A stream of every row."""
        note = f"{self._data.rows} rows, read in order. {_TIMES}"
        yield from self._tables(
            "stream", "Stream", "ms", note, self._samples("stream", max(2, self._plan.rounds // 12))
        )

    def delays(self) -> Iterator[Table]:
        """Calls of few rows through a network that takes time."""
        for delay in self._plan.delays:
            with forwarder(delay / 1000, address_of(self._plan.url)) as port:
                url = through(self._plan.url, port)
                samples = self._samples("calls", max(2, self._plan.rounds // 8), url=url, batch=1)
            key, title = f"delay-{delay:g}", f"Calls with {delay:g} ms of round-trip time"
            yield self._table(key, title, "ms", _TIMES, samples=samples, value=lambda one: one.wall)

    def trips(self) -> Iterator[Table]:
        """Round trips."""
        names = self._plan.calls
        with steps("round trips", len(names)) as advance:
            cells = counted(
                self._plan.contenders, self._plan.url, self._data, self._runner, calls=names, advance=advance
            )
        yield Table("trips", "Round trips of a call", "", "Counted on the wire, of a warm call.", cells)

    def threads(self) -> Iterator[Table]:
        """Calls a second."""
        plan, target = self._plan, self._target(None)
        rounds = max(2, plan.rounds // 12)
        for call in ("get", "update"):
            with steps(f"calls a second, {call}", rounds * len(plan.workers) * len(plan.contenders)) as advance:
                cells = throughput(
                    plan.contenders,
                    target,
                    self._data,
                    call=call,
                    workers=plan.workers,
                    seconds=plan.seconds,
                    rounds=rounds,
                    advance=advance,
                )
            note = (
                "Threads, or tasks of one loop. Pools have ten connections; psycopg and Django one for each thread. "
                "Multiples of psycopg's, more is better."
            )
            yield Table(f"threads-{call}", f"Calls a second, {call}", "/s", note, cells)

    def memory(self) -> Iterator[Table]:
        """Peak memory."""
        names = [name for name in _MEMORY_OF if name in self._plan.calls]
        cells: dict[str, dict[str, Cell]] = {name: {} for name in names}
        with steps("memory", len(names) * len(self._plan.contenders)) as advance:
            for name in names:
                for who in self._plan.contenders:
                    if (found := memory.peak(who, name, self._plan.url, self._data)) is not None:
                        cells[name][who] = Cell(found)
                    advance()
        note = "By how much one call raises the memory of a new process that has made another call before."
        yield Table("memory", "Peak memory", "MiB", note, cells)

    def _timed(self, key: str, title: str, threshold: int | None) -> Iterator[Table]:
        samples = self._samples("calls", self._plan.rounds, threshold=threshold, batch=self._plan.batch)
        yield from self._tables(key, title, "µs", _TIMES, samples)

    def _samples(
        self, group: Group, rounds: int, *, threshold: int | None = None, batch: int = 1, url: str | None = None
    ) -> Samples:
        names = [name for name in self._plan.calls if CALLS[name].group == group]
        with opened(self._plan.contenders, self._target(threshold, url)) as contenders:
            working = without_failures(contenders, self._data, self._runner, names, self._plan.notes)
            with steps(f"{group}{', prepared' * (threshold is not None)}", rounds * len(names)) as advance:
                return measured(
                    working, self._data, self._runner, calls=names, rounds=rounds, batch=batch, advance=advance
                )

    def _target(self, threshold: int | None, url: str | None = None) -> Target:
        return Target(url or self._plan.url, threshold, self._runner, self._data.deep_id, self._data.deep)

    def _tables(self, key: str, title: str, unit: str, note: str, samples: Samples) -> Iterator[Table]:
        cpu = "CPU time of a call. " + _TIMES
        yield self._table(key, title, unit, note, samples=samples, value=lambda one: one.wall)
        yield self._table(f"{key}-client", f"{title}: client", unit, cpu, samples=samples, value=lambda one: one.client)
        if self._plan.is_embedded:
            yield self._table(
                f"{key}-server", f"{title}: server", unit, cpu, samples=samples, value=lambda one: one.server
            )

    def _table(
        self, key: str, title: str, unit: str, note: str, *, samples: Samples, value: Callable[[Sample], float]
    ) -> Table:
        scale = 1e6 if unit == "µs" else 1e3
        cells: dict[str, Mapping[str, Cell]] = {}
        for name, by_contender in samples.items():
            values = {who: [value(one) * scale for one in found] for who, found in by_contender.items()}
            cells[name] = compared(values, BASELINE)
        return Table(key, title, unit, note, cells)


PARTS: Final[Mapping[str, Callable[[Parts], Iterator[Table]]]] = {
    "calls": Parts.calls,
    "prepared": Parts.prepared,
    "bulk": Parts.bulk,
    "stream": Parts.stream,
    "trips": Parts.trips,
    "delays": Parts.delays,
    "threads": Parts.threads,
    "memory": Parts.memory,
}
