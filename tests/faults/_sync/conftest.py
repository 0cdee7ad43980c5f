# Generated from tests/faults/_async/conftest.py by `python -m tools.generate_sync`: edit that one.
"""A database behind the wire proxy with one row, and the sessions of the behaviour suite."""

from collections.abc import Generator

import pytest
from sqlalchemy import Engine, create_engine

from backend import Database
from tests.behaviour._sync.conftest import database, session
from tests.faults._sync.fault_matrix import Stage, new_row, url_of
from tests.support.wire import WireProxy

__all__ = ["database", "session"]


@pytest.fixture
def stage(proxy: WireProxy, clean: Engine) -> Generator[Stage]:
    """One row, and a database behind the proxy that has one connection open."""
    with Database(url_of(proxy)) as database:
        database.ping()
        yield Stage(database, proxy, clean, new_row(clean))


@pytest.fixture
def strict(proxy: WireProxy, clean: Engine) -> Generator[Stage]:
    """A stage whose engine the caller made, at SERIALIZABLE."""
    engine = create_engine(url_of(proxy), isolation_level="SERIALIZABLE", use_native_hstore=False)
    database = Database(engine)
    database.ping()
    yield Stage(database, proxy, clean, new_row(clean))
    engine.dispose()
