# Generated from tests/neon/_async/conftest.py by `python -m tools.generate_sync`: edit that one.
"""An imitation of Neon in front of the server of this run, and an empty database."""

from collections.abc import Generator, Iterator

import pytest
from sqlalchemy import Engine

from backend import Database
from tests.conftest import Server
from tests.support.neon import Neon


@pytest.fixture(scope="module")
def neon(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neon]:
    with Neon(server.upstream, tmp_path_factory.mktemp("neon")) as running:
        yield running


@pytest.fixture
def database(neon: Neon, clean: Engine) -> Generator[Database]:
    """The project's database, with one connection open."""
    with Database(neon.url) as database:
        database.ping()
        yield database
