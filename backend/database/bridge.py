"""The only place where synchronous code runs for an asynchronous caller: on the greenlet that SQLAlchemy provides.

Such code is written once, for `Session` and `Engine`; SQLAlchemy awaits its I/O. Waits without SQLAlchemy (a delay, a
socket of libpq) have a synchronous and an asynchronous form here.
"""

import asyncio
import select
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import coroutine
from typing import Concatenate

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only
from typing_extensions import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_POLL_INTERVAL_S = 0.1
"""Longest single poll: a signal that arrives just before `poll()` does not interrupt it. psycopg uses the same."""


def run_on_session(
    session: Session, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run `work(session, …)`."""
    return work(session, *args, **kwargs)


async def async_run_on_session(
    session: AsyncSession, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run `work(session, …)` with the session's synchronous side."""
    return await _cancelled_where_it_waits(session.run_sync(work, *args, **kwargs))


def sync_side(session: Session) -> Session:
    """Return the session."""
    return session


def async_sync_side(session: AsyncSession) -> Session:
    """Return the synchronous session that runs underneath."""
    return session.sync_session


def run_call(_session: Session, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `call(…)`, which uses the session."""
    return call(*args, **kwargs)


async def async_run_call(session: AsyncSession, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `call(…)`, which uses the session's synchronous side."""
    return await _cancelled_where_it_waits(session.run_sync(run_call, call, *args, **kwargs))


def run_on_engine(engine: Engine, work: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work(engine, …)`."""
    return work(engine, *args, **kwargs)


async def async_run_on_engine(
    engine: AsyncEngine, work: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run `work(engine, …)` with the engine's synchronous side."""
    async with AsyncSession(engine) as session:
        return await async_run_on_session(session, lambda _: work(engine.sync_engine, *args, **kwargs))


@coroutine
def _cancelled_where_it_waits(work: Coroutine[object, object, T]) -> Generator[object, object, T]:
    """Run the work, and deliver a cancellation only while it waits for something: at the next such wait, or after it.

    In a busy event loop psycopg also yields without waiting, even if it only sets an attribute. A cancellation there
    can interrupt SQLAlchemy while it returns a connection, and the pool would never get it back.
    """
    error: BaseException | None = None
    while True:
        try:
            awaited = work.send(None) if error is None else work.throw(error)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            error = None  # else the error would refer to itself, and keep the sockets of its frames open
        try:
            yield awaited
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if awaited is not None or task is None:
                error = cancelled
            else:
                task.uncancel()
                task.cancel(*cancelled.args)
        except BaseException as thrown:
            error = thrown


def await_on_greenlet(work: Awaitable[T]) -> T:
    """Return the result of `work`, for synchronous code that runs for an asynchronous caller."""
    return await_only(work)


def run_blocking(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work(…)`, which blocks."""
    return work(*args, **kwargs)


async def async_run_blocking(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work(…)` in a thread, so that the event loop continues."""
    return await asyncio.to_thread(work, *args, **kwargs)


def wait_for_socket(socket: int, *, to_write: bool, timeout_s: float) -> bool:
    """Return whether the socket can be read from, or written to, before the timeout."""
    poll = select.poll()
    poll.register(socket, select.POLLOUT if to_write else select.POLLIN)
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        if poll.poll(min(left_s, _POLL_INTERVAL_S) * 1000):
            return True
    return False


async def async_wait_for_socket(socket: int, *, to_write: bool, timeout_s: float) -> bool:
    """Wait as `wait_for_socket` does, without blocking the event loop."""
    loop = asyncio.get_running_loop()
    is_ready = asyncio.Event()
    add, remove = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    add(socket, is_ready.set)
    try:
        async with asyncio.timeout(timeout_s):
            await is_ready.wait()
    except TimeoutError:
        return False
    finally:
        remove(socket)
    return True


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


async def async_sleep(seconds: float) -> None:
    """Wait without blocking the event loop."""
    await asyncio.sleep(seconds)
