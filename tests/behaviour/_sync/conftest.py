# Generated from tests/behaviour/_async/conftest.py by `python -m tools.generate_sync`: edit that one.
"""Sessions of the database under test, whose every byte passes the wire proxy."""

from collections.abc import Generator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from backend import Database
from tests.behaviour._sync.cases import CASES, Case, Rows
from tests.support.models.bulk import METADATA
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
def rows(session: Session, case: Case) -> Rows:
    """The rows of owner a: none yet."""
    return case.rows(session)


@pytest.fixture
def bulk_tables(clean: Engine) -> Generator[Engine]:
    """The tables of `models/bulk`, empty."""
    METADATA.create_all(clean)
    yield clean
    METADATA.drop_all(clean)
