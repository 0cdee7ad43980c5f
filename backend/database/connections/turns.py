"""Pools whose callers get a connection, or the error of their own connect, in the order in which they came.

SQLAlchemy's pool wakes a waiter when a connection comes back, but not when a connect fails: its waiters then sleep
until `pool_timeout_s` is over, although places are free. Here a caller first waits for one of the places, and has it
until its connect fails or its connection comes back; so nobody waits within SQLAlchemy's pool.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from sqlalchemy import AsyncAdaptedQueuePool, Engine, PoolProxiedConnection, QueuePool, event
from sqlalchemy.exc import TimeoutError as PoolTimeout
from typing_extensions import override

from backend.database.bridge import await_on_greenlet

_PLACE: Final = "backend.place"
"""Where the pool's record of a connection in use has what gives its place back."""


class _Record(Protocol):
    """The part of the pool's record that is used here."""

    @property
    def record_info(self) -> dict[Any, Any] | None: ...  # as SQLAlchemy types it


class _Turns:
    """The free places of a pool, and the threads that wait for one."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.RLock()  # a connection that is collected as garbage gives its place back at any time
        self._waiting = deque[threading.Lock]()

    def take(self, timeout_s: float) -> bool:
        """Wait for a place. Return whether there was one in time."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        has_place = False
        try:
            has_place = turn.acquire(timeout=timeout_s)
        finally:
            if not has_place:
                self._leave(turn)
        return has_place

    def give(self) -> None:
        """Give a place back: to the first who waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def _leave(self, turn: threading.Lock) -> None:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:  # its turn came just now
                self.give()


class _AsyncTurns:
    """The free places of a pool, and the tasks that wait for one."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting = deque[asyncio.Future[None]]()

    def take(self, timeout_s: float) -> bool:
        """Wait for a place, on SQLAlchemy's greenlet. Return whether there was one in time."""
        if self._free:
            self._free -= 1
            return True
        return await_on_greenlet(self._wait(timeout_s))

    async def _wait(self, timeout_s: float) -> bool:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except BaseException as error:
            if turn.cancelled():
                with suppress(ValueError):
                    self._waiting.remove(turn)
            else:  # its turn came just now
                self.give()
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def give(self) -> None:
        """Give a place back: to the first who waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class FairPool(QueuePool):
    """SQLAlchemy's pool, with a place for each connection."""

    _make_turns: Callable[[int], _Turns | _AsyncTurns] = _Turns

    @override
    def __init__(
        self,
        creator: Any,  # as SQLAlchemy types it
        pool_size: int = 5,
        max_overflow: int = 10,
        timeout: float = 30.0,
        use_lifo: bool = False,
        **options: Any,  # as SQLAlchemy types them
    ) -> None:
        super().__init__(creator, pool_size, max_overflow, timeout, use_lifo, **options)
        self._turns = self._make_turns(pool_size + max_overflow)
        self._turn_timeout_s = timeout

    @override
    def connect(self) -> PoolProxiedConnection:
        """Return a connection: an open one, or a new one. Raises SQLAlchemy's `TimeoutError` if no place came free."""
        turns = self._turns
        if not turns.take(self._turn_timeout_s):
            raise PoolTimeout("every place of the pool is taken")
        try:
            connection = super().connect()
            if (info := connection.record_info) is not None:
                info[_PLACE] = turns.give
        except BaseException:
            turns.give()
            raise
        return connection


class AsyncFairPool(AsyncAdaptedQueuePool, FairPool):
    """`FairPool`, for tasks."""

    _make_turns: Callable[[int], _Turns | _AsyncTurns] = _AsyncTurns


def install_turn_listeners(engine: Engine) -> None:
    """Install the listeners that give a place back when its connection leaves its user."""
    event.listen(engine, "checkin", _on_return)
    event.listen(engine, "detach", _on_return)


def _on_return(_connection: object, record: _Record) -> None:
    info = record.record_info
    if info and (give := info.pop(_PLACE, None)):
        give()
