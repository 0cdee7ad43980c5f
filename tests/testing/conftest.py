"""The fixtures of the plugin, on the server of the suite."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase, Database
from tests.conftest import Server


@pytest.fixture
def db(direct: Database, clean: Engine) -> Database:
    return direct


@pytest.fixture
async def async_db(server: Server, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    async with AsyncDatabase(server.url) as database:
        yield database
