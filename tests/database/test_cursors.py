"""A cursor's description has psycopg's columns, for as long as somebody holds it."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from psycopg import Column
from sqlalchemy import Engine

from backend import AsyncDatabase, Database
from backend.database.connections.cursors import AsyncCursor, Cursor
from tests.conftest import Server

_QUERY = "SELECT 1 AS number, 'a'::varchar(5) AS text, 1.5::numeric(5, 2) AS amount"


def _shown(columns: Sequence[Column] | None) -> object:
    return columns and [(tuple(column), repr(column)) for column in columns]


def test_the_columns_are_those_of_psycopg(clean: Engine) -> None:
    with clean.connect() as connection:
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as lazy, psycopg.Cursor(driver) as eager:
            assert isinstance(lazy, Cursor)
            assert lazy.description is None
            for query in (_QUERY, "SELECT", "DELETE FROM task WHERE false"):
                lazy.execute(query)
                eager.execute(query)
                assert _shown(lazy.description) == _shown(eager.description)
            found = lazy.execute(_QUERY).description
            assert found is not None
            assert len(found) == 3
            assert [column.name for column in found[1:]] == ["text", "amount"]
            assert repr(found) == repr(eager.execute(_QUERY).description)


def test_a_description_outlives_the_result_and_its_connection(server: Server) -> None:
    with Database(server.url) as database, database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("SELECT 1 AS first")
        first = cursor.description
        cursor.execute("SELECT 1 AS second")
        second = cursor.description
        cursor.close()
        connection.invalidate()
        assert [column[0] for column in first or ()] == ["first"]
        assert [column[0] for column in second or ()] == ["second"]


@pytest.mark.usefixtures("clean")
async def test_an_asynchronous_cursor_is_alike(server: Server) -> None:
    async with AsyncDatabase(server.url) as database, database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        async with driver.cursor() as lazy, psycopg.AsyncCursor(driver) as eager:
            assert isinstance(lazy, AsyncCursor)
            for query in (_QUERY, "SELECT", "DELETE FROM task WHERE false"):
                await lazy.execute(query)
                await eager.execute(query)
                assert _shown(lazy.description) == _shown(eager.description)
