"""Databases, sessions and transactions."""

import threading
from collections.abc import Generator

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from backend import Database
from backend.errors import RepositoryError
from backend.tasks import Task, TaskCreate, TaskRepository


def another_database(db: Database) -> None:
    """A URL of another database."""
    Database("sqlite:///tasks.db")


def another_driver(db: Database) -> None:
    """A URL that names another driver."""
    Database("postgresql+psycopg2://ada:secret@localhost/tasks")


def session_without_with(db: Database) -> None:
    """A session without `with`: it works, as such a session holds no connection between two calls."""
    TaskRepository(db.session()).owned_by("ada").list()


def own_statement_without_begin(session: Session) -> None:
    """A statement of your own on `db.session()`, outside a transaction.

    Use `with session.begin():`, or `db.transaction()`.
    """
    session.exec(select(Task)).all()


def added_without_begin(session: Session) -> None:
    """`session.add` and `session.commit`, as in SQLModel's tutorial."""
    session.add(Task(title="Pack", user_id="ada"))
    session.commit()


def savepoint_without_begin(session: Session) -> None:
    """A savepoint outside a transaction."""
    session.begin_nested()


def transaction_in_a_transaction(db: Database) -> None:
    """A transaction inside another one."""
    with db.transaction(), db.transaction():
        pass


def run_in_a_transaction(db: Database) -> None:
    """`db.run` inside a transaction."""
    with db.transaction():
        db.run(lambda session: TaskRepository(session).owned_by("ada").count())


def commit_in_a_transaction(db: Database) -> None:
    """`commit` inside `db.transaction()`, which commits at its end."""
    with db.transaction() as session:
        TaskRepository(session).owned_by("ada").create(TaskCreate(title="Pack"))
        session.commit()
        TaskRepository(session).owned_by("ada").create(TaskCreate(title="Travel"))


def error_swallowed(task: Task, db: Database) -> None:
    """An error of the server that is caught inside its transaction, which can only be rolled back then."""
    with db.transaction() as session:
        try:
            session.exec(select(Task).where(col(Task.id) / 0 == 1)).all()
        except SQLAlchemyError:
            print("goes on")


def generator_to_run(db: Database) -> None:
    """A generator given to `db.run`: nothing of it would be run."""

    def work(session: Session) -> Generator[Task]:
        yield TaskRepository(session).owned_by("ada").create(TaskCreate(title="Pack"))

    db.run(work)


def call_instead_of_a_function(session: Session, db: Database) -> None:
    """A result given to `db.run` instead of a function."""
    db.run(TaskRepository(session).owned_by("ada").count())


def session_for_a_repository(db: Database) -> None:
    """The database given to a repository instead of a session."""
    TaskRepository(db).owned_by("ada").list()


def repository_class(session: Session) -> None:
    """A call on the class."""
    TaskRepository.list()


def not_committed(db: Database) -> None:
    """A session of SQLModel that is used directly too, and never committed."""
    with Session(db.engine) as session:
        print(session.exec(select(Task)).all())
        TaskRepository(session).owned_by("ada").create(TaskCreate(title="Pack"))


def session_of_another_thread(db: Database) -> None:
    """A transaction's session in another thread.

    One thread after the other is right, as where a framework opens the session in one and works in another. Two at once
    are not: a session is for one at a time. To see that, each call would have to lock the session.
    """
    found: list[str] = []

    def work(session: Session) -> None:
        try:
            TaskRepository(session).owned_by("ada").count()
        except RepositoryError as error:
            found.append(type(error).__name__)

    with db.transaction() as session:
        TaskRepository(session).owned_by("ada").count()
        thread = threading.Thread(target=work, args=(session,))
        thread.start()
        thread.join()
    assert found == []
