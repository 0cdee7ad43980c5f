"""Sessions of the database under test, whose every byte passes the wire proxy."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase
from tests.behaviour._async.cases import CASES, Case
from tests.behaviour._async.faulted import Stage, new_row, url_of
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
async def stage(proxy: WireProxy, clean: Engine) -> AsyncGenerator[Stage]:
    """One row, and a database behind the proxy that has one connection open."""
    async with AsyncDatabase(url_of(proxy)) as database:
        await database.ping()
        yield Stage(database, proxy, clean, new_row(clean))


@pytest.fixture
async def strict(proxy: WireProxy, clean: Engine) -> AsyncGenerator[Stage]:
    """A stage whose engine the caller made, at SERIALIZABLE."""
    engine = create_async_engine(url_of(proxy), isolation_level="SERIALIZABLE", use_native_hstore=False)
    database = AsyncDatabase(engine)
    await database.ping()
    yield Stage(database, proxy, clean, new_row(clean))
    await engine.dispose()
