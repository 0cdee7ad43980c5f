"""What `check` says of tables: nothing of those that `init` makes, and of each difference from the model."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    CHAR,
    JSON,
    REAL,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Connection,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Identity,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    Uuid,
    column,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine, UserDefinedType
from sqlmodel import AutoString
from typing_extensions import override

from backend import Database
from backend.commands.check.findings import as_text
from backend.commands.check.tables import check_tables


class Point(UserDefinedType[str]):
    """A type that SQLAlchemy does not know."""

    cache_ok: bool | None = True

    @override
    def get_col_spec(self, **_: object) -> str:
        return "POINT"


TYPES: list[TypeEngine[Any]] = [
    SmallInteger(), Integer(), BigInteger(), Numeric(), Numeric(10), Numeric(10, 2), pg.DOMAIN("whole", Integer()),
    Float(), Float(24), Float(53), Double(), REAL(), pg.MONEY(), Boolean(), Uuid(), LargeBinary(), pg.BIT(3),
    String(), String(20), AutoString(), Text(), CHAR(), CHAR(3), pg.BIT(varying=True), pg.BIT(3, varying=True),
    Date(), DateTime(), DateTime(timezone=True), Time(), Time(timezone=True), TIMESTAMP(timezone=True),
    pg.TIMESTAMP(timezone=True, precision=3), pg.TIME(precision=0), Interval(), pg.INTERVAL(precision=3),
    pg.INTERVAL(fields="YEAR TO MONTH"), JSON(), pg.JSONB(), pg.INET(), pg.CIDR(), pg.MACADDR(), pg.TSVECTOR(),
    pg.INT4RANGE(), pg.TSTZRANGE(), ARRAY(Integer()), ARRAY(Integer(), dimensions=2), ARRAY(String(5)),
    ARRAY(Numeric(8, 2)), Enum("a", "b", name="letter"), Enum("a", "bc", native_enum=False), Point(),
]  # fmt: skip


@pytest.fixture
def connection(own_tables: str) -> Iterator[Connection]:
    with Database(own_tables) as database, database.engine.begin() as connection:
        yield connection


def table(*columns: Column[object]) -> MetaData:
    """The metadata of one table."""
    metadata = MetaData()
    Table("thing", metadata, Column("id", Integer(), primary_key=True), *columns)
    return metadata


def test_a_table_that_was_created_from_its_model_is_equal_to_it(connection: Connection) -> None:
    model = table(*(Column(f"c{number}", one, nullable=number % 2 == 0) for number, one in enumerate(TYPES)))
    model.create_all(connection)
    assert as_text(check_tables(connection, model)) == "ok       tables  all there and equal to the models: thing\n"


@pytest.mark.parametrize(
    ("actual", "difference"),
    [
        ([], "thing has no column x"),
        ([Column("x", String(20))], "thing has VARCHAR(20) in column x, the model VARCHAR(10)"),
        ([Column("x", Text())], "thing has TEXT in column x, the model VARCHAR(10)"),
        ([Column("x", pg.JSONB())], "thing has JSONB in column x, the model VARCHAR(10)"),
        ([Column("x", ARRAY(String(10)))], "thing has VARCHAR(10)[] in column x, the model VARCHAR(10)"),
        ([Column("x", String(10), nullable=False)], "thing takes no NULL in column x, the model does"),
        (
            [Column("x", String(10)), Column("y", Integer(), nullable=False)],
            "thing needs a value for column y, which the model does not have",
        ),
    ],
)
def test_a_difference_from_the_model_is_a_problem(
    connection: Connection, actual: list[Column[object]], difference: str
) -> None:
    table(*actual).create_all(connection)
    [found] = check_tables(connection, table(Column("x", String(10))))
    assert (found.level, found.text) == ("problem", difference)
    assert found.fix == "migrate the table: init changes none that exists"


def test_a_column_that_may_be_null_in_the_table_alone_is_a_problem(connection: Connection) -> None:
    table(Column("x", Integer())).create_all(connection)
    [found] = check_tables(connection, table(Column("x", Integer(), nullable=False)))
    assert found.text == "thing takes NULL in column x, the model does not"


def test_every_difference_is_found(connection: Connection) -> None:
    table(Column("x", Integer(), nullable=False)).create_all(connection)
    other = table(Column("x", String()), Column("y", String()))
    Table("other", other, Column("id", Integer(), primary_key=True))
    assert sorted(found.text for found in check_tables(connection, other)) == [
        "other is missing",
        "thing has INTEGER in column x, the model VARCHAR",
        "thing has no column y",
        "thing takes no NULL in column x, the model does",
    ]


def test_a_column_that_no_insert_has_to_name_is_no_difference(connection: Connection) -> None:
    table(
        Column("may_be_null", Integer()),
        Column("has_a_default", Integer(), server_default="0", nullable=False),
        Column("is_computed", Integer(), Computed(column("id", Integer()) + 1, persisted=True), nullable=False),
    ).create_all(connection)
    Table("numbered", MetaData(), Column("id", Integer()), Column("n", Integer(), Identity(), nullable=False)).create(
        connection
    )
    model = table()
    Table("numbered", model, Column("id", Integer()))
    [found] = check_tables(connection, model)
    assert found.level == "ok"


def test_a_table_of_another_schema_is_looked_for_there(connection: Connection, own_tables: str) -> None:
    table().create_all(connection)
    model = MetaData()
    Table("thing", model, Column("id", Integer(), primary_key=True), schema="pg_catalog")
    [found] = check_tables(connection, model)
    assert (found.text, found.fix) == (
        "pg_catalog.thing is missing",
        "run python -m backend init, which creates missing tables",
    )
