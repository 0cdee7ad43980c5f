"""Calls the work of a run, and refuses a result that would run after the transaction, such as a generator."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from typing_extensions import TypeVar

from backend.errors import UsageError

T = TypeVar("T")
SessionT = TypeVar("SessionT", bound=Session)
AsyncSessionT = TypeVar("AsyncSessionT", bound=AsyncSession)

_GENERATOR_MESSAGE: Final = (
    "the work of run() returned a generator, which would run after its transaction: return a list"
)


def call_work(work: Callable[[SessionT], T], session: SessionT) -> T:
    """Return `work(session)`. Raises `UsageError` for work that is `async` or a generator."""
    result = work(session)
    if inspect.iscoroutine(result):
        result.close()
    if inspect.isawaitable(result):
        raise UsageError("the work of run() is async, expected a function that returns its result: use AsyncDatabase")
    return _refuse_generator(result)


async def async_call_work(work: Callable[[AsyncSessionT], Awaitable[T]], session: AsyncSessionT) -> T:
    """Return `await work(session)`. Raises `UsageError` for work that is not `async`, or a generator."""
    result = work(session)
    if not inspect.isawaitable(_refuse_generator(result)):
        raise UsageError("the work of run() is not async: use async def, or Database")
    return _refuse_generator(await result)


def _refuse_generator(result: T) -> T:
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise UsageError(_GENERATOR_MESSAGE)
    return result
