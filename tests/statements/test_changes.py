"""A `Change`: what it is made of, and the SQL of each kind of assignment. No database."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, func
from sqlmodel import col

from backend import Change, typed
from backend.entity.checks import ClassOptions, define
from backend.errors import UsageError
from backend.statements.assignments import Assignment
from backend.statements.statements import Statements
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.support.compiling import compiled
from tests.support.models.types import Sample, SampleCreate, SampleUpdate

TASKS: Statements[Any] = Statements(
    define(
        "Tasks",
        (Task, TaskCreate, TaskUpdate, int, str),
        ClassOptions(owner=col(Task.user_id), version=col(Task.updated_at)),
    ),
    scoped=False,
)
SAMPLES: Statements[Any] = Statements(
    define("Samples", (Sample, SampleCreate, SampleUpdate, int, str), ClassOptions()), scoped=False
)
untyped: Any = typed
make: Any = Change


def set_by(statements: Statements[Any], *assignments: Assignment) -> tuple[str, list[object]]:
    made = compiled(statements.change(Change(*assignments), {}))
    parameters = {name: value for name, value in made.parameters.items() if name != "the_id"}
    return made.sql.partition(" SET ")[2].partition(" WHERE ")[0], list(parameters.values())


@pytest.mark.parametrize(
    ("assignment", "sql", "values"),
    [
        (typed(Sample.text).to("x"), "text=%(text)s", ["x"]),
        (typed(Sample.text).to_null(), "text=%(text)s", [None]),
        (typed(Sample.data).to_null(), "data=NULL", []),
        (typed(Sample.whole).to(typed(Sample.whole) + 1), "whole=(sample.whole + %(whole_1)s)", [1]),
        (typed(Sample.whole).to(typed(Sample.small)), "whole=sample.small", []),
        (typed(Sample.whole).to(col(Sample.whole) - 1), "whole=(sample.whole - %(whole_1)s)", [1]),
        (typed(Sample.text).to(func.upper(col(Sample.text))), "text=upper(sample.text)", []),
        (typed(Sample.text).to(bindparam("new")), "text=%(new)s", [None]),
        (typed(Sample.whole).to(typed(Sample.whole) + bindparam("more")), "whole=(sample.whole + %(more)s)", [None]),
    ],
)
def test_an_assignment_is_this_sql(assignment: Assignment, sql: str, values: list[object]) -> None:
    assert set_by(SAMPLES, assignment) == (sql, values)


@pytest.mark.parametrize(
    ("assignment", "sql"),
    [
        (typed(Task.completed).to(~typed(Task.completed)), "completed=NOT task.completed"),
        (typed(Task.completed).to(typed(Task.description).is_null()), "completed=(task.description IS NULL)"),
    ],
)
def test_a_boolean_is_set_to_a_condition(assignment: Assignment, sql: str) -> None:
    assert set_by(TASKS, assignment)[0].startswith(f"{sql}, updated_at=")


def test_a_change_sets_each_of_its_columns() -> None:
    sql, values = set_by(SAMPLES, typed(Sample.text).to("x"), typed(Sample.data).to_null(), typed(Sample.whole).to(2))
    assert (sql, values) == ("data=NULL, whole=%(whole)s, text=%(text)s", [2, "x"])


def test_an_assignment_shows_no_value() -> None:
    assert "secret" not in repr(typed(Sample.text).to("secret"))


_WRITE = "write typed(Model.field).to(value)"
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "None": (lambda: untyped(Sample.text).to(None), "a change sets sample.text to None: write .to_null()"),
    "None where NULL is not allowed": (
        lambda: untyped(Sample.body).to(None),
        "a change sets sample.body to None, which it does not allow",
    ),
    "NULL where it is not allowed": (
        lambda: typed(Sample.body).to_null(),
        "a change sets sample.body to None, which it does not allow",
    ),
    "wrong value": (
        lambda: untyped(Task.completed).to("yes"),
        "a change sets task.completed to a str, expected a bool",
    ),
    "a column twice": (
        lambda: Change(typed(Task.title).to("x"), typed(Task.completed).to(True), typed(Task.title).to("y")),
        "a change sets task.title twice: leave one of them out",
    ),
    "nothing": (Change, f"a change sets no column: {_WRITE}"),
    "a dict": (
        lambda: make({col(Task.title): "x"}),
        f"a change is made of a dict, expected an assignment: {_WRITE}, and where= for its condition",
    ),
    "a condition for an assignment": (
        lambda: make(typed(Task.title).to("x"), typed(Task.completed).is_true()),
        f"a change is made of a Condition, expected an assignment: {_WRITE}, and where= for its condition",
    ),
    "several conditions": (
        lambda: make(typed(Task.title).to("x"), where=[typed(Task.completed).is_true()]),
        "where= of a change is a list, expected one condition: join several with &",
    ),
    "a bool for the condition": (
        lambda: make(typed(Task.title).to("x"), where=untyped_bool()),
        "where= of a change is a bool, expected one condition: join several with &",
    ),
    "~ of a text": (
        lambda: ~untyped(Task.title),
        "task.title is no boolean column: ~, is_true() and is_false() are for those",
    ),
    "a text for true": (
        lambda: untyped(Task.title).is_true(),
        "task.title is no boolean column: ~, is_true() and is_false() are for those",
    ),
    "a text for false": (
        lambda: untyped(Task.title).is_false(),
        "task.title is no boolean column: ~, is_true() and is_false() are for those",
    ),
}


def untyped_bool() -> Any:
    return True


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_change_is_refused_when_it_is_made(case: str) -> None:
    make_it, text = REFUSED[case]
    with pytest.raises(UsageError) as raised:
        make_it()
    assert str(raised.value) == text
