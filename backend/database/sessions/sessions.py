"""The sessions that a database opens: SQLModel's, which record the open transactions of the running thread or task."""

from sqlalchemy import Engine
from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from backend.database.connections.loops import require_own_loop
from backend.database.failures.messages import shared_session
from backend.database.sessions.state import ensure_state, forget_writes, is_in_transaction
from backend.errors import UsageError, described, with_article


class DatabaseSession(Session):
    """A session whose transactions are recorded. It refuses to begin one on an engine in AUTOCOMMIT, which has none."""

    @override
    def begin(self, nested: bool = False) -> SessionTransaction:
        """Begin a transaction, or a savepoint in it.

        Raises `UsageError` for a savepoint outside a transaction, and in a second event loop.
        """
        if isinstance(self.bind, Engine):
            require_own_loop(self.bind)
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
        if not _holds_anything(self):
            return
        try:
            super().close()
        except IllegalStateChangeError:
            ensure_state(self).close_was_refused = True
            raise UsageError(shared_session("close()")) from None


class TransactionSession(DatabaseSession):
    """The session of one transaction of `transaction()` or `run()`: after its end it takes no calls."""


class _AsyncSession(AsyncSession):
    """The asynchronous session. SQLAlchemy closes it in another task, where the exception that left the block is not
    visible; it is recorded here first. A session that holds nothing needs no task, nor a greenlet."""

    @override
    async def close(self) -> None:
        if _holds_anything(self.sync_session):
            await super().close()

    @override
    async def __aexit__(self, type_: object, value: object, traceback: object) -> None:
        if value is not None:
            forget_writes(self.sync_session)
        if _holds_anything(self.sync_session):
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
    if is_in_transaction(own):
        raise UsageError(f"{call} within a transaction of the same database: {remedy}")


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


def _holds_anything(session: PlainSession) -> bool:
    """Return whether there is anything to close: a transaction, or instances."""
    return session.in_transaction() or len(session.identity_map) > 0 or bool(session.new)


def _is_to_be_entered(value: object) -> bool:
    """Return whether the value is a context manager that may return a session, and not a database."""
    return not hasattr(value, "session") and (hasattr(value, "__enter__") or hasattr(value, "__aenter__"))
