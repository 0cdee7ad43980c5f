# Generated from backend/database/retrying/_async.py by `python -m tools.generate_sync`: edit that one.
"""The runs of one piece of work, each in a transaction of a session of its own."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session
from typing_extensions import TypeVar

from backend.database.backoff import Delays, Retry
from backend.database.bridge import on_engine, on_session, pause
from backend.database.failures import Work, translated
from backend.database.retrying.guard import Hold, Isolation
from backend.database.retrying.identity import Receipt, fate_of, receipt_of
from backend.database.retrying.result import on_work
from backend.database.retrying.write_detector import Writes
from backend.database.sessions import TransactionSession, session_of
from backend.database.transactions import commit, end_of_savepoint, rollback
from backend.errors import ConnectionLostError, Facts, OutcomeUnknownError, RepositoryError

T = TypeVar("T")

_WORK: Final = Work("run")


@contextmanager
def uncommitted(session: Session, work: Work) -> Generator[None]:
    """A transaction that the block commits or leaves open, and that is rolled back when the block raises."""
    _ = session.begin()
    try:
        yield
    except BaseException as error:
        on_session(session, rollback)
        made = end_of_savepoint(error, work)
        if made is error:
            raise
        raise made from None


def run_again(engine: Engine, work: Callable[[Session], T], isolation: Isolation | None, retry: Retry) -> T:
    """The result of the first run of the work that is committed. The contract is that of `Database.run`."""
    delays = Delays(retry.within_s)
    left = retry.attempts
    while True:
        left -= 1
        try:
            return _attempt(engine, work, isolation, delays)
        except Exception as error:
            delay_s = delays.next_s() if left > 0 and _may_be_run_again(error) else None
            if delay_s is None:
                raise
        pause(delay_s)


def _attempt(engine: Engine, work: Callable[[Session], T], isolation: Isolation | None, delays: Delays) -> T:
    with session_of(engine, TransactionSession) as session:
        writes = on_session(session, Writes)
        with uncommitted(session, _WORK):
            hold = on_session(session, Hold, isolation)
            result = on_work(work, session)
            on_session(session, hold.release)
            receipt = on_session(session, receipt_of, writes)
            try:
                on_session(session, commit, _WORK)
            except OutcomeUnknownError:
                if receipt is None and writes.possible:  # written by a listener, while it was committed
                    raise
                is_answered = False
            else:
                is_answered = True
    if is_answered or _is_committed(engine, receipt, delays):  # asked when the session holds no connection
        return result
    raise ConnectionLostError("run lost its connection, and nothing was applied: try again", Facts(operation="run"))


def _is_committed(engine: Engine, receipt: Receipt | None, delays: Delays) -> bool:
    """Whether a transaction whose COMMIT got no answer is committed; one without a receipt has written nothing.

    Raises `OutcomeUnknownError` if that cannot be known, or not in time.
    """
    while receipt is not None:
        fate = on_engine(engine, fate_of, receipt)
        if fate in ("committed", "aborted"):
            return fate == "committed"
        delay_s = None if fate == "unknowable" else delays.next_s()
        if delay_s is None:
            raise OutcomeUnknownError(
                "run lost its connection before the answer to COMMIT came, and the database does not say what "
                "became of the transaction: read before trying again",
                Facts(operation="run"),
            )
        pause(delay_s)
    return False


def _may_be_run_again(error: Exception) -> bool:
    """Whether nothing of the work was applied and the same work can succeed; the caller's own errors are looked at."""
    sent = not isinstance(error, DBAPIError) or error.statement is not None or error.connection_invalidated
    made = translated(error, _WORK, "statement" if sent else "connect")
    return isinstance(made, RepositoryError) and made.retryable and made.outcome == "not_applied"
