"""Interleaved rounds: in each one every contender makes every call, one contender after the other in turn."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

from backend import CursorPage, Page
from benchmarks.compare.calls import CALLS, Contender, Ids, Target
from benchmarks.compare.contenders import opener
from benchmarks.compare.data import Data
from benchmarks.compare.server import cpu_seconds

Advance = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One batch of one contender; seconds a call."""

    wall: float
    client: float
    server: float


Samples = Mapping[str, Mapping[str, list[Sample]]]
"""By call and contender, one a round."""


@contextmanager
def opened(names: Sequence[str], target: Target) -> Generator[Mapping[str, Contender]]:
    """Open the contenders, each with an engine of its own."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(opener(name)(target)) for name in names}


def measured(
    contenders: Mapping[str, Contender],
    data: Data,
    runner: asyncio.Runner,
    *,
    calls: Sequence[str],
    rounds: int,
    batch: int,
    advance: Advance,
) -> Samples:
    """Measure the calls of those contenders that have them."""
    samples = {name: {who: list[Sample]() for who in contenders if name in contenders[who].calls} for name in calls}
    gc.collect()
    gc.freeze()
    order = list(contenders)
    for _ in range(rounds):
        data.tidy()
        order = order[1:] + order[:1]  # nobody always comes after the same other
        for name in calls:
            for who in order:
                if who in samples[name]:
                    ids = data.batch(name, batch)
                    samples[name][who].append(_sample(contenders[who], name, ids, data, runner))
            advance()
    gc.unfreeze()
    return samples


def without_failures(
    contenders: Mapping[str, Contender], data: Data, runner: asyncio.Runner, calls: Sequence[str], notes: list[str]
) -> Mapping[str, Contender]:
    """Warm up, check the length of results, and leave out with a note what a contender cannot do."""
    kept: dict[str, Contender] = {}
    for who, contender in contenders.items():
        working = dict(contender.calls)
        for name in calls:
            if name not in working:
                continue
            try:
                for _ in range(2):
                    check(name, run(contender, name, data.batch(name, 1), runner)[0])
            except Exception as error:
                del working[name]
                notes.append(f"{who}, {name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
        kept[who] = Contender(working, contender.is_async, contender.is_concurrent, contender.end_thread)
    return kept


def check(name: str, result: object) -> None:
    """Raise `AssertionError` if a call returned too few or too many rows: all are to do the same work."""
    expected = CALLS[name].length
    rows: object = getattr(result, "items", None) if issubclass(type(result), Page | CursorPage) else result
    if expected is not None and isinstance(rows, Sized):
        assert len(rows) == expected, f"{len(rows)} rows, expected {expected}"


def run(contender: Contender, name: str, batch: Sequence[Ids], runner: asyncio.Runner) -> tuple[object, float, float]:
    """Return the last result, and the seconds and the CPU seconds of this process that the batch took."""
    call = contender.calls[name]
    if not contender.is_async:
        result: object = None
        started, cpu = time.perf_counter(), time.process_time()
        for ids in batch:
            result = call(ids)
        return result, time.perf_counter() - started, time.process_time() - cpu

    async def awaited() -> tuple[object, float, float]:
        result: object = None
        started, cpu = time.perf_counter(), time.process_time()
        for ids in batch:
            result = await cast("Awaitable[object]", call(ids))
        return result, time.perf_counter() - started, time.process_time() - cpu

    return runner.run(awaited())


def _sample(contender: Contender, name: str, batch: Sequence[Ids], data: Data, runner: asyncio.Runner) -> Sample:
    backends = data.backends()
    before = cpu_seconds(backends)
    _, wall, client = run(contender, name, batch, runner)
    server = cpu_seconds(backends) - before
    return Sample(wall / len(batch), client / len(batch), server / len(batch))
