# Generated from tests/faults/_async/test_load_faults.py by `python -m tools.generate_sync`: edit that one.
"""A connection that breaks while related rows are loaded: the second statement of a call, a transaction of its own."""

import pytest
from sqlalchemy import Engine, insert
from sqlmodel import Session

from backend.errors import ConnectionLostError, RepositoryError
from tests.faults._sync.fault_matrix import Stage, each_step, is_commit
from tests.support.models.related import Author, AuthorRepository, Book, BookRepository
from tests.support.wire.faults import Cut, Fault, Refuse, Statement, Step


def author_with_books(session: Session) -> list[str]:
    """The titles of an author's books: one to many."""
    author = AuthorRepository(session).owned_by("a").loading(Author.books).get_one(1)
    return [book.title for book in author.books]


def books_with_author(session: Session) -> list[str]:
    """The name of each book's author: many to one."""
    books = BookRepository(session).owned_by("a").loading(Book.author).list()
    return [book.author.name for book in books if book.author]


LOADS = {"one to many": (author_with_books, ["x"]), "many to one": (books_with_author, ["Ada"])}
each_load = pytest.mark.parametrize("kind", LOADS)


def is_load(statement: Statement) -> bool:
    return " ANY " in statement.sql or "unnest" in statement.sql


@pytest.fixture(autouse=True)
def library(clean: Engine) -> None:
    with clean.begin() as connection:
        connection.execute(insert(Author).values(id=1, owner_id="a", name="Ada"))
        connection.execute(insert(Book).values(id=1, owner_id="a", author_id=1, title="x"))


def check(stage: Stage, kind: str, error: RepositoryError) -> None:
    """Nothing was applied, it can be tried again, and the next time it works."""
    load, expected = LOADS[kind]
    assert (error.outcome, error.retryable) == ("not_applied", True)
    assert error.operation == "loading"
    stage.check_whole()
    with stage.database.session() as session:
        assert load(session) == expected


@each_step
@each_load
def test_a_load_that_loses_its_connection_has_done_nothing(stage: Stage, kind: str, step: Step) -> None:
    load, _ = LOADS[kind]
    with stage.proxy.fault(Fault(step, Cut(), is_load)) as armed, pytest.raises(ConnectionLostError) as raised:
        with stage.database.session() as session:
            load(session)
    assert armed.fired == 1
    check(stage, kind, raised.value)


@each_step
@each_load
def test_a_load_in_a_transaction_that_loses_its_connection_has_done_nothing(
    stage: Stage, kind: str, step: Step
) -> None:
    load, _ = LOADS[kind]
    with stage.proxy.fault(Fault(step, Cut(), is_load)) as armed, pytest.raises(ConnectionLostError) as raised:
        with stage.database.transaction() as session:
            load(session)
    assert armed.fired == 1
    check(stage, kind, raised.value)


@each_step
@each_load
def test_a_load_at_a_stricter_level_that_loses_its_commit_has_done_nothing(
    strict: Stage, kind: str, step: Step
) -> None:
    load, _ = LOADS[kind]
    loaded = False

    def is_its_commit(statement: Statement) -> bool:
        nonlocal loaded
        loaded = loaded or is_load(statement)
        return loaded and is_commit(statement)

    with strict.proxy.fault(Fault(step, Cut(), is_its_commit)) as armed, pytest.raises(ConnectionLostError) as raised:
        with strict.database.session() as session:
            load(session)
    assert armed.fired == 1
    check(strict, kind, raised.value)


@each_load
def test_a_load_that_the_server_refuses_says_why(stage: Stage, kind: str) -> None:
    load, _ = LOADS[kind]
    fault = Fault("before_statement", Refuse("57P01", "the end"), is_load)
    with stage.proxy.fault(fault) as armed, pytest.raises(ConnectionLostError) as raised:
        with stage.database.session() as session:
            load(session)
    assert armed.fired == 1
    assert raised.value.sqlstate == "57P01"
    check(stage, kind, raised.value)
