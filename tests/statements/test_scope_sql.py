"""Every form in which a statement of a scoped repository can reach a table, as compiled SQL: held, or refused."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Executable,
    Integer,
    MetaData,
    Numeric,
    Select,
    String,
    Table,
    Text,
    inspect,
    literal_column,
    quoted_name,
    text,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import CompileError
from sqlalchemy.orm import (
    aliased as _aliased,
)
from sqlalchemy.orm import (
    column_property,
    joinedload,
    registry,
    relationship,
    selectinload,
    with_loader_criteria,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    AggregateOrderBy,
    AsBoolean,
    BinaryExpression,
    ClauseElement,
    ClauseList,
    CollationClause,
)
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, Session, SQLModel, col

from backend import Change, CRUDRepository, typed
from backend.database.operations import OperationKind
from backend.entity.checks import ClassOptions, define
from backend.entity.parameters import EXPECTED_PARAMETER, ID_PARAMETER, OWNER_PARAMETER
from backend.errors import OwnerRequiredError, RepositoryError, UsageError
from backend.repository.bound import Bound
from backend.repository.execution import run
from backend.repository.metadata import required_metadata
from backend.statements.assignments import Assignment
from backend.statements.conditions import Where
from backend.statements.scope.from_clauses import table_name
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.statements import Statements
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.support.compiling import unfilled
from tests.support.models.suite import (
    Note,
    NoteRepository,
    Project,
    Ticket,
    TicketCreate,
    TicketRepository,
    TicketUpdate,
)
from tests.support.statement_log import unbound

# The forms are written as somebody writes them who heeds no type checker.
aliased: Any = _aliased
and_: Any = sqlalchemy.and_
bindparam: Any = sqlalchemy.bindparam
case: Any = sqlalchemy.case
cast: Any = sqlalchemy.cast
column: Any = sqlalchemy.column
delete: Any = sqlalchemy.delete
exists: Any = sqlalchemy.exists
extract: Any = sqlalchemy.extract
func: Any = sqlalchemy.func
insert: Any = sqlalchemy.insert
join: Any = sqlalchemy.join
literal: Any = sqlalchemy.literal
not_: Any = sqlalchemy.not_
or_: Any = sqlalchemy.or_
outerjoin: Any = sqlalchemy.outerjoin
select: Any = sqlalchemy.select
table: Any = sqlalchemy.table
union_all: Any = sqlalchemy.union_all
update: Any = sqlalchemy.update
values: Any = sqlalchemy.values
TASK: Any = inspect(Task).local_table
PROJECT: Any = inspect(Project).local_table
TICKET: Any = inspect(Ticket).local_table
NOTE: Any = inspect(Note).local_table
TITLE: Any = col(Ticket.title)
ENTITY = define(
    "TicketRepository", (Ticket, TicketCreate, TicketUpdate, int, str), ClassOptions(owner=col(Ticket.owner_id))
)


@pytest.fixture
def scoped() -> Statements[Any]:
    assert issubclass(TaskRepository, CRUDRepository)  # importing it makes its owner known
    return Statements(ENTITY, scoped=True)


def sql(statement: ClauseElement | Executable | ScopedStatement) -> str:
    statement = statement.statement if isinstance(statement, ScopedStatement) else statement
    assert isinstance(statement, ClauseElement)
    dialect: Any = postgresql.dialect
    return unfilled(" ".join(str(statement.compile(dialect=dialect())).split()))


# What honest callers need


HELD_CONDITIONS: list[tuple[str, Where, tuple[str, ...]]] = [
    ("in", col(Ticket.project_id).in_(select(Project.id)), ("project",)),
    ("not in", col(Ticket.project_id).not_in(select(Project.id)), ("project",)),
    ("exists", exists(select(Project.id)), ("project",)),
    ("correlated", exists(select(Project.id).where(col(Project.id) == Ticket.project_id)), ("project",)),
    ("not exists", ~exists().where(col(Project.id) == Ticket.project_id), ("project",)),
    ("not_", not_(exists(select(Project.id))), ("project",)),
    (
        "explicit correlation",
        exists(select(Project.id).where(col(Project.id) == Ticket.project_id).correlate(Ticket)),
        ("project",),
    ),
    ("scalar", select(func.count(col(Project.id))).scalar_subquery() > 1, ("project",)),
    ("count", select(func.count()).select_from(Project).scalar_subquery() > 1, ("project",)),
    ("union", col(Ticket.project_id).in_(select(Project.id).union(select(Task.id))), ("project", "task")),
    ("union all", col(Ticket.project_id).in_(union_all(select(Project.id), select(Task.id))), ("project", "task")),
    ("intersect", col(Ticket.project_id).in_(select(Project.id).intersect(select(Task.id))), ("project", "task")),
    ("cte", col(Ticket.project_id).in_(select(select(Project.id).cte("c").c.id)), ("project",)),
    (
        "nested cte",
        col(Ticket.project_id).in_(select(select(select(Project.id).cte("c").c.id).cte("d", nesting=True).c.id)),
        ("project",),
    ),
    ("derived", col(Ticket.project_id).in_(select(select(Project.id).subquery().c.id)), ("project",)),
    ("lateral", col(Ticket.project_id).in_(select(select(Project.id).lateral().c.id)), ("project",)),
    ("nested", col(Ticket.project_id).in_(select(Project.id).where(exists(select(Task.id)))), ("project", "task")),
    ("alias", col(Ticket.project_id).in_(select(aliased(Project).id)), ("project",)),
    ("self", col(Ticket.id).in_(select(aliased(Ticket).id)), ("ticket",)),
    ("aliased subquery", exists(select(aliased(Project, select(Project).subquery()).id)), ("project",)),
    ("join", exists(select(Task.id).join(Project, col(Project.id) == Task.id)), ("project", "task")),
    ("comma", exists(select(Task.id, Project.id)), ("project", "task")),
    ("mixed with core", exists(select(Task.id).join(PROJECT, PROJECT.c.id == Task.id)), ("project", "task")),
    (
        "outer join that follows the owner",
        exists(select(Task.id).outerjoin(Project, and_(col(Project.owner_id) == Task.user_id))),
        ("task",),
    ),
    ("case", case((exists(select(Project.id)), True), else_=False), ("project",)),
    ("cast", cast(select(Project.id).limit(1).scalar_subquery(), Boolean), ("project",)),
    ("function", func.coalesce(select(Project.id).limit(1).scalar_subquery(), 0) > 0, ("project",)),
    ("limit", exists(select(Project.id).limit(select(Task.id).scalar_subquery())), ("project", "task")),
    ("order", exists(select(Project.id).order_by(select(Task.id).scalar_subquery())), ("project", "task")),
    (
        "having",
        exists(select(func.count(col(Project.id))).having(func.count() > select(Task.id).scalar_subquery())),
        ("project", "task"),
    ),
    ("unowned", exists(select(Note.id).where(col(Note.text) == Ticket.title)), ()),
    ("unowned core", exists(select(NOTE.c.id).where(NOTE.c.text == "x")), ()),
]


def everywhere(scoped: Statements[Any], where: Any) -> list[Callable[[], ScopedStatement]]:
    """The statements of every place that takes an expression from a caller."""
    return [
        lambda: scoped.list((where,), (), None, 0),
        lambda: scoped.list((), where, None, 0),
        lambda: scoped.count((where,)),
        lambda: scoped.exists((where,)),
        lambda: scoped.change(Change(typed(Ticket.title).to("x"), where=where), {}),
        lambda: scoped.change(Change(typed(Ticket.title).to(where)), {}),
        lambda: scoped.bind_owner(scoped.select([col(Ticket.id)]).where(where)),
        lambda: scoped.bind_owner(scoped.select([where])),
        lambda: scoped.bind_owner(scoped.select([func.count()]).group_by(where).having(where).order_by(where)),
    ]


@pytest.mark.parametrize(("where", "tables"), [pytest.param(*rest, id=name) for name, *rest in HELD_CONDITIONS])
def test_a_subquery_binds_the_owner_of_each_table_wherever_it_stands(
    scoped: Statements[Any], where: Where, tables: tuple[str, ...]
) -> None:
    for make in everywhere(scoped, where):
        sent = sql(make())
        for name in tables:
            assert re.search(rf"(FROM|JOIN|,) {name}\b", sent), sent
        assert unbound(sent) == [], sent
        assert "ticket.owner_id = %(the_owner)s::VARCHAR" in sent


@pytest.mark.parametrize(
    "where",
    [
        col(Ticket.title) == "x",
        or_(col(Ticket.title) == "x", literal(True)),
        or_(col(Ticket.owner_id) == "b", col(Ticket.owner_id) != "b"),
        not_(col(Ticket.owner_id) == "a"),
        col(Ticket.title).op("~*")("x"),
        col(Ticket.title).op("SIMILAR TO", is_comparison=True)("x"),
        col(Ticket.title).collate("C") == "x",
        extract("year", col(Ticket.opened_on)) == 2026,
        cast(col(Ticket.id), Numeric(10, 2)) > 1,
        col(Ticket.id).between(1, 2),
        col(Ticket.title).in_(["x", "y"]),
        col(Ticket.title).ilike("%x%"),
        getattr(func, quoted_name("lower", False))(col(Ticket.title)) == "x",
        func.jsonb_each(col(Ticket.title)).scalar_table_valued("key") == "x",
        literal(True),
    ],
    ids=lambda where: sql(where)[:40],
)
def test_a_condition_without_a_subquery_stands_beside_the_owner_and_never_outside(
    scoped: Statements[Any], where: Where
) -> None:
    sent = sql(scoped.count((where,))).partition(" WHERE ")[2]
    owner, _, rest = sent.partition(" AND ")
    assert owner == "ticket.owner_id = %(the_owner)s::VARCHAR"
    rest = re.sub(r"%\(\w+\)s", "?", rest)
    while "(" in rest:
        rest = re.sub(r"\([^()]*\)", "", rest)
    assert " OR " not in rest


KINDS: dict[str, Callable[[], Any]] = {
    "aggregate_order_by": lambda: func.string_agg(TITLE, postgresql.aggregate_order_by(literal(","), TITLE)) == "x",
    "aggregateorderby": lambda: func.string_agg(TITLE, ",").aggregate_order_by(TITLE) == "x",
    "array": lambda: postgresql.array([TITLE, "x"]) == ["x"],
    "bindparam": lambda: TITLE == "x",
    "case": lambda: case((TITLE == "x", True), else_=False),
    "cast": lambda: cast(TITLE, Boolean),
    "clauselist": lambda: func.concat(TITLE, "x") == "x",
    "expression_clauselist": lambda: TITLE + "x" + "y" == "x",
    "extract": lambda: extract("year", col(Ticket.opened_on)) == 2026,
    "false": lambda: func.coalesce(TITLE == "x", sqlalchemy.false()),
    "frame_clause": lambda: func.sum(Ticket.id).over(order_by=[TITLE, Ticket.id], rows=(None, 0)) > 1,
    "funcfilter": lambda: func.count().filter(TITLE == "x") > 1,
    "grouping": lambda: (col(Ticket.id) + 1) * 2 == 3,
    "join": lambda: exists(select(Task.id).select_from(join(Task, Project, true()))),
    "label_reference": lambda: exists(select(Project.id).order_by(func.count(Project.id).label("n").desc())),
    "memoized_select_entities": lambda: exists(
        select(Project.id).join(Task, true()).with_only_columns(col(Project.name))
    ),
    "null": lambda: func.coalesce(TITLE, sqlalchemy.null()) == "x",
    "over": lambda: func.count().over() > 1,
    "postgresql_distinct_on": lambda: exists(select(Project.id).ext(postgresql.distinct_on(col(Project.name)))),
    "scalar_function_column": lambda: func.jsonb_each(TITLE).scalar_table_valued("key") == "x",
    "select_statement_grouping": lambda: col(Ticket.id).in_(union_all(select(Project.id).limit(1), select(Task.id))),
    "slice": lambda: cast(TITLE, ARRAY(Integer))[1:2] == [1],
    "table_valued_alias": lambda: exists(select(func.generate_series(1, 2).table_valued("day").c.day)),
    "textual_label_reference": lambda: exists(select(col(Project.id).label("n")).order_by("n")),
    "true": lambda: func.coalesce(TITLE == "x", true()),
    "tuple": lambda: sqlalchemy.tuple_(TITLE, col(Ticket.id)).in_([("x", 1)]),
    "type_coerce": lambda: sqlalchemy.type_coerce(TITLE, Integer) == 1,
    "unary": lambda: not_(and_(TITLE == "x", TITLE == "y")),
    "withingroup": lambda: func.percentile_cont(0.5).within_group(col(Ticket.id).desc(), TITLE) > 1,
}
"""A condition for each kind of element that may stand."""


@pytest.mark.parametrize("kind", KINDS)
def test_an_allowed_kind_binds_the_owner(scoped: Statements[Any], kind: str) -> None:
    element = KINDS[kind]()
    assert kind in {part.__visit_name__ for part in iterate(element)}
    assert unbound(sql(scoped.count((element,)))) == []


def test_a_condition_that_swallows_the_owner_is_refused(scoped: Statements[Any]) -> None:
    with pytest.raises(OwnerRequiredError, match="does not bind"):
        scoped.count((sqlalchemy.false(),))


def test_a_from_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="a FROM of Values cannot be restricted to one owner"):
        table_name(_values())


def test_a_cte_that_is_read_twice_is_one_and_held(scoped: Statements[Any]) -> None:
    projects = select(Project.id).cte("projects")
    where = or_(col(Ticket.project_id).in_(select(projects.c.id)), exists(select(projects.c.id)))
    sent = sql(scoped.list((where,), (), None, 0))
    assert sent.count("FROM project ") == sent.count("project.owner_id = %(the_owner)s") == 1


# What is refused


class Evil(TypeDecorator[str]):
    """A type that makes another owner of each."""

    impl: Any = String
    cache_ok: Any = True


class Unquoted(str):
    """Text that says that it needs no quotes."""

    quote = False


class NotSeenHere(ColumnElement[bool]):
    """An element that SQLAlchemy does not have."""

    inherit_cache: Any = True


ELSEWHERE = Table("project", MetaData(), Column("id", Integer), Column("name", Text, key="owner_id"))
CATALOG = Table("pg_stats", MetaData(), Column("a", Text))
RAW = "1 = 1 OR ticket.id"
SAME_NAME = Table("project", Project.metadata, Column("id", Integer), schema="public")
RAW_SCHEMA = Table("memo", Project.metadata, Column("id", Integer), schema=quoted_name(RAW, False))
for _made in (SAME_NAME, RAW_SCHEMA):
    Project.metadata.remove(_made)  # it is seen as of this metadata all the same, and no other test makes it
_LENGTH: Any = "9)) IS NULL OR ((true"
_NUMBER = Numeric(9, _LENGTH)
BAD = String(_LENGTH)

REFUSED_CONDITIONS: list[tuple[str, Callable[[], Any], str]] = [
    ("text", lambda: text("true"), "SQL in a string|expected an SQL expression"),
    ("text within", lambda: or_(text("true"), col(Ticket.title) == "x"), "SQL in a string"),
    ("literal column", lambda: literal_column("true", Boolean), "SQL in a string cannot be restricted"),
    ("textual select", lambda: col(Ticket.id).in_(text("SELECT 1").columns(id=Integer)), "SQL in a string"),
    ("operator OR", lambda: col(Ticket.title).op("OR", precedence=100)(true()), "an unknown operator"),
    ("operator with SQL", lambda: col(Ticket.title).op("= '' OR '' =")("x"), "an unknown operator"),
    ("operator that comments", lambda: col(Ticket.title).op("--")("x"), "an unknown operator"),
    ("prefix operator", lambda: _prefix("true OR"), "an unknown operator"),
    ("suffix operator", lambda: _suffix("IS NULL OR true"), "an unknown operator"),
    (
        "flags with a placeholder",
        lambda: TITLE.regexp_match("x", flags="__[POSTCOMPILE_x]"),
        "SQL in a string",
    ),
    ("extract", lambda: extract("year from now()) = 1 OR (1", Ticket.opened_on) == 1, "SQL in a string"),
    ("name", lambda: column(quoted_name(RAW, False)) == 1, "a name that is not quoted cannot"),
    ("cte's name", lambda: exists(select(select(Project.id).cte(_raw()).c.id)), "a name that is not quoted"),
    ("cte named as a table", lambda: exists(select(select(Note.id).cte("Project").c.id)), "give it another"),
    ("alias's name", lambda: exists(select(aliased(Project, name=_raw()).id)), "a name that is not quoted"),
    ("subquery's name", lambda: exists(select(select(Project.id).subquery(_raw()).c.id)), "a name that is not quoted"),
    ("lateral's name", lambda: exists(select(select(Project.id).lateral(_raw()).c.id)), "a name that is not quoted"),
    ("label", lambda: exists(select(col(Project.id).label(_raw()))), "a name that is not quoted"),
    ("collation", lambda: col(Ticket.title).collate(_raw()) == "x", "SQL in a string"),
    ("try_cast", lambda: sqlalchemy.try_cast(col(Ticket.title), Integer).is_(None), "the element TryCast"),
    (
        "function's table's name",
        lambda: exists(select(func.unnest(_any([1])).table_valued("x", name=_raw()).c.x)),
        "a name that is not quoted",
    ),
    ("function's name", lambda: getattr(func, quoted_name(RAW, False))() == 1, "a name that is not quoted"),
    ("function's package", lambda: _packed(_raw()) == 1, "a name that is not quoted"),
    ("text that says it is quoted", lambda: column(Unquoted(RAW)) == 1, "a name that is not quoted"),
    (
        "collation by hand",
        lambda: _binary(TITLE, _any(CollationClause)(_raw()), "collate") == "x",
        "a name that is not",
    ),
    ("parameter's name", lambda: TITLE.in_(bindparam("x~~or true~~", ["y"], expanding=True)), "a name that is not"),
    ("interval's words", lambda: bindparam("q", type_=_interval("DAY OR true")) == TITLE, "SQL in a string"),
    ("JSON number's scale", lambda: _json()["a"].as_numeric(10, _any("2)) OR (true")) == 1, "SQL in a string"),
    ("quotient's type", lambda: col(Ticket.id) / sqlalchemy.type_coerce(TITLE, _NUMBER) == 1, "SQL in a string"),
    ("written delimiter", lambda: func.aggregate_strings(TITLE, literal("'", Integer)) == "x", "func.string_agg"),
    ("operator FROM", lambda: exists(select(_binary(column("name"), column("project"), "from_"))), "unknown operator"),
    (
        "list without commas",
        lambda: exists(select(_binary(TITLE, ClauseList(TITLE, true(), operator=_any(None), group=False), "eq"))),
        "a list without commas",
    ),
    ("type's argument", lambda: cast(Ticket.title, String(_any("9) OR (true"))) == "x", "SQL in a string"),
    ("cast's type", lambda: cast(Ticket.title, BAD).is_(None), "SQL in a string"),
    ("cast's type within a type", lambda: cast(Ticket.title, ARRAY(BAD)).is_(None), "SQL in a string"),
    ("cast's variant", lambda: cast(Ticket.title, Text().with_variant(BAD, "postgresql")).is_(None), "SQL in a string"),
    ("cast's decorated type", lambda: cast(Ticket.title, Evil(_any(BAD.length))).is_(None), "SQL in a string"),
    (
        "interval's fields",
        lambda: cast(Ticket.title, postgresql.INTERVAL(fields="day) OR (true")).is_(None),
        "SQL in a stri",
    ),
    ("array's type", lambda: postgresql.array([], type_=BAD).is_(None), "SQL in a string"),
    ("parameter's type within a type", lambda: literal(_any(["x"]), ARRAY(BAD)).is_(None), "SQL in a string"),
    ("function's column's type", lambda: exists(select(literal(1)).select_from(_derived())), "SQL in a string"),
    (
        "function's column's name",
        lambda: exists(select(literal(1)).select_from(_renamed())),
        "a name that is not quoted",
    ),
    ("written parameter", lambda: bindparam("n", "x", literal_execute=True) == "x", "that is written into the sta"),
    ("parameter's type", lambda: literal("x", Numeric(_any("9) OR (1"))) == 1, "SQL in a string"),
    ("function that runs SQL", lambda: func.query_to_xml("select …", True, True, "") == "x", "named in a string"),
    ("function that reads a table", lambda: func.table_to_xml("task", True, True, "") == "x", "named in a string"),
    ("lambda", lambda: exists(select(Project.id).where(lambda: col(Project.name) == "x")), "the element .*Lambda"),
    ("custom element", NotSeenHere, "the element NotSeenHere"),
    ("values", lambda: exists(select(_values().c.x)), "the element Values"),
    (
        "owner's parameter",
        lambda: or_(bindparam(OWNER_PARAMETER, type_=Evil()) == "x", col(Ticket.id) > 0),
        "scope's own",
    ),
    ("owner's parameter with a value", lambda: bindparam(OWNER_PARAMETER, "b") == "x", "scope's own"),
    ("row of a table", lambda: func.row_to_json(PROJECT.table_valued()) == "x", "TableValuedColumn"),
    ("column of a function", lambda: func.unnest(_any([1])).column_valued("x") == 1, "TableValuedColumn"),
    ("core", lambda: col(Ticket.project_id).in_(select(PROJECT.c.id)), "select from its model"),
    ("core exists", lambda: exists().where(PROJECT.c.id == TICKET.c.project_id), "select from its model"),
    ("core alias", lambda: exists(select(PROJECT.alias().c.id)), "select from its model"),
    ("core in a union", lambda: exists(union_all(select(Project.id), select(PROJECT.c.id)).subquery()), "its model"),
    ("core beside an unowned table", lambda: exists(select(NOTE.c.id).join(PROJECT, true())), "select from its model"),
    ("core of its own table", lambda: exists(select(TICKET.c.id).correlate(None)), "select from its model"),
    ("core in a cte", lambda: exists(select(select(PROJECT.c.id).cte().c.id)), "select from its model"),
    ("light table", lambda: exists(select(table("project", column("id")).c.id)), "not of the models' metadata"),
    ("another metadata", lambda: exists(select(ELSEWHERE.c.id)), "not of the models' metadata"),
    ("same name", lambda: exists(select(SAME_NAME.c.id)), "the table public.project, which has the name of one with"),
    ("schema's name", lambda: exists(select(RAW_SCHEMA.c.id)), "a name that is not quoted"),
    (
        "catalog",
        lambda: exists(select(Table("pg_stats", MetaData(), Column("a", Text)).c.a)),
        "not of the models' metadata",
    ),
    ("light catalog", lambda: exists(select(table("pg_stats", column("a")).c.a)), "the table pg_stats, which is not"),
    ("recursion", lambda: exists(select(_recursive().c.id)), "a recursive subquery"),
    (
        "insert",
        lambda: exists(select(_wrote(insert(Note).values(text="x").returning(Note.id)).c.id)),
        "that writes cannot be restricted",
    ),
    (
        "update",
        lambda: exists(select(_wrote(update(Task).values(title="x").returning(Task.id)).c.id)),
        "that writes cannot be restricted",
    ),
    (
        "delete",
        lambda: exists(select(_wrote(delete(Task).returning(Task.id)).c.id)),
        "that writes cannot be restricted",
    ),
    (
        "added cte",
        lambda: exists(select(Project.id).add_cte(delete(Task).cte("d"))),
        "that writes cannot be restricted",
    ),
    ("loader criteria", lambda: exists(select(Project.id).options(with_loader_criteria(Task, true()))), "an option"),
    ("hint", lambda: exists(select(Project.id).with_statement_hint("UNION SELECT 1")), "an option, a hint"),
    ("prefix", lambda: exists(select(Project.id).prefix_with("1 UNION SELECT")), "a prefix"),
    ("suffix", lambda: exists(select(Project.id).suffix_with("UNION SELECT 1")), "a suffix"),
    ("cte's prefix", lambda: exists(select(select(Project.id).cte().suffix_with("x").c.id)), "a suffix"),
    ("sample", lambda: exists(select(aliased(Project, PROJECT.tablesample(text("1)"))).id)), "the element|in a string"),
    ("outer join", lambda: exists(select(Task.id).outerjoin(Project, col(Project.id) == Task.id)), "an outer join to"),
    ("full join", lambda: exists(_full()), "an outer join to"),
    ("left of a full join", lambda: exists(select(Project.id).join(Note, true(), full=True)), "an outer join to"),
]


FOREIGN: list[tuple[str, Callable[[], Any]]] = [
    ("column of another model", lambda: col(Project.name) == "x"),
    ("column of an alias", lambda: col(aliased(Ticket).title) == "x"),
    ("count of a subquery", lambda: _counted().c.n > 1),
    ("column of a table", lambda: PROJECT.c.name == "x"),
]
"""Columns that are not of the repository's table: each brings another table into the FROM of its SELECT."""


def _derived() -> Any:
    return func.json_to_record("{}").table_valued(column("a", BAD)).render_derived(with_types=True)


def _renamed() -> Any:
    return func.json_to_record("{}").table_valued(column(_raw())).render_derived()


def _packed(package: str) -> Any:
    return getattr(getattr(func, package), "abs")(1)  # noqa: B009  # as text


def _interval(fields: str) -> Any:
    return postgresql.INTERVAL(fields=fields)


def _json() -> Any:
    return sqlalchemy.type_coerce(TITLE, postgresql.JSONB)


def _binary(left: Any, right: Any, operator: str) -> Any:
    binary: Any = BinaryExpression
    return binary(left, right, getattr(operators, operator))


def _raw() -> Any:
    return quoted_name(RAW, False)


def _any(value: object) -> Any:
    return value


def _prefix(words: str) -> Any:
    return _unary(operator=words)


def _suffix(words: str) -> Any:
    return _unary(modifier=words)


def _unary(**words: str) -> Any:
    from sqlalchemy.sql.elements import UnaryExpression
    from sqlalchemy.sql.operators import custom_op

    kinds: Any = {name: custom_op[Any](word) for name, word in words.items()}
    return UnaryExpression(TICKET.c.title, type_=Boolean(), **kinds)


def _values() -> Any:
    secret = select(PROJECT.c.name).limit(1).scalar_subquery()
    return values(column("x", Text), name="v").data([(secret,)])


def _counted() -> Any:
    return select(func.count().label("n")).select_from(Project).subquery()


def _recursive() -> Any:
    start = select(Project.id).cte("r", recursive=True)
    return start.union_all(select(start.c.id))


def _wrote(statement: Any) -> Any:
    return statement.cte()


def _full() -> Any:
    return select(Task.id).join(Project, col(Project.owner_id) == Task.user_id, full=True)


@pytest.mark.parametrize(("make", "said"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_CONDITIONS])
def test_a_condition_that_cannot_be_held_is_refused_in_every_place(
    scoped: Statements[Any], make: Callable[[], Any], said: str
) -> None:
    where = make()
    for place in everywhere(scoped, where):
        with pytest.raises(UsageError, match=said):
            place()


EITHER = or_(TITLE == "x", TITLE == "y")
OPEN: list[tuple[str, Callable[[], Any]]] = [
    ("not, of another type", lambda: ~sqlalchemy.type_coerce(EITHER, Boolean)),
    ("true", lambda: _any(AsBoolean)(EITHER, operators.is_true, operators.is_false)),
    ("order of an argument", lambda: postgresql.aggregate_order_by(EITHER, sqlalchemy.null())),
    ("order that swallows the owner", lambda: postgresql.aggregate_order_by(true(), sqlalchemy.null())),
    ("ungrouped", lambda: _ungrouped(or_(TITLE == "x", TITLE == "y"))),
    ("ungrouped by hand", lambda: _ungrouped(_binary(TITLE == "x", TITLE == "y", "or_"))),
    ("ungrouped within", lambda: and_(_ungrouped(or_(TITLE == "x", TITLE == "y")), TITLE == "z")),
    ("ungrouped by hand within", lambda: _with_clauses(and_(TITLE == "z", TITLE == "x"), EITHER, TITLE == "z")),
    ("left operand", lambda: _binary(ClauseList(literal(1), column("project"), group=False), true(), "eq")),
    ("right operand", lambda: _binary(true(), ClauseList(literal(1), column("project"), group=False), "eq")),
    ("aggregate within a group", lambda: _with_type(sqlalchemy.within_group(EITHER, TITLE))),
    ("filtered aggregate", lambda: sqlalchemy.funcfilter(EITHER, TITLE == "x")),
    ("window function", lambda: sqlalchemy.over(EITHER)),
    ("label of an order", lambda: _label_of_an_order(EITHER.label("x"))),
    ("label", lambda: _any(AsBoolean)(EITHER, operators.is_true, operators.is_false).label("x")),
]
"""Conditions that are rendered without the parentheses that they need."""


def _with_type(element: Any) -> Any:
    element.type = Boolean()
    return element


def _label_of_an_order(label: Any) -> Any:
    parts = iterate(select(label).order_by(label))
    return next(part for part in parts if part.__visit_name__ == "label_reference")


def _with_clauses(conditions: Any, *clauses: Any) -> Any:
    conditions.clauses = clauses
    return conditions


def _ungrouped(condition: Any) -> Any:
    condition.group = False
    return condition


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in OPEN])
def test_a_condition_that_would_be_rendered_around_the_owner_is_refused(
    scoped: Statements[Any], make: Callable[[], Any]
) -> None:
    *places, _, _ = everywhere(scoped, make())
    within: Any = exists(select(Project.id).where(make()))
    joined: Any = exists(select(Note.id).join(Project, make()))
    places += [lambda: scoped.count((within,)), lambda: scoped.count((joined,))]
    for place in places:
        with pytest.raises(UsageError, match=r"without its parentheses, .*: write it with and_, or_ and not_"):
            place()


def test_an_aggregate_that_would_be_rendered_around_the_owner_is_refused(scoped: Statements[Any]) -> None:
    with pytest.raises(UsageError, match="without its parentheses"):
        scoped.count((_any(AggregateOrderBy)(EITHER, TITLE),))


@pytest.mark.parametrize(
    "where",
    [
        sqlalchemy.type_coerce(EITHER, Boolean),
        EITHER.label("x"),
        not_(EITHER),
        ~EITHER.label("x"),
        func.coalesce(EITHER, True),
        case((EITHER, True), else_=False),
        TITLE.regexp_replace("x", "y", flags="g") == "z",
        TITLE.regexp_replace("x", "y"),
        cast(EITHER, Boolean) == true(),
    ],
    ids=lambda where: sql(where)[:40],
)
def test_an_or_in_parentheses_is_held(scoped: Statements[Any], where: Any) -> None:
    sent = sql(scoped.count((where,))).partition(" WHERE ")[2]
    while "(" in sent:
        sent = re.sub(r"\([^()]*\)", "", sent)
    assert " OR " not in re.sub("CASE.*END", "", sent)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in FOREIGN])
def test_another_tables_column_is_refused_from_a_caller_and_held_in_a_subclasss_statement(
    scoped: Statements[Any], make: Callable[[], Any]
) -> None:
    *callers, where, columns, having = everywhere(scoped, make())
    for place in callers:
        with pytest.raises(UsageError, match=r"names a column of .*: write a subquery"):
            place()
    for place in (where, columns, having):
        sent = sql(place())
        assert unbound(sent) == [], sent


def test_a_table_of_the_same_name_is_another_where_both_name_their_schema(scoped: Statements[Any]) -> None:
    class Stored(SQLModel, table=True):
        __table_args__ = {"schema": "one"}
        id: int = Field(default=None, primary_key=True)
        owner_id: str

    class StoredData(SQLModel): ...

    define("StoredRepository", (Stored, StoredData, StoredData, int, str), ClassOptions(owner=col(Stored.owner_id)))
    own: Any = inspect(Stored).local_table
    elsewhere, anywhere = [Table("stored", Stored.metadata, Column("id", Integer), schema=one) for one in ("two", None)]
    folded = Table(quoted_name("STORED", False), Stored.metadata, Column("id", Integer), schema="one")
    for made in (own, elsewhere, anywhere, folded):
        Stored.metadata.remove(made)  # no other test makes it
    assert "FROM two.stored" in sql(scoped.count((exists(select(elsewhere.c.id)),)))
    for same in (anywhere, folded):
        with pytest.raises(UsageError, match=f"the table {same}, which has the name of one with owners"):
            scoped.count((exists(select(same.c.id)),))


def test_a_table_hint_other_than_only_is_refused(scoped: Statements[Any]) -> None:
    def hinted(hint: str) -> Any:
        return scoped.count((exists(select(Project.id).with_hint(Project, hint)),))

    assert "FROM ONLY project WHERE project.owner_id = %(the_owner)s" in sql(hinted("ONLY"))
    for hint in ("WHERE true OR", "%(name)s", "ONLY project, ONLY"):
        with pytest.raises(CompileError, match="Unrecognized hint"):
            sql(hinted(hint))


def test_a_light_tables_column_is_refused(scoped: Statements[Any]) -> None:
    where: Any = table("project", column("name")).c.name == "x"
    for place in everywhere(scoped, where)[:-1]:
        with pytest.raises(UsageError, match=r"names a column of project|not of the models' metadata"):
            place()


# What a subclass writes


def _tickets(scoped: Statements[Any]) -> Any:
    return scoped.select([col(Ticket.title)])


P1, P2 = aliased(Project), aliased(Project)
_FIRST_IS_MINE: Any = P1.owner_id == Ticket.owner_id
_ON = col(Project.id) == col(Ticket.project_id)
_SAME = col(Project.owner_id) == col(Ticket.owner_id)
_STATEMENTS: list[tuple[str, Callable[[Select[Any]], Any]]] = [
    ("join", lambda start: start.join(Project, _ON)),
    ("left join", lambda start: start.outerjoin(Project, and_(_ON, _SAME))),
    ("left join, turned round", lambda start: start.outerjoin(Project, col(Ticket.owner_id) == col(Project.owner_id))),
    ("join of an alias", lambda start: start.join(P1, P1.id == Ticket.project_id)),
    ("core join", lambda start: start.join(PROJECT, PROJECT.c.id == TICKET.c.project_id)),
    ("self join", lambda start: start.join(other := aliased(Ticket), other.id == Ticket.id)),
    ("comma", lambda start: start.add_columns(col(Project.name))),
    ("select from", lambda start: start.select_from(Project)),
    ("only columns", lambda start: start.with_only_columns(col(Project.name))),
    ("subquery", lambda start: start.join(sub := select(Project).subquery(), sub.c.id == Ticket.project_id)),
    (
        "left join of a subquery",
        lambda start: start.outerjoin(sub := select(Project).subquery(), sub.c.id == Ticket.id),
    ),
    ("lateral", lambda start: start.join(select(Project.id).lateral(), true())),
    ("cte", lambda start: start.join(cte := select(Project.id).cte(), cte.c.id == Ticket.project_id)),
    ("added cte", lambda start: start.add_cte(select(Project.id).cte("c"))),
    (
        "right join",
        lambda start: start.select_from(outerjoin(PROJECT, TICKET, PROJECT.c.owner_id == TICKET.c.owner_id)),
    ),
    (
        "a chain that follows",
        lambda start: start.outerjoin(P1, P1.owner_id == Ticket.owner_id).outerjoin(P2, P2.owner_id == P1.owner_id),
    ),
    ("a join that follows by another", lambda start: start.select_from(_nested(join))),
    ("a join whose sides follow", lambda start: start.select_from(_met_outside())),
    ("window", lambda start: start.add_columns(func.row_number().over(partition_by=Ticket.project_id))),
    ("locked", lambda start: start.with_for_update(skip_locked=True)),
    ("limit", lambda start: start.limit(select(func.count(col(Project.id))).scalar_subquery())),
    ("distinct", lambda start: start.ext(postgresql.distinct_on(col(Ticket.title)))),
    ("unowned", lambda start: start.join(Note, col(Note.text) == col(Ticket.title))),
    ("function", lambda start: start.join(days := func.generate_series(1, 3).table_valued("day"), days.c.day == 1)),
]


@pytest.mark.parametrize("refine", [pytest.param(refine, id=name) for name, refine in _STATEMENTS])
def test_a_subclasss_statement_binds_the_owner_of_each_table(
    scoped: Statements[Any], refine: Callable[[Select[Any]], Any]
) -> None:
    held = scoped.bind_owner(refine(_tickets(scoped)))
    assert unbound(sql(held)) == [], sql(held)
    assert len(re.findall(r"\bticket\.owner_id = %\(the_owner_*\)s::VARCHAR", sql(held))) == 1


def _met_outside() -> Any:
    one, two = PROJECT.alias(), PROJECT.alias()
    theirs = and_(one.c.owner_id == TICKET.c.owner_id, two.c.owner_id == TICKET.c.owner_id)
    return outerjoin(TICKET, join(one, two, true()), theirs)


def _nested(joined: Any) -> Any:
    """A join on the right of another, that follows by its right side alone."""
    one, two = PROJECT.alias(), PROJECT.alias()
    return outerjoin(TICKET, joined(one, two, one.c.owner_id == two.c.owner_id), two.c.owner_id == TICKET.c.owner_id)


def _twice() -> Any:
    one, two = PROJECT.alias(), PROJECT.alias()
    mine = one.c.owner_id == TICKET.c.owner_id
    return outerjoin(outerjoin(TICKET, one, mine), two, mine)


def _nested_outer() -> Any:
    one, two = PROJECT.alias(), PROJECT.alias()
    return outerjoin(TICKET, join(one, two, one.c.owner_id == two.c.owner_id), true())


_REFUSED_STATEMENTS: list[tuple[str, Callable[[Select[Any]], Any], str]] = [
    ("left join", lambda start: start.outerjoin(Project, _ON), "an outer join to project"),
    ("always", lambda start: start.outerjoin(Project, true()), "an outer join to project"),
    ("of a function", lambda start: start.outerjoin(Project, func.starts_with(Project.name, "x")), "an outer join to"),
    ("tautology", lambda start: start.outerjoin(Project, col(Project.owner_id) == Project.owner_id), "an outer join"),
    ("or", lambda start: start.outerjoin(Project, or_(_SAME, _ON)), "an outer join"),
    ("unequal", lambda start: start.outerjoin(Project, col(Project.owner_id) != col(Ticket.owner_id)), "an outer join"),
    ("not", lambda start: start.outerjoin(Project, not_(_SAME)), "an outer join"),
    ("value", lambda start: start.outerjoin(Project, col(Project.owner_id) == "b"), "an outer join"),
    ("title", lambda start: start.outerjoin(Project, col(Project.owner_id) == col(Ticket.title)), "an outer join"),
    ("name", lambda start: start.outerjoin(Project, col(Project.name) == col(Ticket.owner_id)), "an outer join"),
    ("full join", lambda start: start.join(Project, _SAME, full=True), "an outer join"),
    ("mutual", lambda start: start.select_from(_nested_outer()), "an outer join"),
    ("another alias", lambda start: start.outerjoin(P1, _FIRST_IS_MINE).outerjoin(P2, _FIRST_IS_MINE), "an outer join"),
    ("aliased twice by core", lambda start: start.select_from(_twice()), "an outer join to project"),
    ("left of an outer join", lambda start: start.select_from(_nested(outerjoin)), "an outer join to project"),
    ("later", lambda start: start.outerjoin(P1, P1.owner_id == P2.owner_id).outerjoin(P2, true()), "an outer join"),
    ("union", lambda start: start.union(select(Ticket.title)), "does not bind"),
    ("another", lambda _: select(col(Ticket.title)), "does not bind"),
    (
        "own condition",
        lambda _: select(Ticket.title).where(TICKET.c.owner_id == bindparam(OWNER_PARAMETER)),
        "does not bind",
    ),
    (
        "or over the scope",
        lambda start: select(Ticket.title).where(or_(start.whereclause, literal(True))),
        "does not bind",
    ),
    ("not over the scope", lambda start: select(Ticket.title).where(not_(start.whereclause)), "does not bind"),
    ("exists over the scope", lambda start: select(exists(start), col(Ticket.title)), "does not bind"),
    ("exists beside an alias", lambda start: select(exists(start), aliased(Ticket).title), "does not bind"),
    ("exists beside a count", lambda start: select(exists(start), func.count(TICKET.c.id)), "does not bind"),
    ("exists over another", lambda _: select(exists(select(Ticket.id).where(true()))), "does not bind"),
    ("nothing", lambda _: select(literal(1)), "does not bind"),
    ("exists beside another", lambda start: select(exists(start), exists(select(Project.id))), "does not bind"),
    ("delete", lambda _: delete(TICKET), "does not bind"),
    ("update", lambda _: update(TICKET).values(title="x"), "does not bind"),
    ("insert", lambda _: insert(TICKET).values(owner_id="b", title=bindparam(OWNER_PARAMETER)), "does not bind"),
    ("from statement", lambda start: select(Ticket).from_statement(start), "does not bind"),
    ("text order", lambda start: start.order_by(text("1")), "SQL in a string"),
    ("statement option", lambda start: start.options(with_loader_criteria(Ticket, true())), "an option"),
    ("group", lambda start: start.group_by(literal_column("1 OR 1")), "SQL in a string"),
    ("writing cte", lambda start: start.add_cte(delete(Project).cte("d")), "that writes cannot be restricted"),
    ("core of its own table", lambda start: start.where(exists(select(TICKET.c.id).correlate(None))), "its model"),
    ("limit by core", lambda start: start.limit(select(PROJECT.c.id).scalar_subquery()), "select from its model"),
]


@pytest.mark.parametrize(("refine", "said"), [pytest.param(*rest, id=name) for name, *rest in _REFUSED_STATEMENTS])
def test_a_subclasss_statement_that_cannot_be_held_is_refused(
    scoped: Statements[Any], refine: Callable[[Select[Any]], Any], said: str
) -> None:
    with pytest.raises((UsageError, OwnerRequiredError), match=said):
        scoped.bind_owner(refine(_tickets(scoped)))


def test_a_statement_that_was_not_scoped_is_not_sent(scoped: Statements[Any]) -> None:
    metadata = required_metadata(TicketRepository, CRUDRepository, ClassOptions(owner=col(Ticket.owner_id)))
    bound: Bound[Any] = Bound(Session(), metadata, metadata.scoped, {OWNER_PARAMETER: "ada"})
    for statement in (_tickets(scoped), _tickets(scoped).join(Project, _ON), select(Ticket.title), delete(TICKET)):
        unchecked: Any = statement
        with pytest.raises(OwnerRequiredError, match=r"was not made with _select\(\): begin it with _select"):
            run(bound, unchecked, {}, OperationKind("select"))


def test_every_select_of_a_subclass_binds_the_owner_and_is_checked(scoped: Statements[Any]) -> None:
    change = scoped.change(Change(typed(Ticket.title).to("x")), {})
    versioned = Statements(
        define("TaskRepository", (Task, TaskCreate, TaskUpdate, int, str), _TASK_KEYWORDS), scoped=True
    )
    expected = [versioned.update_expected, versioned.delete_expected]
    for statement in (scoped.select_by_id, scoped.update, scoped.delete, change, *expected):
        assert unbound(sql(statement)) == [], sql(statement)
    for statement in (scoped.list((), (), 1, 1), scoped.count(()), scoped.exists(()), scoped.select_by_id):
        assert unbound(sql(statement)) == [], sql(statement)
    inserting: Any = scoped.insert.statement
    dialect: Any = postgresql.dialect
    assert unbound(" ".join(str(inserting.compile(dialect=dialect(), column_keys=["title"])).split())) == []


_TASK_KEYWORDS = ClassOptions(owner=col(Task.user_id), version=col(Task.updated_at))


def test_a_repository_without_a_scope_reaches_every_row(scoped: Statements[Any]) -> None:
    everybody = Statements(scoped.entity, scoped=False)
    where = col(Ticket.project_id).in_(select(Project.id))
    statement = everybody.select([col(Ticket.title)]).where(where)
    assert everybody.bind_owner(statement).statement is statement
    assert "the_owner" not in sql(everybody.list((where,), (), None, 0))


# Changes


@pytest.mark.parametrize(
    "assignment",
    [
        typed(Ticket.id).to(1),
        typed(Ticket.owner_id).to("b"),
        typed(Project.name).to("b"),
        typed(Task.title).to("b"),
    ],
)
def test_a_change_sets_neither_key_nor_owner_nor_another_tables_column(
    scoped: Statements[Any], assignment: Assignment
) -> None:
    with pytest.raises(UsageError, match=r"cannot set primary key, owner or version|names a column of"):
        scoped.change(Change(assignment), {})


def test_a_change_takes_only_the_parameters_that_it_names(scoped: Statements[Any]) -> None:
    change = Change(typed(Ticket.title).to(bindparam("text")), where=col(Ticket.assignee) == bindparam("who"))
    assert scoped.change(change, {"text": "x", "who": "y"}) is scoped.change(change, {"who": "z"})
    for name in ("owner_id", "id", "assignee", "title", OWNER_PARAMETER, ID_PARAMETER):
        with pytest.raises(UsageError, match="unexpected parameters for this Change of Ticket, it takes: text, who"):
            scoped.change(change, {"text": "x", name: "y"})
    named = Change(typed(Ticket.title).to(_any(sum((bindparam(one) for one in "hgfedcba"), literal("")))))
    with pytest.raises(UsageError, match="it takes: a, b, c, d, e, f, g, h"):
        scoped.change(named, {"z": "x"})
    with pytest.raises(UsageError, match=r"it takes: none$"):
        scoped.change(Change(typed(Ticket.title).to("x")), {"owner_id": "b"})


@pytest.mark.parametrize("name", ["owner_id", "title", EXPECTED_PARAMETER])
def test_a_change_names_no_parameter_as_a_column(scoped: Statements[Any], name: str) -> None:
    change = Change(typed(Ticket.title).to("x"), where=col(Ticket.assignee) == bindparam(name))
    with pytest.raises(UsageError, match=f"names the parameter '{name}', which is a column's name"):
        scoped.change(change, {})


def test_a_value_that_is_no_expression_is_refused_with_the_fix(scoped: Statements[Any]) -> None:
    refused: list[tuple[Callable[[], object], str]] = [
        (
            lambda: scoped.count((_any(True),)),
            r"a condition is a bool, .*: "
            r"write typed\(Model.field\) == value or \.is_null\(\), joined by & and \|$",
        ),
        (
            lambda: scoped.count((_any(None),)),
            r"^a condition is None: leave out what was not asked for, "
            r"\*if_given\(value, typed\(Model.field\).eq\)$",
        ),
        (
            lambda: scoped.list((), _any("title"), None, 0),
            r"an order is a str, .*: write typed\(Model.field\) or typed\(Model.field\).desc\(\)$",
        ),
        (
            lambda: Statements(scoped.entity, scoped=True, columns=[_any("title")]),
            r"a value is a str, .*: write an expression of typed\(Model.field\), or select\(…\).scalar_\w+\(\)$",
        ),
    ]
    for call, said in refused:
        with pytest.raises(UsageError, match=said):
            call()


def test_a_value_that_turns_into_an_expression_is_seen(scoped: Statements[Any]) -> None:
    class Hidden:
        def __clause_element__(self) -> object:
            return select(PROJECT.c.name).scalar_subquery()

    with pytest.raises(UsageError, match="a subquery reads a table that has owners"):
        scoped.change(Change(typed(Ticket.title).to(_any(Hidden()))), {})


def test_a_change_that_two_repositories_share_is_checked_by_each(scoped: Statements[Any]) -> None:
    change = Change(typed(Ticket.title).to(select(Project.name).limit(1).scalar_subquery()))
    everybody = Statements(scoped.entity, scoped=False)
    assert "the_owner" not in sql(everybody.change(change, {}))
    assert unbound(sql(scoped.change(change, {}))) == []


def test_statements_built_before_a_table_had_owners_are_rebuilt(scoped: Statements[Any]) -> None:
    class Late(SQLModel, table=True):
        id: int = Field(default=None, primary_key=True)
        owner_id: str

    class LateData(SQLModel): ...

    subquery = select(Late.id).limit(1).scalar_subquery()
    change = Change(typed(Ticket.title).to("x"), where=col(Ticket.project_id) == subquery)
    before = sql(scoped.change(change, {}))
    assert "late.owner_id" not in before
    kept = scoped.change(change, {})
    try:
        define("LateRepository", (Late, LateData, LateData, int, str), ClassOptions(owner=col(Late.owner_id)))
        assert scoped.change(change, {}) is not kept
        assert "late.owner_id = %(the_owner)s" in sql(scoped.change(change, {}))
        assert scoped.change(change, {}) is scoped.change(change, {})
    finally:
        table_of_late: Any = inspect(Late).local_table
        SQLModel.metadata.remove(table_of_late)  # no other test makes it


# What a model brings


def test_a_models_computed_attributes_and_relationships_are_not_loaded_with_it() -> None:
    class Local(SQLModel, registry=registry()): ...

    class Parent(Local, table=True):
        id: int = Field(default=None, primary_key=True)
        owner_id: str

    class ParentData(SQLModel): ...

    mapper: Any = inspect(Parent)
    names = select(func.count(col(Project.id))).correlate(None).scalar_subquery()
    mapper.add_property("projects", column_property(names))

    entity = define(
        "ParentRepository", (Parent, ParentData, ParentData, int, str), ClassOptions(owner=col(Parent.owner_id))
    )
    sent = sql(Statements(entity, scoped=True).list((), (), None, 0))
    assert "project" not in sent


def test_relationship_comparators_are_held(scoped: Statements[Any]) -> None:
    mapper: Any = inspect(Project)
    on: Any = and_(TICKET.c.project_id == PROJECT.c.id)
    if "scoped_tickets" not in mapper.relationships:
        mapper.add_property(
            "scoped_tickets",
            relationship(Ticket, primaryjoin=on, foreign_keys=[TICKET.c.project_id], viewonly=True),
        )
    attribute: Any = mapper.attrs["scoped_tickets"].class_attribute
    projects = Statements(
        define("ProjectRepository", (Project, _ProjectData, _ProjectUpdate, int, str), _PROJECT_KEYWORDS), scoped=True
    )
    for where in (attribute.any(), ~attribute.any(col(Ticket.title) == "x")):
        assert unbound(sql(projects.list((where,), (), None, 0))) == []
    for option in (joinedload(attribute), selectinload(attribute)):
        with pytest.raises(UsageError, match="an option"):
            projects.bind_owner(projects.select([col(Project.name)]).options(option))


class _ProjectData(SQLModel):
    name: str = Field(max_length=40)


class _ProjectUpdate(SQLModel): ...


_PROJECT_KEYWORDS = ClassOptions(owner=col(Project.owner_id))


def test_refusals_tell_what_to_write_instead(scoped: Statements[Any]) -> None:
    said: list[str] = []
    for _, make, _ in REFUSED_CONDITIONS:
        with pytest.raises(RepositoryError) as raised:
            scoped.count((make(),))
        said.append(str(raised.value))
    assert all(": " in one and re.search(r"use |write |select |add |give ", one) for one in said), said


def test_dates_are_values(scoped: Statements[Any]) -> None:
    assert "opened_on >= %(" in sql(scoped.count((col(Ticket.opened_on) >= date(2026, 1, 1),)))


@pytest.mark.parametrize("name", [quoted_name("(SELECT * FROM ticket)", False), quoted_name("Ticket", False)])
def test_a_table_that_is_rendered_as_another_is_refused(scoped: Statements[Any], name: Any) -> None:
    table = sqlalchemy.Table(name, sqlalchemy.MetaData(), sqlalchemy.Column("id", sqlalchemy.Integer))
    own: Any = Ticket
    disguised = table.to_metadata(own.metadata)
    try:
        with pytest.raises(UsageError, match="cannot be restricted to one owner"):
            scoped.exists((exists(sqlalchemy.select(disguised.alias("z").c.id)),))
    finally:
        own.metadata.remove(disguised)


def test_a_model_without_an_owner_reads_no_table_with_owners() -> None:
    notes = required_metadata(NoteRepository, CRUDRepository, ClassOptions(version=col(Note.revision))).unscoped
    owned_rows = exists(sqlalchemy.select(col(Project.id)).where(col(Project.name) == "secret"))
    titles: Any = sqlalchemy.select(func.string_agg(col(Project.name), ",")).scalar_subquery()
    message = (
        "^Note has no owner, and the statement reads project, which has owners: read project with its own repository$"
    )
    statements: list[Callable[[], object]] = [
        lambda: notes.list((owned_rows,), (), None, 0),
        lambda: notes.list((), titles, None, 0),
        lambda: notes.count((owned_rows,)),
        lambda: notes.count((func.row_to_json(PROJECT.table_valued()) == "x",)),
        lambda: notes.bind_owner(notes.select([titles])),
        lambda: notes.change(Change(typed(Note.text).to(titles)), {}),
    ]
    for statement in statements:
        with pytest.raises(OwnerRequiredError, match=message):
            statement()
