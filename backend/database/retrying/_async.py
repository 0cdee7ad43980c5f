"""Runs the caller's work until a transaction of it is committed: each attempt has its own session."""

from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypeVar

from backend.database.bridge import async_run_on_engine, async_run_on_session, async_sleep, async_sync_side
from backend.database.connections.backoff import Backoff, Retry
from backend.database.failures.translate import translate_error
from backend.database.operations import Operation
from backend.database.retrying.guard import Isolation, guard_transaction
from backend.database.retrying.identity import TransactionIdentity, commit_status, read_identity
from backend.database.retrying.result import async_call_work
from backend.database.sessions._async import begin_or_rollback
from backend.database.sessions.sessions import TransactionSession, async_open_session
from backend.database.sessions.state import ensure_state
from backend.database.sessions.transactions import commit
from backend.errors import ConnectionLostError, ErrorDetails, OutcomeUnknownError, RepositoryError

T = TypeVar("T")

_OPERATION: Final = Operation("run")


async def run_with_retry(
    engine: AsyncEngine, work: Callable[[AsyncSession], Awaitable[T]], isolation: Isolation | None, retry: Retry
) -> T:
    """Return the result of the first attempt that is committed, as `AsyncDatabase.run` promises."""
    backoff = Backoff(retry.within_s)
    attempt = 0
    while True:
        attempt += 1
        try:
            return await _attempt(engine, work, isolation, backoff, attempt)
        except Exception as error:
            delay_s = backoff.next_delay_s() if attempt < retry.attempts and _is_retryable(error) else None
            if delay_s is None:
                raise
        await async_sleep(delay_s)


async def _attempt(
    engine: AsyncEngine,
    work: Callable[[AsyncSession], Awaitable[T]],
    isolation: Isolation | None,
    backoff: Backoff,
    attempt: int,
) -> T:
    async with async_open_session(engine, TransactionSession) as session:
        state = ensure_state(async_sync_side(session))
        state.attempt, state.may_have_written = attempt, False
        async with begin_or_rollback(session, _OPERATION):
            await async_run_on_session(session, guard_transaction, isolation)
            result = await async_call_work(work, session)
            state.release(async_sync_side(session).get_transaction())
            identity = await async_run_on_session(session, read_identity)
            try:
                await async_run_on_session(session, commit, _OPERATION)
            except OutcomeUnknownError:
                if identity is None and state.may_have_written:  # a listener wrote during the commit
                    raise
                is_answered = False
            else:
                is_answered = True
    # the session has returned its connection
    if is_answered or await _is_committed(engine, identity, backoff):
        return result
    raise ConnectionLostError(
        "run lost its connection, and nothing was applied: try again", ErrorDetails(operation="run")
    )


async def _is_committed(engine: AsyncEngine, identity: TransactionIdentity | None, backoff: Backoff) -> bool:
    """Return whether a transaction whose COMMIT got no answer is committed; without an identity it has written nothing.

    Raises `OutcomeUnknownError` if that cannot be known, or not in time.
    """
    while identity is not None:
        status = await async_run_on_engine(engine, commit_status, identity)
        if status in ("committed", "aborted"):
            return status == "committed"
        delay_s = None if status == "unknowable" else backoff.next_delay_s()
        if delay_s is None:
            raise OutcomeUnknownError(
                "run lost its connection before the answer to COMMIT came, and the database does not say what "
                "became of the transaction: read before trying again",
                ErrorDetails(operation="run"),
            )
        await async_sleep(delay_s)
    return False


def _is_retryable(error: Exception) -> bool:
    """Return whether nothing was applied and the same work can succeed, for errors of the caller's statements too."""
    is_sent = not isinstance(error, DBAPIError) or error.statement is not None or error.connection_invalidated
    translated = translate_error(error, _OPERATION, "statement" if is_sent else "connect")
    return isinstance(translated, RepositoryError) and translated.retryable and translated.outcome == "not_applied"
