"""The database that an application uses: engine, sessions, transactions. Nothing connects before the first use."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypeVar

from backend.database.bridge import async_run_on_engine
from backend.database.connections.backoff import DEFAULT_RETRY, Retry
from backend.database.connections.checkout import connect_autocommit, switch_to_autocommit
from backend.database.connections.forking import register_engine
from backend.database.engine import create_async_engine, wrong_target
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.database.retrying._async import run_with_retry
from backend.database.retrying.guard import Isolation
from backend.database.sessions._async import AsyncTransactionBlock
from backend.database.sessions.sessions import async_open_session, require_no_transaction
from backend.errors import UsageError, described
from backend.settings import Settings

T = TypeVar("T")

_PING = select(literal(1))


class AsyncDatabase:
    """One database: from the environment (no argument), a URL, `Settings`, or an engine that you keep.

    As a context manager it closes itself. Raises `SettingsError` for a setting that is missing or malformed.
    """

    def __init__(self, target: str | Settings | AsyncEngine | None = None) -> None:
        if isinstance(target, AsyncEngine):
            register_engine(target)
            self._engine, self._owned = target, False
            return
        if target is None:
            target = Settings.load()
        elif isinstance(target, str):
            target = Settings.from_url(target)
        elif not isinstance(target, Settings):  # pyright: ignore[reportUnnecessaryIsInstance]  # for untyped callers
            raise wrong_target(target)
        self._engine, self._owned = create_async_engine(target), True

    @property
    def engine(self) -> AsyncEngine:
        """Return the SQLAlchemy engine: yours if you passed one, else this database's own."""
        return self._engine

    def session(self) -> AsyncSession:
        """Return a session that begins no transaction by itself: each repository call is its own transaction.

        The caller's own statements need `session.begin()`; calls inside it join that transaction.
        """
        return async_open_session(self._engine)

    def transaction(self, *, independent: bool = False) -> AsyncTransactionBlock:
        """Return a context manager of a session in a transaction: committed at its end, rolled back when it raises.

        After its end the session takes no calls. Raises `UsageError` within a transaction of this database: two
        transactions of one task would not see each other's rows, and could wait for each other for ever;
        `independent=True` begins a second one, on its own connection. Round trips: BEGIN (with the first statement's
        connection), one a call, COMMIT. Warns if it is never entered.

        Raises `FailedTransactionError` if a statement failed and the block swallowed its error;
        `OutcomeUnknownError` if the connection broke before the answer to COMMIT.
        """
        return AsyncTransactionBlock(self._engine, independent=independent)

    async def run(
        self,
        work: Callable[[AsyncSession], Awaitable[T]],
        *,
        isolation: Isolation | None = None,
        retry: Retry = DEFAULT_RETRY,
    ) -> T:
        """Return what `work(session)` returns, once its transaction is committed: run again after a retryable error.

        Each run has its own session and transaction, which the work neither commits nor rolls back. What it does
        outside the database happens again with each run. It must not return a generator, which would run after the
        transaction. It is run again after an error that is `retryable` and has the outcome `"not_applied"`, after
        growing delays with full jitter, within the limits of `retry`. `isolation` is that of its transactions, else
        the engine's.

        Round trips of a run: BEGIN, one a call, COMMIT. A transaction that wrote takes one more, which reads its
        id: if the connection breaks before the answer to COMMIT, the database is asked by that id for its status.
        Committed: the result is returned. Rolled back: the work is run again.

        Raises the last run's error; `OutcomeUnknownError` if a lost COMMIT's outcome cannot be known, or not in time;
        `UsageError` within a transaction of this database, and for work that ends its transaction or is not `async`.
        """
        require_no_transaction(self._engine, "run()", "it makes its own, so call it outside of the block")
        if not isinstance(retry, Retry):  # pyright: ignore[reportUnnecessaryIsInstance]  # for untyped callers
            raise UsageError(f"retry is {described(retry)}, expected a Retry: retry=Retry(attempts=…)")
        return await run_with_retry(self._engine, work, isolation, retry)

    async def ping(self) -> None:
        """Return when the server has answered: one round trip on an open connection. Call it at start.

        Raises `ConnectError` (credentials refused, unknown database, no server), `PoolTimeoutError`.
        """
        await async_run_on_engine(self._engine, _ping)

    async def close(self) -> None:
        """Close the pool's connections, but not those of an engine that you passed. The database can be used again."""
        if self._owned:
            await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _ping(engine: Engine) -> None:
    operation = Operation("ping", writes=False)
    with translate_errors(operation, "connect"):
        connection = connect_autocommit(engine)
    with connection, translate_errors(operation, "statement"):
        switch_to_autocommit(connection)
        connection.execute(_PING)
