# Generated from tests/behaviour/_async/test_several_statements.py by `python -m tools.generate_sync`: edit that one.
"""A call of several statements in whatever transaction its session is, or may not begin; a row is a statement here."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlmodel import Session

from backend import Database
from backend.errors import ConnectionLostError, InvalidDataError, UsageError
from backend.repository import batches
from backend.tasks import Task, TaskCreate, TaskRepository
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault

NEW = [TaskCreate(title="new"), TaskCreate(title="newer")]
INVALID = [TaskCreate(title="new"), TaskCreate.model_construct(title="")]


@pytest.fixture(autouse=True)
def one_row_a_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_ROWS", 1)


@pytest.fixture
def refusing(clean: Engine) -> Iterator[None]:
    """The table refuses titles of the server's choice, as a trigger of the application's may."""
    with clean.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22023'; END $$"
            )
        )
        connection.execute(text("CREATE TRIGGER refuse BEFORE INSERT ON task FOR EACH ROW EXECUTE FUNCTION refuse()"))
    yield
    with clean.begin() as connection:
        connection.execute(text("DROP TRIGGER refuse ON task"))
        connection.execute(text("DROP FUNCTION refuse"))


def titles(database: Database) -> list[str]:
    with database.session() as session:
        return sorted(row.title for row in TaskRepository(session).every_owner().list())


def test_a_call_that_fails_keeps_the_callers_pending_rows(database: Database) -> None:
    with database.transaction() as session:
        session.add(Task(title="pending", user_id="a"))
        with pytest.raises(InvalidDataError):
            TaskRepository(session).owned_by("a").create_many(INVALID)
    assert titles(database) == ["pending"]


def test_a_session_whose_transaction_has_ended_begins_none(database: Database) -> None:
    with database.transaction() as session:
        pass
    with pytest.raises(UsageError, match="create_many of Task on the session of a transaction that has ended"):
        TaskRepository(session).owned_by("a").create_many(NEW)
    assert titles(database) == []


@pytest.mark.usefixtures("awake")
def test_an_autocommit_engine_is_refused_before_anything_is_sent(proxy: WireProxy, clean: Engine) -> None:
    engine = create_engine(
        make_url(proxy.url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", use_native_hstore=False
    )
    try:
        with engine.connect():
            pass
        with proxy.watch() as seen:
            with Session(engine) as session:
                with pytest.raises(UsageError, match="at AUTOCOMMIT each would commit itself"):
                    TaskRepository(session).owned_by("a").create_many(NEW)
        assert [statement.sql for statement in seen.statements if "INSERT" in statement.sql] == []
    finally:
        engine.dispose()


def test_a_call_on_a_connections_session_ends_as_its_join_mode_says(database: Database) -> None:
    with (
        database.engine.connect() as connection,
        connection.begin(),
        Session(connection, join_transaction_mode="create_savepoint") as session,
    ):
        TaskRepository(session).owned_by("a").create(TaskCreate(title="kept"))
        with pytest.raises(InvalidDataError):
            TaskRepository(session).owned_by("a").create_many(INVALID)
    assert titles(database) == ["kept"]


@pytest.mark.usefixtures("awake")
def test_a_released_savepoint_is_no_commit(database: Database, proxy: WireProxy) -> None:
    lost = Fault("before_statement", Cut(), lambda one: one.sql.startswith("RELEASE"))
    with pytest.raises(ConnectionLostError) as raised, proxy.fault(lost):
        with (
            database.engine.connect() as connection,
            connection.begin(),
            Session(connection, join_transaction_mode="create_savepoint") as session,
        ):
            TaskRepository(session).owned_by("a").create_many(NEW)
    assert raised.value.outcome == "not_applied"
    assert titles(database) == []


@pytest.mark.usefixtures("refusing")
def test_a_value_that_the_server_refuses_is_no_skipped_row(database: Database) -> None:
    with database.session() as session:
        with pytest.raises(InvalidDataError) as raised:
            TaskRepository(session).owned_by("a").create_many(NEW)
    assert raised.value.sqlstate == "22023"
