# Generated from backend/database/_async.py by `python -m tools.generate_sync`: edit that one.
"""The database as an application sees it: engine, sessions, transactions. Nothing connects before its first use."""

from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, literal, select
from sqlmodel import Session

from backend.database.bridge import on_engine
from backend.database.engine import create_engine
from backend.database.failures import Work, translating
from backend.errors import UsageError
from backend.settings import Settings

_PING = select(literal(1))


class Database:
    """One database: from the environment (no argument), a URL, `Settings`, or an engine that you keep.

    As a context manager it closes itself. Raises `SettingsError` for a setting that is missing or malformed.
    """

    def __init__(self, target: str | Settings | Engine | None = None) -> None:
        if isinstance(target, Engine):
            self._engine, self._owned = target, False
            return
        if target is None:
            target = Settings.load()
        elif isinstance(target, str):
            target = Settings.of_url(target)
        elif not isinstance(target, Settings):  # pyright: ignore[reportUnnecessaryIsInstance]  # for untyped callers
            raise UsageError(f"a database is made of a URL, Settings or an engine, got {type(target).__name__}")
        self._engine, self._owned = create_engine(target), True

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine: yours if you gave one, else this database's own."""
        return self._engine

    def session(self) -> Session:
        """A session that begins nothing by itself: each repository call is its own transaction.

        The caller's own statements need `session.begin()`; calls inside it join that transaction.
        """
        return Session(self._engine, autobegin=False, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Generator[Session]:
        """A session in a transaction: committed when the block ends, rolled back when it raises.

        Round trips: BEGIN (with the first statement's connection), one a call, COMMIT.

        Raises `FailedTransactionError` if a statement failed and the block swallowed its error;
        `OutcomeUnknownError` if the connection broke before the answer to COMMIT.
        """
        with self.session() as session:
            transaction = session.begin()
            try:
                yield session
            except BaseException:
                transaction.rollback()
                raise
            with translating(Work("transaction"), "commit"):
                transaction.commit()

    def ping(self) -> None:
        """Returns when the server has answered: one round trip on an open connection. Call it at start.

        Raises `ConnectError` (credentials refused, unknown database, no server), `PoolTimeoutError`.
        """
        on_engine(self._engine, _ping)

    def close(self) -> None:
        """Closes the pool's connections. An engine that was given stays as it is. The database can be used again."""
        if self._owned:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _ping(engine: Engine) -> None:
    work = Work("ping", writes=False)
    with translating(work, "connect"):
        connection = engine.connect()
    with connection, translating(work, "statement"):
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(_PING)
