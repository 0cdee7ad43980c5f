"""The command line, and databases of their own on the server of this run."""

from collections.abc import Iterator

import pytest

from tests.conftest import Server
from tests.support.cli import CommandLine, new_database
from tests.support.neon import Neon


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def new_url(server: Server) -> Iterator[str]:
    """The URL of a database that has no tables yet."""
    with new_database(server.url) as url:
        yield url


@pytest.fixture(scope="module")
def neon(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neon]:
    """An imitation of Neon in front of the server of this run."""
    with Neon(server.upstream, tmp_path_factory.mktemp("neon")) as running:
        yield running
