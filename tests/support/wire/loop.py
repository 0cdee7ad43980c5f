"""The thread of a proxy."""

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Loop:
    """One thread that serves sockets, then timers, then calls from other threads."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_numbers = itertools.count()
        self._calls: deque[Callable[[], None]] = deque()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="wire proxy", daemon=True)
        self._stopping = False
        self._failure: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes every socket it served. Raises what had stopped it before."""

        def stop() -> None:
            self._stopping = True

        self.call(stop)
        self._thread.join()
        self._selector.close()
        self._wake.close()
        if self._failure:
            raise self._failure

    def watch(self, on: socket.socket, events: int, handler: Callable[[int], None]) -> None:
        """Calls the handler at these events instead of those before; none ends it."""
        known = on in self._selector.get_map()
        if events and known:
            self._selector.modify(on, events, handler)
        elif events:
            self._selector.register(on, events, handler)
        elif known:
            self._selector.unregister(on)

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._timer_numbers), function))

    def call(self, function: Callable[[], T]) -> T:
        """Runs a function in the thread, after what had arrived before, up to 64 KiB of each socket."""
        if not self._thread.is_alive():
            return function()
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except Exception as failure:
                future.set_exception(failure)

        self._calls.append(run)
        self._wake.send(b"\0")
        return future.result(timeout=30)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except Exception as failure:
            self._failure = failure
        finally:
            for key in list(self._selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()

    def _turn(self) -> None:
        timeout = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        calls = 0
        for key, events in self._selector.select(timeout):
            if key.fileobj is self._woken:
                calls = len(self._woken.recv(4096))
            else:
                key.data(events)
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()
        for _ in range(calls):
            self._calls.popleft()()
