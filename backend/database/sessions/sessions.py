"""The sessions that a database opens: SQLModel's, which record the open transactions of the running thread or task."""

import asyncio
import os
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from weakref import ReferenceType, ref

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from backend.database.connections.checkout import is_autocommit
from backend.database.failures.messages import shared_session
from backend.database.sessions.transactions import forget_writes, track_connection
from backend.errors import UsageError, described, with_article

_KEY: Final = "backend.open_transaction"
_CLOSED_IN_USE: Final = "backend.closed_in_use"


@dataclass(slots=True, eq=False)
class _OpenTransaction:
    """A transaction of one session. A task may keep this record longer, so it says whether the transaction is open."""

    session: ReferenceType[Session]
    task: object
    is_open: bool = True

    def is_on(self, engine: Engine) -> bool:
        """Return whether it is open on the engine's pool, which engines made by `execution_options` share."""
        session = self.session()
        if not self.is_open or session is None or self.task != _current_task():
            return False
        if not session.in_transaction():  # a listener of the application raised when it ended
            return False
        return isinstance(session.bind, Engine) and session.bind.pool is engine.pool


_open_transactions: ContextVar[tuple[_OpenTransaction, ...]] = ContextVar("backend_transactions", default=())


class DatabaseSession(Session):
    """A session whose transactions are recorded. It refuses to begin one on an engine in AUTOCOMMIT, which has none."""

    @override
    def begin(self, nested: bool = False) -> SessionTransaction:
        """Begin a transaction, or a savepoint in it. Raises `UsageError` for a savepoint outside a transaction."""
        if nested and not self.in_transaction():
            raise UsageError(
                "begin_nested() outside a transaction, so nothing would commit it: call session.begin() first, "
                "or use db.transaction()"
            )
        return super().begin(nested)

    @override
    def commit(self) -> None:
        """Commit the transaction. Raises `UsageError` outside a transaction, where there is nothing to commit."""
        if not self.in_transaction():
            raise UsageError(
                "commit() on a session that is in no transaction: each repository call is durable when it returns, "
                "and statements of your own go into with session.begin():"
            )
        super().commit()

    @override
    def close(self) -> None:
        """Close the session. Raises `UsageError` while another task or thread connects it: that call closes it then."""
        try:
            super().close()
        except IllegalStateChangeError:
            self.info[_CLOSED_IN_USE] = True
            raise UsageError(shared_session("close()")) from None


class TransactionSession(DatabaseSession):
    """The session of one transaction of `transaction()` or `run()`: after its end it takes no calls."""


class _AsyncSession(AsyncSession):
    """The asynchronous session. SQLAlchemy closes it in another task, where the exception that left the block is not
    visible; it is recorded here first."""

    @override
    async def __aexit__(self, type_: object, value: object, traceback: object) -> None:
        if value is not None:
            forget_writes(self.sync_session)
        await super().__aexit__(type_, value, traceback)


def open_session(engine: Engine, kind: type[DatabaseSession] = DatabaseSession) -> Session:
    """Return a session on the engine that begins no transaction by itself."""
    return kind(engine, autobegin=False, expire_on_commit=False)


def async_open_session(engine: AsyncEngine, kind: type[DatabaseSession] = DatabaseSession) -> AsyncSession:
    """Return the asynchronous session, as `open_session` does."""
    return _AsyncSession(engine, sync_session_class=kind, autobegin=False, expire_on_commit=False)


def require_no_transaction(engine: Engine | AsyncEngine, call: str, remedy: str) -> None:
    """Raise `UsageError` if the running thread or task is in a transaction of a session on this engine."""
    own = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    if any(transaction.is_on(own) for transaction in _open_transactions.get()):
        raise UsageError(f"{call} within a transaction of the same database: {remedy}")


def require_not_closed(session: PlainSession, operation: object) -> None:
    """Close a session whose `close()` was refused while it was connecting, and raise `UsageError` then."""
    if session.info.pop(_CLOSED_IN_USE, False):
        session.close()
        raise UsageError(shared_session(str(operation)))


def check_session(repository: str, session: object, kind: type[Session | AsyncSession]) -> None:
    """Raise `UsageError` if the object is not a session of this kind, SQLModel's or SQLAlchemy's."""
    is_async = issubclass(kind, AsyncSession)
    if isinstance(session, PlainAsyncSession if is_async else PlainSession):
        return
    database = "an AsyncDatabase" if is_async else "a Database"
    if isinstance(session, PlainSession | PlainAsyncSession):
        hint = f"open one of {database}, or use {'a CRUDRepository' if is_async else 'an AsyncCRUDRepository'}"
    elif _is_to_be_entered(session):
        hint = f"enter it first, {'async ' * is_async}with db.transaction() as session:"
    else:
        hint = f"pass one of db.session(), db.transaction() or db.run() of {database}"
    raise UsageError(f"{repository} takes {with_article(kind)}, got {described(session)}: {hint}")


def _is_to_be_entered(value: object) -> bool:
    """Return whether the value is a context manager that may return a session, and not a database."""
    return not hasattr(value, "session") and (hasattr(value, "__enter__") or hasattr(value, "__aenter__"))


def _current_task() -> tuple[int, int, object]:
    """Return the running process, thread and, in an event loop, task: a fork and a new task inherit the records."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop
        task = None
    return os.getpid(), threading.get_ident(), None if task is None else ref(task)


@event.listens_for(DatabaseSession, "after_transaction_create")
def _on_begin(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        opened = session.info[_KEY] = _OpenTransaction(ref(session), _current_task())
        earlier = (other for other in _open_transactions.get() if other.is_open and other.session() is not None)
        _open_transactions.set((*earlier, opened))


@event.listens_for(DatabaseSession, "after_transaction_end")
def _on_end(session: Session, transaction: SessionTransaction) -> None:
    opened = session.info.get(_KEY)
    if transaction.parent is None and isinstance(opened, _OpenTransaction):
        opened.is_open = False


@event.listens_for(DatabaseSession, "after_begin")
def _on_begin_connection(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    if is_autocommit(connection):
        raise UsageError(
            "this engine is set to AUTOCOMMIT, where nothing can be undone: "
            "make the database of an engine without that isolation level"
        )
    track_connection(session, connection)
