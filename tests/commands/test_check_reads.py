"""Which reads of a repository `check --models` finds without an index, and that the index it names serves them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Index, MetaData, Table

from backend import Database
from backend.commands.check.application import check_application
from backend.commands.check.findings import Finding
from backend.commands.models import Application, import_application
from backend.database.schema import create_tables

ADVICE = {
    "account has no index for list, page, cursor_page and stream of one owner in the order of the key": (
        'Index("ix_account_owner_id_id", "owner_id", "id")',
        "Account",
    ),
    "entry has no index for a delete of account, and loading what refers to it": (
        'Index("ix_entry_account_id", "account_id")',
        "Entry",
    ),
    "remark has no index for loading Account.remarks": ('Index("ix_remark_about", "about")', "Remark"),
}
OTHER_INDEXES = {
    "longer and backwards": (
        "CREATE INDEX ON account (owner_id, id DESC, owner_id); CREATE INDEX ON entry (account_id, number);"
        "CREATE INDEX ON remark (about DESC)"
    ),
    "partial, of the rows that have the key; and hash": (
        "CREATE INDEX ON account (owner_id DESC, id); CREATE INDEX ON entry (account_id) WHERE account_id IS NOT NULL;"
        "CREATE INDEX ON remark USING hash (about)"
    ),
}
NO_USE = {
    "the owner alone": ("CREATE INDEX ON account (owner_id)", "account"),
    "the other order": ("CREATE INDEX ON account (id, owner_id)", "account"),
    "a part of the rows": ("CREATE INDEX ON entry (account_id) WHERE number > 7", "entry"),
    "the owner first": ("CREATE INDEX ON entry (owner_id, account_id)", "entry"),
    "blocks": ("CREATE INDEX ON remark USING brin (about)", "remark"),
}


@pytest.fixture(scope="module")
def application() -> Application:
    return import_application(["tests.support.models.unindexed"])


@pytest.fixture
def connection(application: Application, own_tables: str) -> Iterator[Connection]:
    with Database(own_tables) as database:
        create_tables(database, application.tables)
        with database.engine.connect() as connection, connection.begin():
            yield connection


def advice(application: Application, connection: Connection) -> dict[str, Finding]:
    return {one.text: one for one in check_application(connection, application) if one.level != "ok"}


def test_a_read_without_an_index_is_found_with_the_index_to_add(
    application: Application, connection: Connection
) -> None:
    found = advice(application, connection)
    assert {text: (one.values["index"], one.level) for text, one in found.items()} == {
        text: (index, "advice") for text, (index, _) in ADVICE.items()
    }
    assert [one.fix for one in found.values()] == [
        f"add {index} to __table_args__ of {model}, and create it in the database: init changes no table that exists"
        for index, model in ADVICE.values()
    ]


def test_the_index_that_is_named_serves_the_read(application: Application, connection: Connection) -> None:
    for finding in advice(application, connection).values():
        index = eval(str(finding.values["index"]), {"Index": Index})  # noqa: S307 - what a reader pastes
        Table(str(finding.values["table"]), MetaData(), index, autoload_with=connection)
        index.create(connection)
    assert advice(application, connection) == {}


@pytest.mark.parametrize("case", OTHER_INDEXES)
def test_another_index_that_serves_the_read_is_enough(
    application: Application, connection: Connection, case: str
) -> None:
    connection.exec_driver_sql(OTHER_INDEXES[case])
    assert advice(application, connection) == {}


@pytest.mark.parametrize("case", NO_USE)
def test_an_index_that_only_looks_so_is_not_enough(application: Application, connection: Connection, case: str) -> None:
    ddl, table = NO_USE[case]
    connection.exec_driver_sql(ddl)
    assert table in {one.values["table"] for one in advice(application, connection).values()}
