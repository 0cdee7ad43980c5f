"""The fixtures of the pytest plugin."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from sqlalchemy import MetaData
from sqlmodel import Session, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.database import AsyncDatabase, Database, init_db
from backend.testing.database import async_rolled_back, empty_tables, rolled_back, running_server


@pytest.fixture(scope="session")
def database_metadata() -> MetaData:
    """Return the tables that are created: those of every SQLModel that is imported. Override it for others."""
    return SQLModel.metadata


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Return the URL of this run's server: an embedded one, or a schema of its own on that of TEST_DATABASE_URL."""
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def shared_db(database_url: str, database_metadata: MetaData) -> Iterator[Database]:
    """Return the database of the whole run, with its tables. Tests use `db` or `session`."""
    with Database(database_url) as db:
        init_db(db, database_metadata)
        yield db


@pytest.fixture
def db(shared_db: Database, database_metadata: MetaData) -> Iterator[Database]:
    """Return the database, for a test whose code commits; the tables are emptied after the test."""
    yield shared_db
    empty_tables(shared_db.engine, database_metadata)


@pytest_asyncio.fixture
async def async_db(db: Database, database_url: str) -> AsyncIterator[AsyncDatabase]:  # noqa: ARG001 - it empties
    """Return the asynchronous database, of the test's event loop, as `db`."""
    async with AsyncDatabase(database_url) as async_db:
        yield async_db


@pytest.fixture
def session(shared_db: Database) -> Iterator[Session]:
    """Return a session whose every write is rolled back after the test."""
    with rolled_back(shared_db) as session:
        yield session


@pytest_asyncio.fixture
async def async_session(shared_db: Database, database_url: str) -> AsyncIterator[AsyncSession]:  # noqa: ARG001 - it makes them
    """Return an asynchronous session whose every write is rolled back after the test."""
    async with AsyncDatabase(database_url) as async_db, async_rolled_back(async_db) as session:
        yield session
