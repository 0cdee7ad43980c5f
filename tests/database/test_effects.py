"""What may write: everything but a SELECT whose text holds known words, functions and operators alone."""

from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    TypeDecorator,
    any_,
    case,
    cast,
    column,
    delete,
    exists,
    extract,
    func,
    insert,
    literal,
    literal_column,
    or_,
    table,
    text,
    tuple_,
    update,
    values,
)
from sqlalchemy import select as select_core
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import aliased, column_property, registry, with_loader_criteria
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col, select
from typing_extensions import override

from backend.database.failures.effects import may_write, may_write_sql
from backend.tasks import Task
from tests.support.models.suite import Note, Project


class unheard_of(FunctionElement[int]):  # noqa: N801 - a function, as SQLAlchemy names them
    """A function that SQLAlchemy does not know."""

    name = "unheard_of"
    inherit_cache: bool | None = True


class Opened(TypeDecorator[str]):
    """A type whose values a function reads."""

    impl: Any = String
    cache_ok: bool | None = True

    @override
    def column_expression(self, column: Any) -> Any:
        return func.f(column)


tables = MetaData()
things = Table(
    "things", tables, Column("a", Integer, primary_key=True), Column("j", JSONB), Column("l", ARRAY(Integer))
)
opened = Table("opened", tables, Column("secret", Opened))


class Computed:
    """An entity with a property that a function computes."""


registry(metadata=tables).map_imperatively(
    Computed, things, properties={"boom": column_property(func.f(things.c.a), deferred=False)}
)

READS: list[Any] = [
    select(Task),
    select(Task).where(col(Task.title) == "f()", or_(col(Task.id) > 1, col(Task.id).in_([1, 2]))),
    select(Task).where(col(Task.title).icontains("x"), col(Task.title).regexp_match("x")),
    select(Task).order_by(col(Task.created_at).desc().nulls_last(), col(Task.id)).limit(1).offset(1),
    select(Task).with_for_update(),
    select(Task).with_for_update(key_share=True, of=Task),
    select(aliased(Task)).join(Project, col(Project.owner_id) == col(Task.user_id)),
    select(func.count()).select_from(Task).where(col(Task.title) == "x"),
    select(func.count(), func.max(col(Task.id)), func.now(), func.coalesce(col(Task.description), "x")),
    select(exists().where(col(Task.id) == any_(literal([1], ARRAY(Integer))))),
    select(
        case((col(Task.completed), 1), else_=2), cast(col(Task.id), String(3)), extract("year", col(Task.created_at))
    ),
    select(Task).where(tuple_(col(Task.title), col(Task.id)) > ("x", 1)),
    select_core(things.c.j.contains({"a": 1}), things.c.j["a"].as_string(), things.c.l.contains([1])),
    select_core(values(column("v", Integer), name="v").data([(1,), (2,)])),
    select(Task).union_all(select(Task)).order_by("title"),
    select_core(table("f()", column("a()"))),
    select(Task).add_cte(select(Note).cte()),
]

WRITES: list[Any] = [
    insert(Task).values(title="x"),
    update(Task).values(title="x"),
    delete(Task),
    select(func.lower("A")),
    select(func.f().table_valued("x").c.x),
    select(unheard_of()),
    select(func.pg_catalog.count(1)),
    select(getattr(func, quoted_name("f", True))()),
    select(Sequence("s").next_value()),
    select(Task).where(func.f() == 1),
    select(Task).order_by(func.f()),
    select(Task).limit(func.f()),
    select(Task).where(exists().where(func.f() == col(Task.id))),
    select(func.count().filter(func.f())),
    select(literal_column("nextval('x')", Integer())),
    select(text("nextval('x')")),
    select(Task).where(text("f()")),
    select(column(quoted_name("f()", False), Integer())),
    select(Task).prefix_with("f(),"),
    select(Task).with_statement_hint("UNION SELECT f()"),
    select(Task).options(with_loader_criteria(Task, func.f() == 1)),
    select(col(Task.id).op("+ f() +")(1)),
    select(col(Task.id).op("@@@")(1)),
    select(Task.id).add_cte(insert(Task).values(title="x").cte()),
    select_core(opened),
    select_core(Computed),
    text("SELECT 1; SELECT 2"),
    Sequence("numbers"),
]


@pytest.mark.parametrize("statement", READS, ids=str)
def test_a_select_of_known_elements_may_not_write(statement: Any) -> None:
    assert not may_write(statement)


@pytest.mark.parametrize("statement", WRITES, ids=lambda statement: type(statement).__name__)
def test_everything_else_may_write(statement: Any) -> None:
    assert may_write(statement)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "NOTIFY channel",
        "CALL f()",
        "DO 'x'",
        "SELECT 1 INTO t",
        "SELECT f ()",
        'SELECT "count"(1)',
        'SELECT own."count"(1)',
        "SELECT own.count(1)",
        "SELECT count(1) -- hidden",
        "SELECT /* hidden */ 1",
        "SELECT $$ ' $$, f(), $$ ' $$",
        "SELECT E'\\'', f(), '\\''",
        "SELECT 1; SELECT f()",
        "SELECT OPERATOR(own.+)",
        "WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1",
        "SELECT a FROM t WHERE a = 'x' AND f('it''s')",
    ],
)
def test_text_that_hides_a_function_or_is_no_select_may_write(sql: str) -> None:
    assert may_write_sql(sql)


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT \'f()\', "f()" FROM "t" WHERE a = %(a_1)s::INTEGER',
        "SELECT a FROM t FOR NO KEY UPDATE",
        "select max(a) from t",
    ],
)
def test_text_in_quotes_is_no_function(sql: str) -> None:
    assert not may_write_sql(sql)
