"""Transactions as blocks: begun on entry, committed or rolled back on exit."""

import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.database.bridge import async_run_on_session
from backend.database.operations import Operation
from backend.database.sessions.sessions import TransactionSession, async_open_session, require_no_transaction
from backend.database.sessions.transactions import commit, end_of_savepoint, rollback

_OPERATION: Final = Operation("transaction")


class AsyncTransactionBlock:
    """One transaction, to be entered once. Warns if it is never entered, as a coroutine does if it is never awaited."""

    def __init__(self, engine: AsyncEngine, *, independent: bool) -> None:
        self._block = _transaction(engine, independent=independent)
        self._is_entered = False

    async def __aenter__(self) -> AsyncSession:
        self._is_entered = True
        return await self._block.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._block.__aexit__(kind, error, trace)

    def __del__(self) -> None:
        if not self._is_entered:
            warnings.warn(
                "transaction() was never entered, so nothing runs in it: use async with db.transaction() as session",
                RuntimeWarning,
                stacklevel=2,
            )


@asynccontextmanager
async def begin_or_rollback(session: AsyncSession, operation: Operation) -> AsyncGenerator[None]:
    """Begin a transaction and roll it back if the block raises; the block commits."""
    _ = await session.begin()
    try:
        yield
    except BaseException as error:
        await async_run_on_session(session, rollback)
        translated = end_of_savepoint(error, operation)
        if translated is error:
            raise
        raise translated from None


@asynccontextmanager
async def _transaction(engine: AsyncEngine, *, independent: bool) -> AsyncGenerator[AsyncSession]:
    if not independent:
        require_no_transaction(engine, "transaction()", "pass the session on, or say transaction(independent=True)")
    async with async_open_session(engine, TransactionSession) as session, begin_or_rollback(session, _OPERATION):
        yield session
        if session.in_transaction():  # the block may have ended it itself
            await async_run_on_session(session, commit, _OPERATION)
