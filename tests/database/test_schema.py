"""init_db creates what is missing, as often as it is called and from any number of processes at once."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, Table, create_engine, event, inspect, make_url

from backend import AsyncDatabase, Database, init_db
from backend.errors import InvalidStatementError, UsageError
from backend.tasks import Task
from tests.conftest import Server

_INIT = "import sys, backend.tasks; from backend import Database, init_db; init_db(Database(sys.argv[1]))"


@pytest.fixture
def empty(server: Server, direct: Database) -> str:
    """The URL of a database without tables."""
    url = make_url(server.url)
    name = "empty_schema"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.close()
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def _tables(url: str) -> list[str]:
    engine = create_engine(url)
    found = inspect(engine).get_table_names()
    engine.dispose()
    return found


def test_many_processes_at_once_create_the_tables(empty: str) -> None:
    root = Path(__file__).parent.parent.parent
    running = [subprocess.Popen([sys.executable, "-c", _INIT, empty], cwd=root) for _ in range(6)]
    assert [process.wait() for process in running] == [0] * 6
    assert _tables(empty) == ["task"]


def test_a_second_call_changes_nothing(empty: str) -> None:
    with Database(empty) as database:
        init_db(database, Task.metadata)
        created: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            created.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        init_db(database, Task.metadata)
    assert [one for one in created if "CREATE" in one] == []


async def test_the_asynchronous_form_is_awaited(empty: str) -> None:
    async with AsyncDatabase(empty) as database:
        await init_db(database, Task.metadata)
    assert "task" in _tables(empty)


def test_what_is_no_database_is_refused(direct: Database) -> None:
    with direct.session() as session:
        wrong: list[Any] = [direct.engine, session, Database]
        for given in wrong:
            with pytest.raises(UsageError, match=r"a Database or an AsyncDatabase, got [ \w]+: pass the"):
                init_db(given)


def test_constraints_and_indexes_have_explicit_names(clean: Engine) -> None:
    found = inspect(clean)
    assert found.get_pk_constraint("task")["name"] == "pk_task"
    assert [index["name"] for index in found.get_indexes("task")] == ["ix_task_user_id_id"]


def test_the_columns_of_a_task_are_what_the_specification_says(clean: Engine) -> None:
    columns = {column["name"]: column for column in inspect(clean).get_columns("task")}
    assert str(columns["id"]["type"]) == "BIGINT"
    assert columns["id"].get("identity")
    assert str(columns["title"]["type"]) == "VARCHAR(200)"
    assert [name for name, column in columns.items() if column["nullable"]] == ["description"]
    times = [getattr(columns[name]["type"], "timezone", None) for name in ("created_at", "updated_at")]
    assert times == [True, True]


def test_a_refused_definition_says_why(empty: str) -> None:
    metadata = MetaData()
    Table("parent", metadata, Column("id", Integer, primary_key=True), Column("key", Integer))
    Table("child", metadata, Column("id", Integer, primary_key=True), Column("key", Integer, ForeignKey("parent.key")))
    refused = r"SQLSTATE 42830\): there is no unique constraint matching given keys for referenced table \"parent\"$"
    with Database(empty) as database, pytest.raises(InvalidStatementError, match=refused) as raised:
        init_db(database, metadata)
    assert raised.value.driver_error is not None
    assert _tables(empty) == []
