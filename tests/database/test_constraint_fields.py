"""Which fields the error of a violated constraint names, kind by kind."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Engine,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    column,
    func,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from backend import Database
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.errors import ConstraintViolationError
from tests.conftest import Server
from tests.support.extensions import create_extensions_or_skip


@pytest.fixture(scope="module")
def engine(server: Server, direct: Database) -> Iterator[Engine]:
    create_extensions_or_skip(server.url, "btree_gist")
    engine = direct.engine
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS elsewhere"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA elsewhere CASCADE"))


def _table(*items: Any, schema: str | None = None) -> Table:
    columns = (Column("id", Integer, primary_key=True), Column("a", Text), Column("b", Integer), Column("c", Integer))
    return Table("explicit", MetaData(), *columns, *items, schema=schema)


@pytest.mark.parametrize(
    ("item", "row", "expected"),
    [
        (UniqueConstraint("a"), {"a": "x"}, ("a",)),
        (UniqueConstraint("c", "a", name="named"), {"a": "x", "c": 1}, ("a", "third")),
        (UniqueConstraint("a", name="n" * 63), {"a": "x"}, ("a",)),
        (UniqueConstraint("a", name="ü" * 60), {"a": "x"}, ("a",)),
        (UniqueConstraint("a", name='Q"%'), {"a": "x"}, ("a",)),
        (PrimaryKeyConstraint("id"), {"id": 1}, ("id",)),
        (Index("one", "a", unique=True, postgresql_include=["b"]), {"a": "x"}, ("a",)),
        (Index("one", "a", unique=True, postgresql_where=column("b") > 0), {"a": "x", "b": 1}, ("a",)),
        (Index("one", func.lower(text("a")), unique=True), {"a": "x"}, ()),
        (CheckConstraint("b > 5", name="high"), {"b": 1}, ()),
        (ExcludeConstraint(("b", "="), ("c", "="), name="apart"), {"b": 1, "c": 1}, ("b", "third")),
        (ExcludeConstraint((text("abs(b)"), "="), name="apart"), {"b": 1}, ()),
        (ForeignKeyConstraint(["b"], ["explicit.id"]), {"b": 9}, ("b",)),
        (ForeignKeyConstraint(["b"], ["explicit.id"], ondelete="RESTRICT"), {"b": 9}, ("b",)),
    ],
)
def test_each_constraint_names_its_fields(
    engine: Engine, item: Any, row: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert violated(engine, _table(item), row) == expected


def test_an_expression_names_the_columns_that_it_mentions(engine: Engine) -> None:
    table = _table()
    Index("one", func.lower(table.c.a), table.c.b + table.c.c, unique=True)
    assert violated(engine, table, {"a": "x", "b": 1, "c": 1}) == ("a", "b", "third")
    table = _table()
    table.append_constraint(CheckConstraint(table.c.b + table.c.c > 5, name="high"))
    assert violated(engine, table, {"b": 1, "c": 1}) == ("b", "third")


def test_an_exclusion_of_an_expression_names_nothing(engine: Engine) -> None:
    table = _table()
    table.append_constraint(ExcludeConstraint((func.abs(table.c.b + table.c.c), "="), name="apart"))
    assert violated(engine, table, {"b": 1, "c": 1}) == ()


def test_an_expression_with_sql_in_a_string_names_nothing(engine: Engine) -> None:
    table = _table()
    Index("one", func.greatest(table.c.b, text("c")), unique=True)
    assert violated(engine, table, {"b": 1}) == ()


def test_a_name_that_a_convention_makes_too_long_is_known_in_its_truncated_form(engine: Engine) -> None:
    metadata = MetaData(naming_convention={"uq": "uq_" + "long_" * 14 + "%(table_name)s"})
    table = Table("explicit", metadata, Column("id", Integer, primary_key=True), Column("a", Text, unique=True))
    assert violated(engine, table, {"a": "x"}) == ("a",)


def test_another_tables_constraint_of_the_same_name_is_another(engine: Engine) -> None:
    forward = """
        CREATE TABLE beside (b int CONSTRAINT same CHECK (b > 5));
        CREATE FUNCTION forward() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN INSERT INTO beside VALUES (NEW.b); RETURN NEW; END';
        CREATE TRIGGER forward BEFORE INSERT ON explicit FOR EACH ROW EXECUTE FUNCTION forward()"""
    table = _table()
    table.append_constraint(CheckConstraint(table.c.b > 0, name="same"))
    assert violated(engine, table, {"b": 1}, ddl=forward) == ()


def test_looking_at_an_exclusion_leaves_it_in_its_table(engine: Engine) -> None:
    table = _table(ExcludeConstraint(("b", "="), name="apart"))
    assert [violated(engine, table, {"b": 1}) for _ in range(2)] == [("b",), ("b",)]


def test_a_check_and_an_index_of_one_name_are_told_apart(engine: Engine) -> None:
    table = _table()
    table.append_constraint(CheckConstraint(table.c.b > 5, name="same"))
    Index("same", table.c.a, unique=True)
    assert violated(engine, table, {"b": 1}) == ("b",)
    assert violated(engine, table, {"a": "x"}) == ("a",)


def test_a_column_that_is_no_attribute_is_not_named(engine: Engine) -> None:
    table = _table(UniqueConstraint("a", "b", name="both"))
    assert violated(engine, table, {"a": "x", "b": 1}, attributes=["id", "b"]) == ()


def test_a_constraint_that_the_metadata_lacks_names_nothing(engine: Engine) -> None:
    assert violated(engine, _table(), {"a": "x"}, ddl="CREATE UNIQUE INDEX unheard ON explicit (a)") == ()


def test_a_not_null_names_its_attribute(engine: Engine) -> None:
    assert violated(engine, _table(), {"c": None}, ddl="ALTER TABLE explicit ALTER c SET NOT NULL") == ("third",)


@pytest.mark.parametrize("schema", [None, "elsewhere"])
def test_a_table_of_the_same_name_in_another_schema_is_another(engine: Engine, schema: str | None) -> None:
    other = "public" if schema else "elsewhere"
    forward = f"""
        CREATE TABLE {other}.explicit (a text CONSTRAINT same UNIQUE); INSERT INTO {other}.explicit VALUES ('x');
        CREATE FUNCTION forward() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN INSERT INTO {other}.explicit VALUES (NEW.a); RETURN NEW; END';
        CREATE TRIGGER forward BEFORE INSERT ON {schema or "public"}.explicit
            FOR EACH ROW EXECUTE FUNCTION forward()"""
    table = _table(UniqueConstraint("a", name="same"), schema=schema)
    assert violated(engine, table, {"a": "x"}, ddl=forward) == ()
    assert violated(engine, table, {"a": "x"}) == ("a",)


def test_a_translated_schema_is_known(engine: Engine) -> None:
    mapped = engine.execution_options(schema_translate_map={None: "elsewhere"})
    assert violated(mapped, _table(UniqueConstraint("a", name="named")), {"a": "x"}) == ("a",)


def violated(
    engine: Engine, table: Table, row: dict[str, Any], *, ddl: str = "", attributes: list[str] | None = None
) -> tuple[str, ...]:
    """The fields of the error of inserting the row twice; column c is the attribute `third`."""
    columns = {"third" if one.name == "c" else one.name: one for one in table.columns}
    kept = {name: one for name, one in columns.items() if attributes is None or name in attributes}
    operation = Operation("create", "Explicit", table, columns=kept)
    with engine.connect() as connection, connection.begin() as transaction:
        table.create(connection)
        if ddl:
            connection.execution_options(no_parameters=True).exec_driver_sql(ddl)
        with pytest.raises(ConstraintViolationError) as raised, translate_errors(operation, "statement", connection):
            for number in (1, 2):
                connection.execute(insert(table), {"id": number} | row)
        transaction.rollback()
    return raised.value.fields
