"""A database whose every byte passes the wire proxy."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase
from tests.support.wire import WireProxy


@pytest.fixture
async def database(proxy: WireProxy, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    async with AsyncDatabase(proxy.url) as database:
        await database.ping()
        yield database
