"""Many at once: 16 threads, or 200 tasks."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def is_within(thread: int | None, function: str) -> bool:
    """Whether the thread, given by its identifier, runs a function of this name: where it waits.

    No frame gets a name here: it would be in a cycle with the one of this function, and keep alive what it refers to.
    """
    if thread not in sys._current_frames():  # pyright: ignore[reportPrivateUsage]  # documented
        return False
    return sys._current_frames()[thread].f_code.co_name == function  # pyright: ignore[reportPrivateUsage]  # as above


class Callers:
    """Threads that begin together."""

    SIZE = 16

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._barrier = threading.Barrier(size, timeout=60)

    def wait_for_all(self) -> None:
        """Waits until all of them are here."""
        self._barrier.wait()

    def run(self, work: Callable[[int], T]) -> Sequence[T]:
        """What `work(number)` returns in each. Raises the first error."""
        with ThreadPoolExecutor(self._size) as pool:
            return [future.result() for future in [pool.submit(work, number) for number in range(self._size)]]


class AsyncCallers:
    """`Callers`, of tasks."""

    SIZE = 200

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._barrier = asyncio.Barrier(size)

    async def wait_for_all(self) -> None:
        """Waits until all of them are here."""
        async with asyncio.timeout(30):
            await self._barrier.wait()

    async def run(self, work: Callable[[int], Awaitable[T]]) -> Sequence[T]:
        """What `work(number)` returns in each. Raises the first error."""
        return await asyncio.gather(*[work(number) for number in range(self._size)])
