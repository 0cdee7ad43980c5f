"""Which reads an index serves, says `serves`; PostgreSQL's planner says the same of each case."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text

from backend import Database
from backend.commands.check.catalogue import read_relations
from backend.commands.check.indexes import Index, IndexKey, is_same_key, replaces, serves
from tests.conftest import Server

THING = Table(
    "check_thing",
    MetaData(),
    *(Column(name, BigInteger()) for name in ("id", "owner", "at", "a", "b")),
    Column("name", Text()),
)
ROWS = 20_000
FILL = f"""
    CREATE TABLE check_thing (
        id bigint NOT NULL, owner bigint NOT NULL, at bigint NOT NULL, a bigint, b bigint, name text NOT NULL
    );
    INSERT INTO check_thing
    SELECT n, mod(abs(hashint4(n)::bigint), 8), mod(n, 16), mod(n * 31, 499), mod(n * 17, 503), repeat(md5(n::text), 8)
    FROM generate_series(1, {ROWS}) n;
    ANALYZE check_thing
"""
"""2 500 rows of an owner, of which about 156 have the same `at`; 40 rows of each `a` and of each `b`; 25 in a block."""


@pytest.fixture(scope="module")
def table(server: Server) -> Iterator[Database]:
    with Database(server.url) as database:
        with database.engine.begin() as connection:
            connection.exec_driver_sql(FILL)
        yield database
        with database.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE check_thing")


def reads_only_what_it_returns(connection: Connection, equal: str, order: str) -> bool:
    """Whether the plan reads few blocks more than there are rows to return."""
    values = {"id": 77, "owner": 5, "at": 7, "a": 77, "b": 77, "name": "'x'"}
    where = " AND ".join(f"{name} = {values[name]}" for name in equal.split()) or "true"
    sort = f"ORDER BY {', '.join(order.split())} LIMIT 10" if order else ""
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM check_thing WHERE {where} {sort}"
    ).scalar_one()[0]["Plan"]
    blocks, rows = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], plan["Actual Rows"]
    return bool(blocks <= rows + 8)


@pytest.mark.parametrize(
    ("ddl", "equal", "order", "expected"),
    [
        ("INDEX {} (a)", "a", "", True),
        ("INDEX {} (a, b)", "a", "", True),
        ("INDEX {} (b, a)", "a", "", False),
        ("INDEX {} (a, b)", "b a", "", True),
        ("INDEX {} (b, a)", "a b", "", True),
        ("INDEX {} (a)", "a b", "", False),
        ("INDEX {} (owner, id, b)", "owner b", "", False),
        ("INDEX {} (a) INCLUDE (b)", "a b", "", False),
        ("UNIQUE INDEX {} (id)", "id owner", "", True),
        ("INDEX {} USING hash (a)", "a", "", True),
        ("INDEX {} USING hash (a)", "a b", "", False),
        ("INDEX {} USING hash (owner)", "owner", "id", False),
        ("INDEX {} USING brin (a)", "a", "", False),
        ("INDEX {} (a DESC)", "a", "", True),
        ("INDEX {} ((a + 0))", "a", "", False),
        ("INDEX {} (a) WHERE b > 7", "a", "", False),
        ("INDEX {} (a) WHERE a IS NOT NULL", "a", "", True),
        ("INDEX {} (a, b) WHERE a IS NOT NULL AND b IS NOT NULL", "a b", "", True),
        ("INDEX {} (a) WHERE b IS NOT NULL", "a", "", False),
        ('INDEX {} (name COLLATE "POSIX")', "name", "", False),
        ("INDEX {} (name text_pattern_ops)", "name", "", True),
        ("INDEX {} (name)", "name", "", True),
        ("INDEX {} (id)", "", "id", True),
        ("INDEX {} (id DESC)", "", "id", True),
        ("INDEX {} (id DESC NULLS LAST)", "", "id", False),
        ("INDEX {} (id NULLS FIRST)", "", "id", False),
        ("INDEX {} (owner, id)", "owner", "id", True),
        ("INDEX {} (owner, id DESC)", "owner", "id", True),
        ("INDEX {} (owner DESC, id)", "owner", "id", True),
        ("INDEX {} (owner)", "owner", "at id", False),
        ("INDEX {} (at, id)", "owner", "at id", False),
        ("INDEX {} (owner, at)", "owner", "at id", False),
        ("INDEX {} (owner, at, id)", "owner", "at id", True),
        ("INDEX {} (owner, at, id, a)", "owner", "at id", True),
        ("INDEX {} (owner, at DESC, id DESC)", "owner", "at id", True),
        ("INDEX {} (owner, at DESC, id)", "owner", "at id", False),
        ("INDEX {} (owner, a, at, id)", "owner", "at id", False),
        ("INDEX {} (owner, a, id)", "owner a", "id", True),
        ("INDEX {} (a, owner, id)", "owner a", "id", True),
        ("INDEX {} (owner, id)", "owner", "owner id", True),
        ('INDEX {} (name COLLATE "POSIX")', "", "name", False),
        ("INDEX {} (name text_pattern_ops)", "", "name", False),
    ],
)
def test_serves_says_what_the_planner_does(table: Database, ddl: str, equal: str, order: str, expected: bool) -> None:
    with table.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql(f"CREATE {ddl.format('made ON check_thing')}")
        (index,) = read_relations(connection, [THING])["check_thing"].indexes
        found = serves(index, equal.split(), order.split())
        planned = reads_only_what_it_returns(connection, equal, order)
        transaction.rollback()
    assert (found, planned) == (expected, expected)


PLAIN = Index("made", (IndexKey("a"),))


def test_an_invalid_index_serves_and_replaces_nothing() -> None:
    invalid = replace(PLAIN, is_valid=False)
    assert serves(PLAIN, ["a"])
    assert not serves(invalid, ["a"])
    assert replaces(PLAIN, PLAIN, None)
    assert not replaces(invalid, PLAIN, None)


def test_an_operator_class_of_its_own_finds_no_equal_values() -> None:
    assert not serves(replace(PLAIN, keys=(IndexKey("a", operator_class="other_ops"),)), ["a"])


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (KEY := replace(PLAIN, is_unique=True), True),
        (replace(KEY, keys=(IndexKey("a", descending=True),), name="other"), True),
        (replace(KEY, is_valid=False), False),
        (replace(KEY, nulls_not_distinct=True), False),
        (replace(KEY, is_deferrable=True), False),
        (replace(KEY, predicate="(b > 7)"), False),
        (replace(KEY, keys=(IndexKey("a"), IndexKey("b"))), False),
        (PLAIN, False),
    ],
)
def test_a_unique_key_is_the_same_if_it_refuses_the_same(index: Index, expected: bool) -> None:
    assert is_same_key(index, KEY) is expected
