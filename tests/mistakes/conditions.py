"""Conditions, orders and pages."""

from datetime import date, datetime

from sqlmodel import col

from backend import typed
from backend.tasks import Task, TaskRepository
from tests.support.models.suite import Project


def misspelt_column(tasks: TaskRepository) -> None:
    """A misspelt column."""
    tasks.list(typed(Task.titel) == "Buy milk")


def wrong_type_of_value(tasks: TaskRepository) -> None:
    """A number for a text column."""
    tasks.list(typed(Task.title) == 7)


def text_for_a_number(tasks: TaskRepository) -> None:
    """Text for a number column, as from a URL."""
    tasks.list(typed(Task.id) == "7")


def float_for_an_integer(tasks: TaskRepository) -> None:
    """A float for an integer column, which PostgreSQL compares as numbers."""
    tasks.list(typed(Task.id) == 7.0)


def equals_none(tasks: TaskRepository) -> None:
    """`== None`.

    Write `typed(Task.description).is_null()`.
    """
    tasks.list(typed(Task.description) == None)


def is_none(tasks: TaskRepository) -> None:
    """`is None`, which Python answers before SQL is made."""
    tasks.list(Task.description is None)


def column_without_typed(tasks: TaskRepository, task: Task) -> None:
    """A column without `typed` or `col`.

    It works, but SQLModel declares `Task.title` as `str`, so that a checker sees a bool.
    """
    assert tasks.list(Task.title == "Buy milk") == [task]


def joined_by_and(tasks: TaskRepository) -> None:
    """`and` between two conditions.

    Pass both, or join them by `&`. mypy and pyright do not ask whether an operand of `and` can be a bool.
    """
    tasks.list(typed(Task.completed).is_true() and typed(Task.title) == "Buy milk")


def joined_by_or(tasks: TaskRepository) -> None:
    """`or` between two conditions.

    Join them by `|`.
    """
    tasks.list(typed(Task.completed).is_true() or typed(Task.title) == "Buy milk")


def negated_by_not(tasks: TaskRepository) -> None:
    """`not` before a condition.

    Write `~`.
    """
    tasks.list(not typed(Task.completed).is_true())


def and_of_columns(tasks: TaskRepository) -> None:
    """`and` between two conditions of SQLAlchemy."""
    tasks.list(col(Task.completed).is_(True) and col(Task.title).like("Buy%"))


def python_in(tasks: TaskRepository) -> None:
    """`in` of Python.

    Write `typed(Task.title).in_([…])`.
    """
    tasks.list(typed(Task.title) in ["Buy milk", "Pack"])


def no_parentheses(tasks: TaskRepository) -> None:
    """`&` without parentheses: it binds tighter than `==`."""
    tasks.list(typed(Task.title) == "Buy milk" & typed(Task.completed) == True)


def value_of_a_row(tasks: TaskRepository, task: Task) -> None:
    """A row's value as a condition."""
    tasks.list(task.completed)


def naive_time(tasks: TaskRepository) -> None:
    """A time without a zone, which no checker can see."""
    tasks.list(typed(Task.created_at) > datetime(2026, 1, 1))


def date_for_a_time(tasks: TaskRepository) -> None:
    """A date for a time."""
    tasks.list(typed(Task.created_at) > date(2026, 1, 1))


def column_of_another_table(tasks: TaskRepository) -> None:
    """A column of another table, whose type does not say whose it is."""
    tasks.list(typed(Project.name) == "Buy milk")


def compared_with_another_type(tasks: TaskRepository) -> None:
    """Two columns of different types."""
    tasks.list(typed(Task.title) == typed(Task.id))


def wildcards(tasks: TaskRepository) -> None:
    """Wildcards in `contains`, where text is literal.

    `col(Task.title).like("Buy%")` has wildcards.
    """
    assert tasks.list(typed(Task.title).contains("Buy%")) == []


def one_text_for_many(tasks: TaskRepository) -> None:
    """One text for a list of them: a text is a sequence of letters to a checker."""
    tasks.list(typed(Task.title).in_("Buy milk"))


def filter_by_keyword(tasks: TaskRepository) -> None:
    """A filter as a keyword, as in Django."""
    tasks.list(completed=True)


def order_by_name(tasks: TaskRepository) -> None:
    """An order as a name, as in Django."""
    tasks.list(order_by="-title")


def iterated(tasks: TaskRepository) -> None:
    """A repository as an iterable.

    Write `tasks.list()`, or `tasks.stream()` for many rows.
    """
    for task in tasks:
        print(task.title)


def length_of_a_repository(tasks: TaskRepository) -> None:
    """`len()` of a repository.

    Write `tasks.count()`.
    """
    len(tasks)


def page_zero(tasks: TaskRepository) -> None:
    """Page 0: the first page is 1."""
    tasks.page(page=0)


def too_large_a_page(tasks: TaskRepository) -> None:
    """A page that is too large."""
    tasks.page(size=5000)


def negative_limit(tasks: TaskRepository) -> None:
    """A negative limit."""
    tasks.list(limit=-1)


def cursor_of_another_order(tasks: TaskRepository, task: Task) -> None:
    """A cursor of another order."""
    walked = tasks.cursor_page(order_by=typed(Task.title), size=1)
    tasks.cursor_page(order_by=typed(Task.created_at), cursor=walked.previous or "")


def page_number_as_cursor(tasks: TaskRepository) -> None:
    """A page's number as a cursor."""
    tasks.cursor_page(cursor="2")


def stream_without_with(tasks: TaskRepository) -> None:
    """A stream without `with`."""
    for task in tasks.stream():
        print(task.title)
