"""A database behind the wire proxy with one row, and the sessions of the behaviour suite."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import create_async_engine

from backend import AsyncDatabase
from tests.behaviour._async.conftest import database, session
from tests.faults._async.fault_matrix import Stage, new_row, url_of
from tests.support.wire import WireProxy

__all__ = ["database", "session"]


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
