"""Plain expressions: which are, that each would pass every other check unchanged, and what their shapes are.

No database.
"""

import re
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Boolean, Numeric, inspect, quoted_name
from sqlalchemy.exc import CompileError, InvalidRequestError
from sqlalchemy.orm import aliased
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    ClauseElement,
    ClauseList,
    ExpressionClauseList,
    Grouping,
)
from sqlmodel import col
from typing_extensions import override

from backend import typed
from backend.entity.checks import ClassOptions, define
from backend.entity.column_types import DIALECT
from backend.entity.ownership import Ownership
from backend.entity.parameters import OWNER_PARAMETER
from backend.errors import OwnerRequiredError, UsageError
from backend.statements.conditions import checked_conditions
from backend.statements.keyset import Position
from backend.statements.locks import Lock
from backend.statements.plain import PlainExpressions
from backend.statements.scope.bind import Scope
from backend.statements.statements import Statements
from tests.support.compiling import compiled
from tests.support.models.suite import Project, Ticket, TicketCreate, TicketUpdate

# The forms are written as somebody writes them who heeds no type checker.
sql: Any = sqlalchemy
func: Any = sqlalchemy.func
select: Any = sqlalchemy.select
binary: Any = BinaryExpression
grouping: Any = Grouping
unary: Any = sqlalchemy.UnaryExpression
TABLE: Any = inspect(Ticket).local_table
ENTITY = define(
    "TicketRepository", (Ticket, TicketCreate, TicketUpdate, int, str), ClassOptions(owner=col(Ticket.owner_id))
)
SCOPED: Statements[Any] = Statements(ENTITY, scoped=True)
title: Any = col(Ticket.title)
number: Any = col(Ticket.id)
day: Any = col(Ticket.opened_on)
name: Any = col(Project.name)
TEXT: Any = "2)) OR ((true"
LONG: Any = sql.Text()
TEXTS: Any = sql.Text()
VALUES: Any = sql.bindparam("x", ["x"], LONG, expanding=True)
BAD: Any = Numeric(9, TEXT)
LOOSE: Any = quoted_name("true) OR (true", False)

PLAIN: dict[str, Callable[[], Any]] = {
    "==": lambda: title == "x",
    "typed": lambda: typed(Ticket.id) > 3,
    "typed, joined": lambda: (typed(Ticket.id) > 3) & (title == "x") | ~(typed(Ticket.id) == 1),
    "two columns": lambda: title == col(Ticket.assignee),
    "in": lambda: number.in_([1, 2]),
    "not in nothing": lambda: number.not_in([]),
    "between": lambda: number.between(1, 2),
    "is null": lambda: title.is_(None),
    "is a constant": lambda: (title == "x").is_(True),
    "contains": lambda: title.contains("x%", autoescape=True),
    "ilike": lambda: title.ilike("x%"),
    "and": lambda: sql.and_(title == "x", number > 3),
    "or": lambda: sql.or_(title == "x", sql.and_(number > 3, number < 5)),
    "or within and": lambda: sql.and_(sql.or_(title == "x", number > 3), number < 5),
    "not": lambda: sql.not_(sql.or_(title == "x", number > 3)),
    "an order": lambda: title.desc().nulls_last(),
    "a typed order": lambda: typed(Ticket.title).asc(),
    "lower": lambda: func.lower(title) == "x",
    "coalesce": lambda: func.coalesce(col(Ticket.assignee), "x") == "x",
    "coalesce of a condition": lambda: func.coalesce(title == "x", sql.true()),
    "now": lambda: day < func.now(),
    "arithmetic": lambda: number + 1 + number > 2,
    "concatenation": lambda: title + "x" == "y",
    "a column": lambda: title,
    "of the table": lambda: TABLE.c.title == "x",
    "a named value": lambda: title == sql.bindparam("name", "x"),
}


class Equal:
    """An object that is equal to an operator."""

    __name__ = "x"

    @override
    def __eq__(self, other: object) -> bool:
        return other is operators.eq

    @override
    def __hash__(self) -> int:
        return hash(operators.eq)


def changed(of: Any, **attributes: Any) -> Any:
    """Return a copy with these attributes."""
    element = copy(of)
    for attribute, value in attributes.items():
        setattr(element, attribute, value)
    return element


def _arguments(element: Any) -> Any:
    made = func.lower(title)
    return changed(made, clause_expr=grouping(element))


def _either() -> Any:
    return sql.or_(title == "x", number > 3)


def _both() -> Any:
    return sql.and_(title == "x", number > 3)


NOT_PLAIN: dict[str, Callable[[], Any]] = {
    "a column with another name": lambda: binary(changed(TABLE.c.title, name="assignee"), title, operators.eq),
    "a column with another type": lambda: binary(changed(TABLE.c.title, type=LONG), title, operators.eq),
    "a parameter without a value": lambda: title == sql.bindparam("name"),
    "text": lambda: sql.text("true"),
    "a Python value": lambda: True,
    "a list": lambda: [title == "x"],
    "false": sql.false,
    "true": sql.true,
    "null": sql.null,
    "false in parentheses": lambda: grouping(sql.false()),
    "a subquery": lambda: number.in_(select(Ticket.id)),
    "exists": lambda: sql.exists(select(Project.id)),
    "a relationship": Ticket.project.has,  # type: ignore[attr-defined]  # of the class
    "a cast": lambda: sql.cast(title, sql.Text),
    "a label": lambda: title.label("x"),
    "a subclass": lambda: _untyped(AsBoolean)(title == "x", operators.is_true, operators.is_false),
    "a literal column": lambda: sql.literal_column("true"),
    "a light column": lambda: sql.column("title") == "x",
    "another table": lambda: name == "x",
    "another table on the right": lambda: title == name,
    "an alias": lambda: _untyped(aliased(Ticket)).title == "x",
    "another table in an order": name.desc,
    "another table in a function": lambda: func.lower(name) == "x",
    "another table in a second argument": lambda: func.coalesce(title, name) == "x",
    "another table in a list": lambda: _both() & (name == "x"),
    "another table as a bound": lambda: title.between("x", name),
    "another table in a sum": lambda: number + number + col(Project.id) > 2,
    "another table in parentheses": lambda: sql.not_(_either() | (name == "x")),
    "a column's text": lambda: changed(TABLE.c.title, is_literal=True),
    "a column's name": lambda: changed(TABLE.c.title, name=LOOSE),
    "a column's type": lambda: changed(TABLE.c.title, type=BAD),
    "a written parameter": lambda: title == sql.bindparam("x", "y", literal_execute=True),
    "the owner's parameter": lambda: title == sql.bindparam(OWNER_PARAMETER, "b"),
    "a parameter's name": lambda: title == sql.bindparam("x~~y", "b"),
    "a parameter's type": lambda: title == sql.bindparam("x", "b", BAD),
    "an operator of its own": lambda: title.op("OR")(title),
    "an operator that is equal to one": lambda: binary(title, title, Equal()),
    "or by hand": lambda: binary(title, title, operators.or_),
    "a comma by hand": lambda: binary(title, title, operators.comma_op),
    "FROM": lambda: binary(title, title, operators.from_),
    "an operator's type": lambda: binary(title, title, operators.eq, BAD),
    "an operator's modifier": lambda: binary(title, title, operators.like_op, modifiers={"escape": LOOSE}),
    "a prefix": lambda: unary(TABLE.c.title, operator=operators.custom_op("true OR")),
    "a suffix": lambda: unary(TABLE.c.title, modifier=operators.custom_op("OR true")),
    "the type of a negation": lambda: unary(TABLE.c.title, operator=operators.inv, type_=BAD),
    "or in a list by hand": lambda: changed(_both(), clauses=(_either(), number < 5)),
    "or in an order": lambda: changed(title.desc(), element=_either()),
    "or as an operand": lambda: changed(title == "x", left=_either()),
    "or without parentheses": lambda: changed(_either(), group=False),
    "or of nothing": lambda: changed(_either(), clauses=()),
    "a list's operator": lambda: changed(_both(), operator=operators.custom_op("OR")),
    "an inner list's operator": lambda: changed(_either(), clauses=(changed(_both(), operator=operators.comma_op),)),
    "a list's type": lambda: changed(number + number + number, type=BAD),
    "a list with commas": lambda: _untyped(ExpressionClauseList)(operators.comma_op, title, number),
    "the type of parentheses": lambda: changed(grouping(TABLE.c.title), type=BAD),
    "another function": lambda: func.query_to_xml("select …") == "x",
    "a function's package": lambda: func.elsewhere.lower(title) == "x",
    "a function's type": lambda: func.lower(title, type_=BAD) == "x",
    "a function's arguments": lambda: _arguments(sql.tuple_(title, number)),
    "a function's separator": lambda: _arguments(ClauseList(title, operator=_untyped(operators.custom_op)("OR"))),
}


def _untyped(value: object) -> Any:
    return value


@pytest.mark.parametrize("make", PLAIN.values(), ids=PLAIN)
def test_most_expressions_are_plain(make: Callable[[], Any]) -> None:
    value = make()
    found = PlainExpressions(TABLE).read([value])
    assert found is not None
    assert found[0] is (value if isinstance(value, sql.ColumnElement) else value.__clause_element__())


@pytest.mark.parametrize("make", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_may_read_or_render_more_is_not_plain(make: Callable[[], Any]) -> None:
    assert PlainExpressions(TABLE).read([make()]) is None


def test_one_expression_that_is_not_plain_leaves_all_to_the_other_checks() -> None:
    assert PlainExpressions(TABLE).read([title == "x", name == "x"]) is None
    assert PlainExpressions(TABLE).read([]) == []


def test_a_plain_comparison_with_a_wrong_value_is_refused() -> None:
    with pytest.raises(UsageError, match=r"ticket.title is compared with an int, expected a str"):
        PlainExpressions(TABLE).read([sql.or_(number > 3, func.lower(title) == 5)])


# The law: with and without the fast way, a condition is the same SQL, or refused


def _values() -> st.SearchStrategy[Any]:
    numbers = st.integers(0, 2).map(lambda value: lambda: sql.literal(value))
    return st.sampled_from([*PLAIN.values()]) | st.sampled_from([*NOT_PLAIN.values()]) | numbers


def _element(value: Any) -> Any:
    element = value.__clause_element__() if hasattr(value, "__clause_element__") else value
    return element if isinstance(element, ClauseElement) else sql.literal(True)


def _joined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def of(join: Callable[..., Any], *values: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: join(*(_element(value()) for value in values))

    pairs: list[Callable[[Any, Any], Any]] = [
        sql.and_,
        sql.or_,
        sql.tuple_,
        func.coalesce,
        func.concat,
        lambda one, other: one == other,
        lambda one, other: one + other,
        lambda one, other: one.in_([other]),
        lambda one, other: one.op("||")(other),
        title.between,
        lambda one, other: sql.case((one, other), else_=title),
        lambda one, other: binary(one, other, operators.or_),
        lambda one, other: changed(_both(), clauses=(one, other)),
        lambda one, other: changed(_either(), clauses=(one, other), group=False),
        lambda one, other: one & other,
    ]
    single: list[Callable[[Any], Any]] = [
        sql.not_,
        func.lower,
        grouping,
        sql.desc,
        lambda one: one.label("x"),
        lambda one: sql.cast(one, Boolean),
    ]
    return st.builds(of, st.sampled_from(pairs), parts, parts) | st.builds(of, st.sampled_from(single), parts)


CONDITIONS = st.recursive(_values(), _joined, max_leaves=6)


_PARAMETER = re.compile(r"(?<=%\()\w+(?=\)s)|(?<=__\[POSTCOMPILE_)\w+(?=\])")


def _outcome(build: Callable[[], Any]) -> tuple[str, list[object]]:
    """Return the SQL without the names of its parameters, and the value of each, in the order in which it has them."""
    try:
        made = compiled(build())
    except (OwnerRequiredError, UsageError):
        return "refused", []
    except CompileError:
        return "cannot be rendered", []
    values = [made.parameters[name] for name in _PARAMETER.findall(made.sql)]
    return _PARAMETER.sub("", made.sql), values


def _slowly(condition: Any) -> Any:
    owner = ENTITY.owner
    assert isinstance(owner, Ownership)
    scope = Scope(TABLE, owner)
    conditions = [scope.expression(one) for one in checked_conditions(TABLE, [condition])]
    counted = select(func.count()).select_from(TABLE).where(owner.condition, *conditions)
    scope.require(counted)
    return counted


@given(CONDITIONS)
def test_a_condition_is_the_same_sql_as_after_every_check_or_refused(make: Callable[[], Any]) -> None:
    try:
        condition = make()
    except Exception:  # SQLAlchemy's or ours: it cannot be written
        return
    assert _outcome(lambda: SCOPED.count([condition])) == _outcome(lambda: _slowly(condition))


# Shapes: one statement for each, with the values of each call

SAME_SHAPE: dict[str, Callable[[Any], Any]] = {
    "==": lambda value: title == value,
    "typed": lambda value: typed(Ticket.title) == value,
    "in": lambda value: title.in_([value, "b"][: len(value)]),
    "contains": lambda value: title.contains(value, autoescape=True),
    "joined": lambda value: (title == value) | (title == "c"),
    "not": lambda value: ~((title == value) & (number == len(value))),
    "computed": lambda value: func.coalesce(col(Ticket.assignee), value) + value == "d",
    "a named value": lambda value: title == sql.bindparam("name", value),
    "a computed value": lambda value: title == sql.bindparam("name", callable_=lambda: value),
}


@pytest.mark.parametrize("condition", SAME_SHAPE.values(), ids=SAME_SHAPE)
def test_conditions_of_one_shape_share_a_statement_and_have_their_own_values(condition: Any) -> None:
    one, other = SCOPED.count([condition("a")]), SCOPED.count([condition("xy")])
    assert one.statement is other.statement
    assert _outcome(lambda: SCOPED.count([condition("xy")])) == _outcome(lambda: _slowly(condition("xy")))
    assert one.values != other.values


DIFFERENT: dict[str, Callable[[], Any]] = {
    "==": lambda: title == "x",
    "!=": lambda: title != "x",
    "another column": lambda: col(Ticket.assignee) == "x",
    "turned round": lambda: sql.literal("x") == title,
    "a value of another type": lambda: title == sql.literal("x", LONG),
    "in": lambda: title.in_(["x"]),
    "not in": lambda: title.not_in(["x"]),
    "like": lambda: title.like("x"),
    "like with an escape": lambda: title.like("x", escape="/"),
    "like with another escape": lambda: title.like("x", escape="!"),
    "ilike": lambda: title.ilike("x"),
    "contains": lambda: title.contains("x", autoescape=True),
    "starts with": lambda: title.startswith("x", autoescape=True),
    "lower": lambda: func.lower(title) == "x",
    "upper": lambda: func.upper(title) == "x",
    "least of one": lambda: func.least(title) == "x",
    "least of two": lambda: func.least(title, title) == "x",
    "is null": lambda: title.is_(None),
    "is not null": lambda: title.is_not(None),
    "is true": lambda: (title == "x").is_(True),
    "is false": lambda: (title == "x").is_(False),
    "and": lambda: sql.and_(title == "x", number == 1),
    "or": lambda: sql.or_(title == "x", number == 1),
    "and of three": lambda: sql.and_(title == "x", number == 1, number == 1),
    "and of an or": lambda: sql.and_(sql.or_(title == "x", number == 1), number == 1),
    "or of an and": lambda: sql.or_(sql.and_(title == "x", number == 1), number == 1),
    "not": lambda: sql.not_(sql.or_(title == "x", number == 1)),
    "two values": lambda: sql.between(number, sql.literal(1, LONG), sql.literal(1, LONG)),
    "one value twice": lambda: sql.between(number, *[sql.literal(1, LONG)] * 2),
    "an or of an and of two": lambda: sql.or_(sql.and_(title == "x", number == 1), number == 2, number == 3),
    "an or of an and of three": lambda: sql.or_(sql.and_(title == "x", number == 1, number == 2), number == 3),
    "least of one and another": lambda: func.greatest(func.least(number), number) == 1,
    "least of both": lambda: func.greatest(func.least(number, number)) == 1,
    "the negative": lambda: -number == 1,
    "the complement": lambda: number.bitwise_not() == 1,
    "of a type": lambda: binary(title, sql.literal("x", LONG), operators.json_getitem_op, type_=LONG),
    "of another type": lambda: binary(title, sql.literal("x", LONG), operators.json_getitem_op, type_=TEXTS),
    "in one value": lambda: binary(title, sql.literal("x", LONG), operators.in_op, type_=title.type),
    "in several values": lambda: binary(title, VALUES, operators.in_op, type_=title.type),
    "plus": lambda: number + 1 == 1,
    "minus": lambda: number - 1 == 1,
}


def test_every_other_shape_has_a_statement_of_its_own() -> None:
    statements = Statements(ENTITY, scoped=True)
    made = {name: statements.count([condition()]).statement for name, condition in DIFFERENT.items()}
    assert len(set(map(id, made.values()))) == len(DIFFERENT)
    again = {name: statements.count([condition()]).statement for name, condition in DIFFERENT.items()}
    built_again = {name for name in DIFFERENT if again[name] is not made[name]}
    assert built_again == {"plus", "minus", "of a type", "of another type"}


def test_a_value_that_is_not_passed_is_never_that_of_another_call() -> None:
    statement: Any = SCOPED.count([title == "x"]).statement
    with pytest.raises(InvalidRequestError, match="A value is required for bind parameter"):
        statement.compile(dialect=DIALECT).construct_params({OWNER_PARAMETER: "a"})


def test_the_shape_has_the_order_and_what_else_a_call_depends_on() -> None:
    statements = Statements(ENTITY, scoped=True)
    calls: list[Callable[[], Any]] = [
        lambda: statements.list([title == "x"], (), None, 0),
        lambda: statements.list([title == "x"], title, None, 0),
        lambda: statements.list([title == "x"], title.desc(), None, 0),
        lambda: statements.list([title == "x"], title.desc().nulls_last(), None, 0),
        lambda: statements.list([title == "x"], [title, number], None, 0),
        lambda: statements.list([title == "x"], (), 1, 0),
        lambda: statements.list([title == "x"], (), 1, 1),
        lambda: statements.list([title == "x"], (), 1, 0, Lock()),
        lambda: statements.list([title == "x"], (), 1, 0, Lock("share")),
        lambda: statements.list([], (title == "x",), None, 0),
        lambda: statements.count([title == "x"]),
        lambda: statements.count([]),
        lambda: statements.exists([title == "x"]),
        lambda: statements.page([title == "x"], ()),
        lambda: statements.page([title == "x"], title),
        lambda: statements.delete_where([title == "x"], returning=False),
        lambda: statements.delete_where([title == "x"], returning=True),
        lambda: _keyset(statements, Position("from", ())),
        lambda: _keyset(statements, Position("until", ())),
        lambda: _keyset(statements, Position("after", ("1",))),
    ]
    made = [call().statement for call in calls]
    assert len(set(map(id, made))) == len(calls)
    assert [call().statement for call in calls] == made


def _keyset(statements: Statements[Any], position: Position) -> Any:
    return statements.keyset([title == "x"], statements.order(()), position)


def test_a_type_that_is_gone_gives_its_place_to_no_other() -> None:
    statements = Statements(ENTITY, scoped=True)
    for digits in range(300):  # more than are kept
        value = sql.literal(1, Numeric(9, digits)) if digits % 2 else sql.literal("x", sql.String(digits))
        condition = (number if digits % 2 else title) == value
        fast, slow = _outcome(partial(statements.count, [condition])), _outcome(partial(_slowly, condition))
        assert fast == slow
        del condition, value
