# Generated from tests/testing/_async/conftest.py by `python -m tools.generate_sync`: edit that one.
"""A database whose every byte passes the wire proxy."""

from collections.abc import Generator

import pytest
from sqlalchemy import Engine

from backend import Database
from tests.support.wire import WireProxy


@pytest.fixture
def database(proxy: WireProxy, clean: Engine) -> Generator[Database]:
    with Database(proxy.url) as database:
        database.ping()
        yield database
