# Generated from tests/behaviour/_async/conftest.py by `python -m tools.generate_sync`: edit that one.
"""Sessions of the database under test, whose every byte passes the wire proxy."""

from collections.abc import Generator

import pytest
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from backend import Database
from tests.behaviour._sync.cases import CASES, Case
from tests.behaviour._sync.faulted import Stage, new_row, url_of
from tests.support.wire import WireProxy


@pytest.fixture
def database(proxy: WireProxy, clean: Engine) -> Generator[Database]:
    with Database(proxy.url) as database:
        database.ping()
        yield database


@pytest.fixture
def session(database: Database) -> Generator[Session]:
    with database.session() as session:
        yield session


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found = request.param
    assert isinstance(found, Case)
    return found


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
