"""Cancels a task at its k-th wait: at each one, if k goes on from 1 until the work is done before it is reached."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Moment = Literal["as it waits", "as it wakes", "twice"]
"""Before what is waited for has come; when it has come and the task has not run yet; at this wait and the next."""


async def each_cancellation(
    work: Callable[[], Coroutine[Any, Any, object]], moment: Moment
) -> AsyncGenerator["asyncio.Task[object]"]:
    """The ended tasks of the work: cancelled at its first wait, at its second, … until one was not cancelled any more.

    An error of the work is raised. The last task is not yielded.
    """
    for wait in itertools.count(1):
        task = asyncio.create_task(_cancelled_at(work(), wait, moment))
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
            assert wait > 1, "the work never waited"
            return
        yield task


async def _cancelled_at(work: Coroutine[Any, Any, T], wait: int, moment: Moment) -> T:
    return await _driven(work, wait, moment)


@coroutine
def _driven(work: Coroutine[Any, Any, T], wait: int, moment: Moment) -> Generator[Any, Any, T]:
    task = asyncio.current_task()
    assert task is not None
    error: BaseException | None = None
    for number in itertools.count(1):
        try:
            waited = work.send(None) if error is None else work.throw(error)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            error = None  # else the error would hold itself, and the sockets of its frames with it
        if number == wait or (moment == "twice" and number == wait + 1):
            _cancel(task, waited if moment == "as it wakes" else None)
        try:
            yield waited
        except BaseException as thrown:
            error = thrown
    raise AssertionError("a count ended")


def _cancel(task: "asyncio.Task[Any]", after: "asyncio.Future[Any] | None") -> None:
    """Cancels the task, now or when what it waits for has come."""

    def cancel(_: "asyncio.Future[Any]") -> None:
        task.cancel()

    if after is None:  # `sleep(0)` waits for nothing
        task.cancel()
    else:
        after.add_done_callback(cancel)
