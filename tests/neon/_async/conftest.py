"""An imitation of Neon in front of the server of this run, and an empty database."""

from collections.abc import AsyncGenerator, Iterator

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase
from tests.conftest import Server
from tests.support.neon import Neon


@pytest.fixture(scope="module")
def neon(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neon]:
    with Neon(server.upstream, tmp_path_factory.mktemp("neon")) as running:
        yield running


@pytest.fixture
async def database(neon: Neon, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    """The project's database, with one connection open."""
    async with AsyncDatabase(neon.url) as database:
        await database.ping()
        yield database
