"""Calls a second with several threads, or tasks for asynchronous contenders."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from benchmarks.compare.calls import Contender, Ids, Target
from benchmarks.compare.data import Data
from benchmarks.compare.results import Cell, compared
from benchmarks.compare.rounds import Advance, opened

_WARM_UP = 3


def throughput(
    names: Sequence[str],
    target: Target,
    data: Data,
    *,
    call: str,
    workers: Sequence[int],
    seconds: float,
    rounds: int,
    advance: Advance,
) -> Mapping[str, Mapping[str, Cell]]:
    """Return how often a second the contenders make this call with so many workers."""
    found: dict[str, dict[str, list[float]]] = {str(number): {} for number in workers}
    for _ in range(rounds):
        for number in workers:
            for who in names:
                with opened([who], target) as contenders:
                    contender = contenders[who]
                    if contender.is_concurrent and call in contender.calls:
                        ids = data.batch(call, number)
                        rate = (_by_tasks if contender.is_async else _by_threads)(contender, call, ids, seconds, target)
                        found[str(number)].setdefault(who, []).append(rate)
                advance()
    return {f"{call}, {number} at once": compared(rates, "psycopg") for number, rates in found.items()}


def _by_threads(contender: Contender, name: str, batch: Sequence[Ids], seconds: float, _: Target) -> float:
    call = contender.calls[name]
    ready = threading.Barrier(len(batch))

    def work(ids: Ids) -> tuple[int, float, float]:
        try:
            for _ in range(_WARM_UP):
                call(ids)
            ready.wait()
            calls, started = 0, time.perf_counter()
            while time.perf_counter() < started + seconds:
                call(ids)
                calls += 1
            return calls, started, time.perf_counter()
        finally:
            contender.end_thread()

    with ThreadPoolExecutor(len(batch)) as pool:
        return _rate(list(pool.map(work, batch)))


def _by_tasks(contender: Contender, name: str, batch: Sequence[Ids], seconds: float, target: Target) -> float:
    call = contender.calls[name]

    async def work(ids: Ids) -> tuple[int, float, float]:
        for _ in range(_WARM_UP):
            await cast("Awaitable[object]", call(ids))
        calls, started = 0, time.perf_counter()
        while time.perf_counter() < started + seconds:
            await cast("Awaitable[object]", call(ids))
            calls += 1
        return calls, started, time.perf_counter()

    async def all_of_them() -> list[tuple[int, float, float]]:
        return await asyncio.gather(*map(work, batch))

    return _rate(target.runner.run(all_of_them()))


def _rate(found: Sequence[tuple[int, float, float]]) -> float:
    return sum(calls for calls, _, _ in found) / (max(end for _, _, end in found) - min(start for _, start, _ in found))
