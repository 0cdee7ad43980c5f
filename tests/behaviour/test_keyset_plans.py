"""A page by cursor reads a range of an index, wherever in a long list it begins. `KEYSET_ROWS` sets how long."""

import os
from collections.abc import Iterator
from typing import Any, Final

import psycopg
from sqlalchemy import make_url
from sqlmodel import col

from backend import LAST_PAGE, Database, init_db, typed
from tests.support.models.walk import Post, PostRepository
from tests.support.statement_log import log_statements

ROWS: Final = int(os.environ.get("KEYSET_ROWS", "50000"))
SIZE: Final = 50

RANK, AT, KEY = col(Post.rank), col(Post.at), col(Post.id)
ORDERS: Final[dict[str, tuple[str, list[Any]]]] = {
    "key": ("owner_id, id", []),
    "one direction": ("owner_id, at, id", [AT, KEY]),
    "the other direction of the same index": ("owner_id, at, id", [AT.desc(), KEY.desc()]),
    "NULLs last": ("owner_id, rank, id", [RANK]),
    "NULLs first, backwards": ("owner_id, rank, id", [RANK.desc(), KEY.desc()]),
    "mixed directions": ("owner_id, rank DESC NULLS LAST, at, id DESC", [RANK.desc().nulls_last(), AT, KEY.desc()]),
}
FILL: Final = """
    INSERT INTO post (owner_id, rank, at)
    SELECT CASE WHEN n % 10 = 0 THEN 'b' ELSE 'a' END, nullif(n::bigint * 7919 % 100, 7), to_timestamp(n / 3)
    FROM generate_series(1, {}) n
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def explain(connection: psycopg.Connection[Any], sql: str, parameters: Any) -> list[dict[str, Any]]:
    row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}".encode(), parameters).fetchone()
    assert row is not None
    return list(nodes(row[0][0]["Plan"]))


def test_each_page_of_a_long_list_reads_a_range_of_an_index(own_tables: str) -> None:
    url = make_url(own_tables).set(drivername="postgresql").render_as_string(hide_password=False)
    faults: list[str] = []
    with Database(own_tables) as database, psycopg.connect(url, autocommit=True) as connection:
        init_db(database, Post.metadata)
        connection.execute(FILL.format(ROWS).encode())
        for columns in {columns for columns, _ in ORDERS.values()}:
            connection.execute(f"CREATE INDEX ON post ({columns})".encode())
        connection.execute("VACUUM ANALYZE post")
        with database.session() as session:
            posts = PostRepository(session).owned_by("a")
            middle = [posts.list(order_by=order, offset=ROWS // 2, limit=1)[0].id for _, order in ORDERS.values()]
            for (name, (_, order)), key in zip(ORDERS.items(), middle, strict=True):
                # a page that holds one known row, in the middle of the list, has cursors to both sides of it
                first = posts.cursor_page(order_by=order, size=1)
                there = posts.cursor_page(typed(Post.id) == key, order_by=order, size=1, cursor=first.next)
                cursors: dict[str, Any] = {"first": None, "last": LAST_PAGE, "back": there.previous}
                cursors["on"] = posts.cursor_page(order_by=order, size=1, cursor=there.previous).next
                for place, cursor in cursors.items():
                    with log_statements(database.engine) as log:
                        page = posts.cursor_page(order_by=order, size=SIZE, cursor=cursor)
                    assert len(page.items) == SIZE, (name, place)
                    ((sql, parameters),) = log.sent
                    faults += [f"{name}, {place}: {fault}" for fault in wrong(explain(connection, sql, parameters))]
    assert faults == []


def wrong(plan: list[dict[str, Any]]) -> Iterator[str]:
    """What in a plan reads or sorts more than a page."""
    for node in plan:
        rows = node["Actual Rows"] * node["Actual Loops"]
        if rows > SIZE + 1 or node.get("Rows Removed by Filter", 0) > SIZE:
            yield f"{node['Node Type']} of {rows} rows, {node.get('Rows Removed by Filter', 0)} removed"
        if "Scan" in node["Node Type"] and "Index" not in node["Node Type"] and "Subquery" not in node["Node Type"]:
            yield f"{node['Node Type']} of a table"
