"""The database of a test run: its server, its tables, and sessions that are rolled back."""

import os
import secrets
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from psycopg.errors import LockNotAvailable
from sqlalchemy import Engine, MetaData, delete, func, literal, make_url, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateSchema, DropSchema
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.database import AsyncDatabase, Database
from backend.database.sessions.sessions import DatabaseSession
from backend.embedded import EmbeddedServer

_VARIABLE: Final = "TEST_DATABASE_URL"


@contextmanager
def running_server() -> Generator[str]:
    """Start an embedded PostgreSQL; with TEST_DATABASE_URL, make a schema on that server, and drop it at the end.

    Gives the URL. Nothing that was there before is seen or touched.
    """
    if given := os.environ.get(_VARIABLE):
        with _own_schema(given) as url:
            yield url
        return
    with EmbeddedServer() as server:
        yield server.url


@contextmanager
def _own_schema(url: str) -> Generator[str]:
    name = f"test_{secrets.token_hex(6)}"
    parsed = make_url(url)
    options = [*parsed.normalized_query.get("options", ()), f"-csearch_path={name},public"]
    with Database(url) as db:
        with db.engine.begin() as connection:
            connection.execute(CreateSchema(name))
        try:
            yield parsed.update_query_dict({"options": " ".join(options)}).render_as_string(hide_password=False)
        finally:
            with db.engine.begin() as connection:
                connection.execute(DropSchema(name, cascade=True))


def empty_tables(engine: Engine, metadata: MetaData, lock_timeout: str = "5s") -> None:
    """Delete every row of the tables in one statement, whatever refers to what.

    Raises an error that says so if a transaction is still open that has locked a row.
    """
    emptied = [delete(table).cte(f"emptied_{at}") for at, table in enumerate(metadata.tables.values())]
    if not emptied:
        return
    with engine.begin() as connection:
        connection.execute(select(func.set_config("lock_timeout", lock_timeout, True)))
        try:
            connection.execute(select(literal(1)).add_cte(*emptied))
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                error.add_note("a transaction of the test is still open, so its rows cannot be deleted: end it")
            raise


@contextmanager
def rolled_back(db: Database) -> Generator[Session]:
    """Open a session in a transaction that is rolled back: what commits in it ends a savepoint."""
    with db.engine.connect() as connection, connection.begin() as transaction:
        try:
            with DatabaseSession(
                connection, autobegin=False, expire_on_commit=False, join_transaction_mode="create_savepoint"
            ) as session:
                yield session
        finally:
            transaction.rollback()


@asynccontextmanager
async def async_rolled_back(db: AsyncDatabase) -> AsyncGenerator[AsyncSession]:
    """Open the asynchronous session, as `rolled_back` does."""
    async with db.engine.connect() as connection, connection.begin() as transaction:
        try:
            async with AsyncSession(
                connection,
                sync_session_class=DatabaseSession,
                autobegin=False,
                expire_on_commit=False,
                join_transaction_mode="create_savepoint",
            ) as session:
                yield session
        finally:
            await transaction.rollback()
