# Generated from backend/database/sessions/_async.py by `python -m tools.generate_sync`: edit that one.
"""Transactions as blocks: begun on entry, committed or rolled back on exit."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from sqlalchemy import Engine
from sqlmodel import Session

from backend.database.bridge import run_on_session
from backend.database.operations import Operation
from backend.database.sessions.sessions import TransactionSession, open_session, require_no_transaction
from backend.database.sessions.transactions import commit, end_of_savepoint, rollback

_OPERATION: Final = Operation("transaction")


class TransactionBlock:
    """One transaction, to be entered once. Warns if it is never entered, as a coroutine does if it is never awaited."""

    def __init__(self, engine: Engine, *, independent: bool) -> None:
        self._block = _transaction(engine, independent=independent)
        self._is_entered = False

    def __enter__(self) -> Session:
        self._is_entered = True
        return self._block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)

    def __del__(self) -> None:
        if not self._is_entered:
            warnings.warn(
                "transaction() was never entered, so nothing runs in it: use with db.transaction() as session",
                RuntimeWarning,
                stacklevel=2,
            )


@contextmanager
def begin_or_rollback(session: Session, operation: Operation) -> Generator[None]:
    """Begin a transaction and roll it back if the block raises; the block commits."""
    _ = session.begin()
    try:
        yield
    except BaseException as error:
        run_on_session(session, rollback)
        translated = end_of_savepoint(error, operation)
        if translated is error:
            raise
        raise translated from None


@contextmanager
def _transaction(engine: Engine, *, independent: bool) -> Generator[Session]:
    if not independent:
        require_no_transaction(engine, "transaction()", "pass the session on, or say transaction(independent=True)")
    with open_session(engine, TransactionSession) as session, begin_or_rollback(session, _OPERATION):
        yield session
        if session.in_transaction():  # the block may have ended it itself
            run_on_session(session, commit, _OPERATION)
