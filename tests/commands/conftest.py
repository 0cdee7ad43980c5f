"""An operator, and databases of their own on the server of this run."""

from collections.abc import Iterator

import pytest

from tests.conftest import Server
from tests.support.operator import Operator, new_database


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    return Operator(tmp_path_factory.mktemp("operator"))


@pytest.fixture
def new_url(server: Server) -> Iterator[str]:
    """The URL of a database that has no tables yet."""
    with new_database(server.url) as url:
        yield url
