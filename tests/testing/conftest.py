"""The fixtures of the plugin, on the server of the suite."""

from collections.abc import AsyncGenerator, Iterator

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase, Database
from tests.conftest import Server
from tests.support.models import bulk
from tests.testing import medals


@pytest.fixture
def db(direct: Database, clean: Engine) -> Database:
    return direct


@pytest.fixture
async def async_db(server: Server, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    async with AsyncDatabase(server.url) as database:
        yield database


@pytest.fixture
def odd_tables(clean: Engine) -> Iterator[None]:
    """The tables of `medals` and of `Seat`, empty."""
    seat = bulk.METADATA.tables["seat"]
    medals.METADATA.create_all(clean)
    seat.create(clean)
    yield
    seat.drop(clean)
    medals.METADATA.drop_all(clean)
