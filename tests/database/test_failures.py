"""What a commit raises is an error of this package too, and so is a connection that is found closed or refused."""

import pytest
from sqlalchemy import Connection, Engine, event, text

from backend import Database
from backend.errors import ConnectionLostError, CredentialsError, UniqueViolationError
from backend.tasks import TaskCreate, TaskRepository
from tests.conftest import Server
from tests.support.models.suite import ProjectCreate, ProjectRepository
from tests.support.wire import WireProxy
from tests.support.wire.faults import Fault, Refuse


def test_a_deferred_constraint_is_reported_at_commit(clean: Engine, server: Server) -> None:
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


def test_a_write_on_a_connection_that_is_found_closed_was_not_sent(clean: Engine, server: Server) -> None:
    def close(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.close()

    with Database(server.url) as database, database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        tasks.count()
        event.listen(database.engine, "engine_connect", close)
        with pytest.raises(ConnectionLostError) as raised:
            tasks.create(TaskCreate(title="x"))
    assert (raised.value.outcome, raised.value.retryable) == ("not_applied", True)


def test_a_role_that_may_not_connect_is_refused_for_good(proxy: WireProxy) -> None:
    with (
        Database(proxy.url) as database,
        proxy.fault(Fault("connect", Refuse("42501", "no"), times=9)),
        pytest.raises(CredentialsError) as raised,
    ):
        database.ping()
    assert not raised.value.retryable
