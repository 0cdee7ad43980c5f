"""What the commit of a transaction raises is an error of this package too."""

import pytest
from sqlalchemy import Engine, text

from backend import Database
from backend.errors import UniqueViolationError
from tests.conftest import Server
from tests.support.entities import ProjectCreate, ProjectRepository


def test_a_constraint_that_waits_for_the_commit_is_told_there(clean: Engine, server: Server) -> None:
    with clean.begin() as connection:
        connection.execute(text("ALTER TABLE project ADD CONSTRAINT late UNIQUE (name) DEFERRABLE INITIALLY DEFERRED"))
    try:
        with (
            Database(server.url) as database,
            pytest.raises(UniqueViolationError) as raised,
            database.transaction() as session,
        ):
            ProjectRepository(session).owned_by("a").create(ProjectCreate(name="x"))
            ProjectRepository(session).owned_by("b").create(ProjectCreate(name="x"))
        assert (raised.value.operation, raised.value.outcome) == ("transaction", "not_applied")
    finally:
        with clean.begin() as connection:
            connection.execute(text("ALTER TABLE project DROP CONSTRAINT late"))
