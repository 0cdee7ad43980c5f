"""Creates missing tables. No migrations: existing tables are not changed."""

from collections.abc import Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import overload

import psycopg
from sqlalchemy import Engine, MetaData, Table, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

from backend.database._async import AsyncDatabase
from backend.database._sync import Database
from backend.database.bridge import async_run_on_engine, run_on_engine
from backend.database.connections.checkout import may_switch_mode
from backend.database.connections.loops import require_own_loop
from backend.database.engine import create_async_direct_engine, create_direct_engine
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.database.sessions.transactions import commit_or_rollback
from backend.errors import RepositoryError, UsageError, described

_LOCK = 0x7265706F7369746F
"""The advisory lock that lets one process at a time create tables: the ASCII codes of "reposito"."""

_INIT_DB = Operation("init_db")


@overload
def init_db(database: Database, metadata: MetaData = ...) -> None: ...
@overload
def init_db(database: AsyncDatabase, metadata: MetaData = ...) -> Coroutine[object, object, None]: ...
def init_db(
    database: Database | AsyncDatabase, metadata: MetaData = SQLModel.metadata
) -> Coroutine[object, object, None] | None:
    """Create the missing tables of every table model that has been imported; await it with an `AsyncDatabase`.

    One transaction under an advisory lock, so any number of processes may call it at once, and any number of times. It
    runs past a pooler: on DATABASE_URL_DIRECT, or on the compute of Neon's pooled host, with a connection of its own;
    on an engine that you passed, where that leads.

    Raises the errors of a connect, a statement or a commit: `ConnectError`, `ConnectionLostError`,
    `OutcomeUnknownError`, `DatabaseError`, …
    """
    if not isinstance(database, Database | AsyncDatabase):  # pyright: ignore[reportUnnecessaryIsInstance]  # for untyped callers
        raise UsageError(f"init_db takes a Database or an AsyncDatabase, got {described(database)}: pass the database")
    if isinstance(database, AsyncDatabase):
        return _async_init(database.engine, metadata)
    _init(database.engine, metadata)
    return None


def create_tables(database: Database, tables: Sequence[Table]) -> None:
    """Create those of these tables that are missing, as `init_db` does: one transaction for each metadata."""
    for metadata in dict.fromkeys(table.metadata for table in tables):
        _init(database.engine, metadata, [table for table in tables if table.metadata is metadata])


def _init(engine: Engine, metadata: MetaData, tables: Sequence[Table] | None = None) -> None:
    direct = create_direct_engine(engine)
    try:
        run_on_engine(direct or engine, _create_missing, metadata, tables)
    finally:
        if direct is not None:
            direct.dispose()


async def _async_init(engine: AsyncEngine, metadata: MetaData) -> None:
    direct = create_async_direct_engine(engine)
    try:
        await async_run_on_engine(direct or engine, _create_missing, metadata)
    finally:
        if direct is not None:
            await direct.dispose()


def _create_missing(engine: Engine, metadata: MetaData, tables: Sequence[Table] | None = None) -> None:
    require_own_loop(engine)
    with translate_errors(_INIT_DB, "connect"):
        connection = engine.connect()
    with connection:
        if may_switch_mode(connection):
            connection.execution_options(isolation_level="READ COMMITTED")
        transaction = connection.get_transaction() or connection.begin()
        with commit_or_rollback(transaction, _INIT_DB), _with_server_message(), translate_errors(_INIT_DB, "statement"):
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            metadata.create_all(connection, tables)


@contextmanager
def _with_server_message() -> Generator[None]:
    """Add the server's message to the error of a CREATE: a new table has no rows that it could show."""
    try:
        yield
    except RepositoryError as error:
        driver = error.driver_error.orig if isinstance(error.driver_error, DBAPIError) else None
        if not isinstance(driver, psycopg.Error) or not driver.diag.message_primary:
            raise
        with_message = type(error)(f"{error}: {driver.diag.message_primary}", error.details)
        with_message.driver_error = error.driver_error
        raise with_message from None
