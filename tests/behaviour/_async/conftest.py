"""Sessions of the database under test, whose every byte passes the wire proxy."""

from collections.abc import AsyncGenerator, Generator

import pytest
from sqlalchemy import Engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from tests.behaviour._async.cases import CASES, Case, Rows
from tests.support.models.bulk import METADATA
from tests.support.wire import WireProxy


@pytest.fixture
async def database(proxy: WireProxy, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    async with AsyncDatabase(proxy.url) as database:
        await database.ping()
        yield database


@pytest.fixture
async def session(database: AsyncDatabase) -> AsyncGenerator[AsyncSession]:
    async with database.session() as session:
        yield session


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found = request.param
    assert isinstance(found, Case)
    return found


@pytest.fixture
async def rows(session: AsyncSession, case: Case) -> Rows:
    """The rows of owner a: none yet."""
    return await case.rows(session)


@pytest.fixture
def bulk_tables(clean: Engine) -> Generator[Engine]:
    """The tables of `models/bulk`, empty."""
    METADATA.create_all(clean)
    yield clean
    METADATA.drop_all(clean)
