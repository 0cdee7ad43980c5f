"""Indexes, checks and defaults with expressions: PostgreSQL writes them otherwise than the model."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum as PythonEnum
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Connection,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    MetaData,
    Numeric,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    case,
    cast,
    collate,
    column,
    extract,
    func,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.schema import CreateSchema

from backend import Database
from backend.commands.check.application import check_application
from backend.commands.check.sql_words import is_same, words_of
from backend.commands.models import Application


class Letter(PythonEnum):
    A = "a b"
    B = "c"


METADATA = MetaData()
N: Column[Any] = Column("n", Integer(), server_default="-1")
NAME, DAY, AT, DATA = (
    column("Name", Text()),
    column("day", Date()),
    column("at", DateTime(True)),
    column("data", pg.JSONB()),
)
TABLES = [
    Table(
        "Odd Thing",
        METADATA,
        Column("id", Uuid(), primary_key=True, server_default=func.gen_random_uuid()),
        Column("data", pg.JSONB(), server_default="{}"),
        Column("tags", ARRAY(Text()), server_default="{}"),
        Column("span", pg.INT4RANGE()),
        Column("Name", Text(), server_default="it's"),
        N,
        Column("price", Numeric(10, 2), server_default="0.00"),
        Column("day", Date(), server_default=func.current_date()),
        Column("at", DateTime(timezone=True), server_default=func.clock_timestamp()),
        Column("flag", Boolean(create_constraint=True, name="a_flag"), server_default=text("true")),
        Column("letter", Enum(Letter, name="letter", create_constraint=True), server_default="A"),
        Column("word", Enum(Letter, native_enum=False, create_constraint=True, name="a_word"), server_default="A"),
        Column("upper", Text(), Computed(func.upper(NAME), persisted=True)),
        Column("gap", Interval(), server_default=text("interval '1 hour'")),
        Column(
            "parent",
            Uuid(),
            ForeignKey("Odd Thing.id", ondelete="set  null", onupdate="CASCADE", deferrable=True, initially="deferred"),
        ),
        Column("number", BigInteger(), Sequence("numbers"), server_default=Sequence("numbers").next_value()),
        *map(
            CheckConstraint,
            [
                N.between(1, 5), N.in_([1, 2, 3]), N.is_distinct_from(3), func.coalesce(N, 0) >= 0, N < -7,
                cast(N, BigInteger) * 2 < 10, case((N > 1, True), else_=False), or_(NAME.is_not(None), N > -5),
                NAME.regexp_match("^[a-z]+$"), NAME.like("a%"), NAME.ilike("b%"), NAME.startswith("x"), NAME != "",
                func.char_length(func.trim(NAME)) > 0, column("price", Numeric()) > Decimal("1.50"),
                date(2020, 1, 1) <= DAY, datetime(2030, 1, 1, tzinfo=UTC) > AT, extract("year", DAY) > 2000,
                column("gap", Interval()) > timedelta(days=1), func.cardinality(column("tags")) < 9,
                func.jsonb_typeof(DATA) == "object", not_(column("flag", Boolean())), column("flag", Boolean()),
            ],
        ),
        CheckConstraint("\"Name\" || 'x' <> 'y' AND n > 7"),
        CheckConstraint("price::int > 3"),
        UniqueConstraint("n", "Name", postgresql_nulls_not_distinct=True),
        UniqueConstraint("day", deferrable=True),
        pg.ExcludeConstraint(("span", "&&"), using="gist"),
        Index("i1", "data", postgresql_using="gin", postgresql_ops={"data": "jsonb_path_ops"}),
        Index("i2", "data", postgresql_using="gin"),
        Index("i3", "tags", postgresql_using="gin"),
        Index("i4", "span", postgresql_using="gist"),
        Index("i5", "at", postgresql_using="brin"),
        Index("i6", "n", postgresql_using="hash"),
        Index("i7", "n", postgresql_include=["day", "price"]),
        Index("i8", collate(NAME, "C")),
        Index("i9", AT.desc().nulls_last(), "id"),
        Index("i10", func.lower(NAME), "n"),
        Index("i11", "Name", postgresql_ops={"Name": "text_pattern_ops"}),
        Index("i12", "n", postgresql_where=column("letter", Enum(Letter, name="letter")) == Letter.A),
        Index("i13", "n", postgresql_where=date(2020, 1, 1) < DAY),
        Index("i14", "n", unique=True, postgresql_where=NAME.is_(None)),
        Index("i15", func.date_trunc("day", AT.op("AT TIME ZONE")("UTC"))),
        Index("i16", DATA["a"].astext),
        Index("i17", "n", postgresql_ops={"n": "int4_ops"}),
        Index("i18", "n", postgresql_where=column("word", Text()).in_(["A", "B"])),
        Index("i19", text("(n + 1)")),
        Index("i20", text('"Name" DESC NULLS LAST')),
        Index("i21", func.abs(N).desc(), "id"),
        Index("i22", func.coalesce(NAME, ""), unique=True),
        Index("i23", cast(N, Text())),
    ),
    Table(
        "child",
        METADATA,
        Column("a", Uuid(), ForeignKey("Odd Thing.id"), primary_key=True),
        Column("b", Integer(), primary_key=True, autoincrement=False),
        schema="Odd Schema",
    ),
    Table(
        "leaf",
        METADATA,
        Column("id", Integer(), primary_key=True),
        Column("a", Uuid()),
        Column("b", Integer()),
        ForeignKeyConstraint(["a", "b"], ["Odd Schema.child.a", "Odd Schema.child.b"]),
        Index("i24", "b", "a"),
    ),
]  # fmt: skip


@pytest.fixture
def connection(own_tables: str) -> Iterator[Connection]:
    with Database(own_tables) as database, database.engine.connect() as connection:
        connection.execute(CreateSchema("Odd Schema"))
        METADATA.create_all(connection)
        yield connection
        connection.rollback()


def test_expressions_that_init_has_made_are_no_difference(connection: Connection) -> None:
    found = check_application(connection, Application([], [], TABLES))
    assert [one.text for one in found if one.level == "problem"] == []


@pytest.mark.session_state("a schema of the models is in the search path, until the end of the transaction")
def test_a_schema_that_is_in_the_search_path_is_the_models(connection: Connection) -> None:
    connection.execute(select(func.set_config("search_path", func.current_schema() + ', "Odd Schema"', True)))
    found = check_application(connection, Application([], [], TABLES))
    assert [one.text for one in found if one.level == "problem"] == []


@pytest.mark.parametrize(
    ("ddl", "difference"),
    [
        ("DROP INDEX i1; CREATE INDEX i1 ON {0} USING gin (data)", "i1 is on (data)"),
        ("DROP INDEX i7; CREATE INDEX i7 ON {0} (n) INCLUDE (day)", "i7 does not include price"),
        ("DROP INDEX i8; CREATE INDEX i8 ON {0} ({1})", "i8 is on (Name)"),
        ("DROP INDEX i9; CREATE INDEX i9 ON {0} (at DESC, id)", "i9 is on (at DESC, id)"),
        ("DROP INDEX i3; CREATE INDEX i3 ON {0} (tags)", "i3 is of the method btree"),
        ("DROP INDEX i22; CREATE UNIQUE INDEX i22 ON {0} (upper({1}))", "i22 is on (an expression of name, upper)"),
        ("ALTER TABLE {0} DROP CONSTRAINT a_word", "has no check of a, b, word, which the model names a_word"),
    ],
)
def test_an_expression_that_differs_is_found(connection: Connection, ddl: str, difference: str) -> None:
    connection.exec_driver_sql(ddl.format('"Odd Thing"', '"Name"'))
    found = check_application(connection, Application([], [], TABLES))
    assert any(difference in one.text for one in found if one.level == "problem")


def test_an_exclusion_constraint_that_is_missing_is_found(connection: Connection) -> None:
    connection.exec_driver_sql('ALTER TABLE "Odd Thing" DROP CONSTRAINT "Odd Thing_span_excl"')
    found = check_application(connection, Application([], [], TABLES))
    assert [one.text for one in found if one.level == "problem"] == ["Odd Thing has no exclusion constraint (span)"]


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        ("n > 0", "(n > 0)", True),
        ("n > 0", "(n > 1)", False),
        ("n > -5", "(n > '-5'::integer)", True),
        ("a > 0", "(b > 0)", False),
        ("lower(x) = 'a'", "(lower((x)::text) = 'a'::text)", True),
        (
            "x IN ('a', 'b')",
            "((x)::text = ANY ((ARRAY['a'::character varying, 'c'::text])::text[]))",
            False,
        ),
        ("at > '2020-01-01'", "(at > '2020-01-01 00:00:00+00'::timestamp with time zone)", True),
        ("at > '2020-01-01'", "(until > '2020-01-01 00:00:00+00'::timestamp with time zone)", False),
    ],
)
def test_expressions_are_the_same_if_they_name_the_same(own: str, other: str, expected: bool) -> None:
    assert is_same(own, other) is expected


def test_the_words_of_an_expression_are_what_it_names() -> None:
    assert words_of('("Name" IS NOT NULL) AND (n = ANY (ARRAY[1, 2]))') == {"name", "n", "1", "2"}
