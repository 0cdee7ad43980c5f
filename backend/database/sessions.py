"""The sessions that a database opens: SQLModel's, which note for the context they run in that a transaction is open."""

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

from backend.database.checkout import is_autocommit
from backend.database.messages import shared_session
from backend.database.transactions import abandon, join
from backend.errors import UsageError, described, with_article

_KEY: Final = "backend.noted"
_CLOSED_IN_USE: Final = "backend.closed_in_use"


@dataclass(slots=True, eq=False)
class _OpenTransaction:
    """A transaction of one session; a task that outlives it keeps the note, so the note says when it ended."""

    session: ReferenceType[Session]
    runner: object
    is_open: bool = True

    def is_on(self, engine: Engine) -> bool:
        """Whether it is open on the engine's pool: an engine of its options has the same."""
        session = self.session()
        if not self.is_open or session is None or self.runner != _current_task():
            return False
        if not session.in_transaction():  # its end was an error, of a listener of the application's
            return False
        return isinstance(session.bind, Engine) and session.bind.pool is engine.pool


_open_transactions: ContextVar[tuple[_OpenTransaction, ...]] = ContextVar("backend_transactions", default=())


class DatabaseSession(Session):
    """A session whose transactions are noted; in AUTOCOMMIT, where there are none, it refuses to begin."""

    @override
    def begin(self, nested: bool = False) -> SessionTransaction:
        """Begin a transaction, or a savepoint in it. Raises `UsageError` for a savepoint where there is none."""
        if nested and not self.in_transaction():
            raise UsageError(
                "begin_nested() outside a transaction, so nothing would commit it: call session.begin() first, "
                "or use db.transaction()"
            )
        return super().begin(nested)

    @override
    def commit(self) -> None:
        """Commit the transaction. Raises `UsageError` outside of one, where there is nothing to commit."""
        if not self.in_transaction():
            raise UsageError(
                "commit() on a session that is in no transaction: each repository call is durable when it returns, "
                "and statements of your own go into with session.begin():"
            )
        super().commit()

    @override
    def close(self) -> None:
        """Close the session. Raises `UsageError` while another task or thread connects it: the call there closes it."""
        try:
            super().close()
        except IllegalStateChangeError:
            self.info[_CLOSED_IN_USE] = True
            raise UsageError(shared_session("close()")) from None


class TransactionSession(DatabaseSession):
    """The session of one transaction of `transaction()` or `run()`: after its end it takes no calls."""


class _AsyncSession(AsyncSession):
    """A session of the asynchronous database: it closes on a task of its own, which sees no error that ends it."""

    @override
    async def __aexit__(self, type_: object, value: object, traceback: object) -> None:
        if value is not None:
            abandon(self.sync_session)
        await super().__aexit__(type_, value, traceback)


def open_session(engine: Engine, kind: type[DatabaseSession] = DatabaseSession) -> Session:
    """A session on the engine that begins nothing by itself."""
    return kind(engine, autobegin=False, expire_on_commit=False)


def async_open_session(engine: AsyncEngine, kind: type[DatabaseSession] = DatabaseSession) -> AsyncSession:
    """`open_session`, awaited."""
    return _AsyncSession(engine, sync_session_class=kind, autobegin=False, expire_on_commit=False)


def require_no_transaction(engine: Engine | AsyncEngine, call: str, remedy: str) -> None:
    """Raise `UsageError` where the running thread or task is in a transaction of a session of this engine's."""
    own = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    if any(opened.is_on(own) for opened in _open_transactions.get()):
        raise UsageError(f"{call} within a transaction of the same database: {remedy}")


def require_not_closed(session: PlainSession, work: object) -> None:
    """Close a session that could not be closed while it was connecting. Raises `UsageError` then."""
    if session.info.pop(_CLOSED_IN_USE, False):
        session.close()
        raise UsageError(shared_session(str(work)))


def check_session(repository: str, session: object, kind: type[Session | AsyncSession]) -> None:
    """Raise `UsageError` for what is no session of this kind, be it SQLModel's own or a plain one of SQLAlchemy's."""
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
    """Return whether a value is a context manager that may give a session, and no database."""
    return not hasattr(value, "session") and (hasattr(value, "__enter__") or hasattr(value, "__aenter__"))


def _current_task() -> tuple[int, int, object]:
    """The running process, thread and, in an event loop, task: a fork and a new task have copies of the notes."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop
        task = None
    return os.getpid(), threading.get_ident(), None if task is None else ref(task)


@event.listens_for(DatabaseSession, "after_transaction_create")
def _on_begin(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        opened = session.info[_KEY] = _OpenTransaction(ref(session), _current_task())
        _open_transactions.set(
            (*(one for one in _open_transactions.get() if one.is_open and one.session() is not None), opened)
        )


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
    join(session, connection)
