"""Typed conditions: their SQL, and the text of every refusal. No database."""

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import DateTime, Select, and_, bindparam, func, or_, true
from sqlmodel import col, select

from backend import Condition, if_given, typed
from backend.entity.checks import ClassOptions, define
from backend.errors import UsageError
from backend.statements.statements import Statements
from backend.tasks import Task
from tests.support.compiling import compiled
from tests.support.models.mutable import Rack
from tests.support.models.suite import Project, ProjectCreate, ProjectUpdate, Ticket
from tests.support.models.types import Sample, SampleCreate, SampleUpdate

untyped: Any = typed
AT = datetime(2026, 1, 1, tzinfo=UTC)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what is refused
SAMPLES: Statements[Any] = Statements(
    define("Samples", (Sample, SampleCreate, SampleUpdate, int, str), ClassOptions()), scoped=False
)
PROJECTS: Statements[Any] = Statements(
    define("Projects", (Project, ProjectCreate, ProjectUpdate, int, str), ClassOptions(owner=col(Project.owner_id))),
    scoped=True,
)
OPEN = typed(Sample.small).is_null()


def sql_of(condition: Any) -> tuple[str, list[object]]:
    made = compiled(SAMPLES.count((condition,)))
    return made.sql.partition(" WHERE ")[2], list(made.parameters.values())


_LIKE = "(sample.text {} ESCAPE '/')"
CONDITIONS: dict[str, tuple[Condition, str, list[object]]] = {
    "==": (typed(Sample.text) == "x", "sample.text = %(the_condition_0)s", ["x"]),
    "eq": (typed(Sample.text).eq("x"), "sample.text = %(the_condition_0)s", ["x"]),
    "!=": (typed(Sample.text) != "x", "sample.text != %(the_condition_0)s", ["x"]),
    "ne": (typed(Sample.text).ne("x"), "sample.text != %(the_condition_0)s", ["x"]),
    "<": (typed(Sample.whole) < 1, "sample.whole < %(the_condition_0)s", [1]),
    "<=": (typed(Sample.whole) <= 1, "sample.whole <= %(the_condition_0)s", [1]),
    ">": (typed(Sample.whole) > 1, "sample.whole > %(the_condition_0)s", [1]),
    ">=": (typed(Sample.whole) >= 1, "sample.whole >= %(the_condition_0)s", [1]),
    "another column": (typed(Sample.whole) == typed(Sample.small), "sample.whole = sample.small", []),
    "an SQL expression": (typed(Sample.text) == func.lower(col(Sample.text)), "sample.text = lower(sample.text)", []),
    "in a list": (typed(Sample.whole).in_([1, 2]), "sample.whole IN (__[POSTCOMPILE_the_condition_0])", [[1, 2]]),
    "in a set": (typed(Sample.whole).in_({1}), "sample.whole IN (__[POSTCOMPILE_the_condition_0])", [[1]]),
    "in a tuple": (typed(Sample.whole).in_((1,)), "sample.whole IN (__[POSTCOMPILE_the_condition_0])", [[1]]),
    "not in": (typed(Sample.whole).not_in([1]), "(sample.whole NOT IN (__[POSTCOMPILE_the_condition_0]))", [[1]]),
    "in a subquery": (
        typed(Sample.id).in_(select(Sample.id).where(typed(Sample.text) == "x")),
        "sample.id IN (SELECT sample.id FROM sample WHERE sample.text = %(text_1)s)",
        ["x"],
    ),
    "between": (
        typed(Sample.whole).between(1, 2),
        "sample.whole BETWEEN %(the_condition_0)s AND %(the_condition_1)s",
        [1, 2],
    ),
    "is null": (typed(Sample.text).is_null(), "sample.text IS NULL", []),
    "is not null": (typed(Sample.text).is_not_null(), "sample.text IS NOT NULL", []),
    "contains": (
        typed(Sample.text).contains("5%_/\\"),
        _LIKE.format("LIKE '%%' || %(the_condition_0)s || '%%'"),
        ["5/%/_//\\"],
    ),
    "contains, any case": (
        typed(Sample.text).contains("x", ignore_case=True),
        _LIKE.format("ILIKE '%%' || %(the_condition_0)s || '%%'"),
        ["x"],
    ),
    "starts with": (typed(Sample.text).starts_with("x_"), _LIKE.format("LIKE %(the_condition_0)s || '%%'"), ["x/_"]),
    "starts with, any case": (
        typed(Sample.text).starts_with("x%", ignore_case=True),
        _LIKE.format("ILIKE %(the_condition_0)s || '%%'"),
        ["x/%"],
    ),
    "ends with": (typed(Sample.text).ends_with("x%"), _LIKE.format("LIKE '%%' || %(the_condition_0)s"), ["x/%"]),
    "ends with, any case": (
        typed(Sample.text).ends_with("x_", ignore_case=True),
        _LIKE.format("ILIKE '%%' || %(the_condition_0)s"),
        ["x/_"],
    ),
    "int +": (typed(Sample.whole) + 1 > 2, "sample.whole + %(the_condition_0)s > %(the_condition_1)s", [1, 2]),
    "int -": (typed(Sample.whole) - typed(Sample.whole) > 2, "sample.whole - sample.whole > %(the_condition_0)s", [2]),
    "float *": (typed(Sample.ratio) * 2 > 2, "sample.ratio * %(the_condition_0)s > %(the_condition_1)s", [2, 2]),
    "Decimal *": (
        typed(Sample.price) * Decimal("1.075") > Decimal(2),
        "sample.price * %(the_condition_0)s > %(the_condition_1)s",
        [Decimal("1.075"), Decimal(2)],
    ),
    "str +": (
        typed(Sample.text) + "x" == "y",
        "(sample.text || %(the_condition_0)s) = %(the_condition_1)s",
        ["x", "y"],
    ),
    "datetime + timedelta": (
        typed(Sample.at) + timedelta(1) > AT,
        "sample.at + %(the_condition_0)s > %(the_condition_1)s",
        [timedelta(1), AT],
    ),
    "datetime - timedelta": (
        typed(Sample.at) - timedelta(1) > AT,
        "sample.at - %(the_condition_0)s > %(the_condition_1)s",
        [timedelta(1), AT],
    ),
    "datetime - datetime": (
        typed(Sample.at) - AT > timedelta(1),
        "sample.at - %(at_1)s > %(param_1)s",
        [AT, timedelta(1)],
    ),
    "timedelta +": (
        typed(Sample.length) + timedelta(1) > timedelta(2),
        "sample.length + %(length_1)s > %(param_1)s",
        [timedelta(1), timedelta(2)],
    ),
    "&": (OPEN & (typed(Sample.whole) > 1), "sample.small IS NULL AND sample.whole > %(the_condition_0)s", [1]),
    "|": (OPEN | (typed(Sample.whole) > 1), "sample.small IS NULL OR sample.whole > %(the_condition_0)s", [1]),
    "~": (~OPEN, "sample.small IS NOT NULL", []),
    "~ of |": (
        ~(OPEN | (typed(Sample.whole) > 1)),
        "NOT (sample.small IS NULL OR sample.whole > %(the_condition_0)s)",
        [1],
    ),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_a_condition_is_this_sql(case: str) -> None:
    condition, sql, values = CONDITIONS[case]
    assert sql_of(condition) == (sql, values)


def test_a_boolean_column_is_true_false_or_null() -> None:
    assert str(typed(Task.completed).is_true()) == "Condition(task.completed IS true)"
    assert str(typed(Task.completed).is_false()) == "Condition(task.completed IS false)"
    assert str(typed(Task.completed) == True) == "Condition(task.completed = true)"  # noqa: E712


@pytest.mark.parametrize(
    ("order", "sql"),
    [
        (typed(Sample.text), "sample.text"),
        ([typed(Sample.text).asc(), typed(Sample.whole)], "sample.text ASC, sample.whole"),
        (typed(Sample.text).desc().nulls_last(), "sample.text DESC NULLS LAST"),
        (typed(Sample.text).asc().nulls_first(), "sample.text ASC NULLS FIRST"),
    ],
)
def test_an_order_takes_typed_columns(order: Any, sql: str) -> None:
    assert compiled(SAMPLES.list((), order, None, 0)).sql.partition(" ORDER BY ")[2] == f"{sql}, sample.id"


@pytest.mark.parametrize(
    "joined",
    [
        (col(Sample.whole) > 1) | OPEN,
        or_(col(Sample.whole) > 1, OPEN),
    ],
)
def test_sqlalchemys_operators_take_conditions(joined: Any) -> None:
    assert sql_of(joined) == ("sample.whole > %(the_condition_0)s OR sample.small IS NULL", [1])


def test_conditions_take_sqlalchemys_expressions() -> None:
    sql = "sample.small IS NULL AND length(sample.text) > %(the_condition_0)s"
    assert sql_of(OPEN & (func.length(col(Sample.text)) > 1)) == (sql, [1])
    assert sql_of(and_(OPEN, func.length(col(Sample.text)) > 1)) == (sql, [1])
    assert sql_of(OPEN | true()) == ("true", [])


def test_a_subquery_in_a_condition_is_restricted_to_the_owner() -> None:
    projects: Select[Any] = select(Ticket.project_id).where(typed(Ticket.title) == "x")
    made = compiled(PROJECTS.list((typed(Project.id).in_(projects) & ~typed(Project.name).is_null(),), (), None, 0))
    assert "WHERE ticket.title = %(title_1)s AND ticket.owner_id = %(the_owner)s)" in made.sql


def test_a_condition_shows_no_value() -> None:
    shown = repr(typed(Sample.text).in_(["secret"]) & (typed(Sample.text) == "secret")) + repr(
        typed(Sample.text) + "secret"
    )
    assert "sample.text = :text_2" in shown
    assert "secret" not in shown


def test_a_filter_that_is_not_given_is_left_out() -> None:
    assert if_given(None, typed(Sample.text).contains) == ()
    [condition] = if_given("", typed(Sample.text).eq)
    assert sql_of(condition) == ("sample.text = %(the_condition_0)s", [""])
    where = [*if_given(0, lambda least: typed(Sample.whole) >= least), *if_given([], typed(Sample.text).in_)]
    assert [sql_of(one)[1] for one in where] == [[0], [[]]]


_JOIN = "a condition is no bool: join conditions with & | ~, each in parentheses, not with and, or, not"
_NO_BOOL = "sample.text is no bool: compare it, and join conditions with & | ~"
_TAKES = "typed() takes a column of a model, got {}: write typed(Model.field)"
_NULL = "sample.text is compared with None: write .is_null() or .is_not_null()"
_NO_STR = "sample.text is compared with an int, expected a str"
_IN = "in_() of sample.text takes a list, a tuple, a set or a select(), got {}: write "
_SEARCH = "{} holds no text: contains(), starts_with() and ends_with() search text"
_ZONE = "sample.at is compared with a datetime: its column has a time zone: pass a datetime that has one"
_JOINED = (
    "a condition is joined with a bool, expected a condition: write typed(Model.field) == value, .is_null(), .in_(…)"
)
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "bool": (lambda: bool(OPEN), _JOIN),
    "and": (lambda: OPEN and OPEN, _JOIN),
    "or": (lambda: OPEN or OPEN, _JOIN),
    "not": (lambda: not OPEN, _JOIN),
    "bool of a column": (lambda: bool(typed(Sample.text)), _NO_BOOL),
    "in a column": (
        lambda: "x" in untyped(Sample.text),
        "sample.text holds no values in Python: write column.in_([…]) or column.contains(text)",
    ),
    "& with a bool": (lambda: OPEN & untyped_bool(), _JOINED),
    "| with a bool": (lambda: OPEN | untyped_bool(), _JOINED),
    "typed of a text": (lambda: untyped("text"), _TAKES.format("a str")),
    "typed of None": (lambda: untyped(None), _TAKES.format("None")),
    "typed of a comparison": (lambda: untyped(col(Sample.id) == 1), _TAKES.format("a BinaryExpression")),
    "typed of a function": (lambda: untyped(func.lower(col(Sample.text))), _TAKES.format("a Function")),
    "typed of a model": (lambda: untyped(Sample), _TAKES.format("the class Sample")),
    "typed of a relationship": (lambda: untyped(Rack.jars), _TAKES.format("Rack.jars, which is none")),
    "== None": (lambda: untyped(Sample.text) == None, _NULL),  # noqa: E711 - what is refused
    "!= None": (lambda: untyped(Sample.text) != None, _NULL),  # noqa: E711 - what is refused
    "eq None": (lambda: untyped(Sample.text).eq(None), _NULL),
    "None in a list": (lambda: untyped(Sample.text).in_(["x", None]), _NULL),
    "a bound None": (lambda: untyped(Sample.text).between("x", None), _NULL),
    "wrong value": (lambda: untyped(Sample.text) == 5, _NO_STR),
    "wrong order": (lambda: untyped(Sample.text) < 5, _NO_STR),
    "wrong member": (lambda: untyped(Sample.text).not_in(["x", 5]), _NO_STR),
    "wrong bound": (lambda: untyped(Sample.text).between(5, "x"), _NO_STR),
    "naive time": (lambda: typed(Sample.at) < NAIVE, _ZONE),
    "too large": (
        lambda: typed(Sample.small) < 2**15,
        "sample.small is compared with an int: its column holds whole numbers from -32768 to 32767",
    ),
    "in a text": (lambda: untyped(Sample.text).in_("abc"), _IN.format("a str") + "[value]"),
    "in bytes": (lambda: untyped(Sample.text).in_(b"abc"), _IN.format("a bytes") + "[value]"),
    "in a generator": (
        lambda: untyped(Sample.text).in_(one for one in "abc"),
        _IN.format("a generator") + "list(values)",
    ),
    "in a range": (lambda: untyped(Sample.text).in_(range(3)), _IN.format("a range") + "list(values)"),
    "not in None": (
        lambda: untyped(Sample.text).not_in(None),
        _IN.format("None") + "*if_given(values, typed(Model.field).in_)",
    ),
    "number for a search": (
        lambda: untyped(Sample.text).contains(5),
        "sample.text is searched for an int, expected a str",
    ),
    "None for a search": (
        lambda: untyped(Sample.text).starts_with(None),
        "sample.text is searched for None, expected a str",
    ),
    "NUL in a search": (
        lambda: typed(Sample.text).ends_with("\0"),
        "sample.text is compared with a str: text holds a NUL or a lone surrogate, which PostgreSQL cannot store",
    ),
    "search in a number": (lambda: untyped(Sample.whole).contains("x"), _SEARCH.format("sample.whole")),
    "search in an enum": (lambda: untyped(Sample.colour).contains("x"), _SEARCH.format("sample.colour")),
    "search in an array": (lambda: untyped(Sample.tags).ends_with("x"), _SEARCH.format("sample.tags")),
    "number + text": (lambda: untyped(Sample.whole) + "x", "sample.whole is computed with a str, expected an int"),
    "number + None": (lambda: untyped(Sample.whole) + None, "sample.whole is computed with None"),
    "time + number": (lambda: untyped(Sample.at) + 3, "sample.at is computed with an int, expected a timedelta"),
    "time + time": (lambda: untyped(Sample.at) + AT, "sample.at is computed with a datetime, expected a timedelta"),
    "UUID + number": (
        lambda: untyped(Sample.key) - 1,
        "sample.key has no arithmetic: it computes with numbers, texts, times and intervals",
    ),
}


def untyped_bool() -> Any:
    return Sample.id is None


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_condition_is_refused_when_it_is_made(case: str) -> None:
    make, text = REFUSED[case]
    with pytest.raises(UsageError) as raised:
        make()
    assert str(raised.value) == text


@pytest.mark.parametrize("name", ["like", "ilike", "containz"])
def test_a_typed_column_says_what_searches_text(name: str) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(typed(Sample.text), name)
    assert str(raised.value) == (
        f"a TypedColumn has no attribute {name!r}: search text with contains(text, ignore_case=True), "
        "starts_with() or ends_with(), and write col(Model.field) for SQLAlchemy's own methods"
    )


def test_a_typed_column_is_copied() -> None:
    assert sql_of(copy(typed(Sample.text)) == "x")[0] == "sample.text = %(the_condition_0)s"


def test_a_parameter_of_a_subclasss_statement_may_be_compared() -> None:
    statement = SAMPLES.select([col(Sample.id)]).where(
        typed(Sample.at) > bindparam("since", type_=DateTime(timezone=True))
    )
    SAMPLES.bind_owner(statement, {"since": AT})
    with pytest.raises(UsageError, match=r"^sample\.at is compared with a datetime"):
        SAMPLES.bind_owner(statement, {"since": NAIVE})


def test_a_column_of_another_table_is_refused() -> None:
    with pytest.raises(UsageError) as raised:
        SAMPLES.count((typed(Project.name) == "x",))
    assert str(raised.value) == (
        "a condition on sample names a column of project, which is not read here: "
        "write a subquery, typed(Model.field).in_(select(…))"
    )
