"""Where a warning of lost writes points to, and what explains a loss on a plain session."""

import inspect

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from backend import Database
from backend.database.sessions.warning import UncommittedWritesWarning
from backend.tasks import Task, TaskCreate, TaskRepository


def _write(session: Session) -> None:
    session.exec(select(Task))
    TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def test_the_warning_points_to_the_line_that_closed_the_session(clean: Engine) -> None:
    frame = inspect.currentframe()
    assert frame is not None
    session = Session(clean)
    _write(session)
    with pytest.warns(UncommittedWritesWarning) as given:
        session.close()
    line = frame.f_lineno - 1
    assert [(one.filename, one.lineno) for one in given] == [(__file__, line)]
    with Database(clean) as database:
        own = database.session()
        own.begin()
        _write(own)
        with pytest.warns(UncommittedWritesWarning) as given:
            own.close()
        line = frame.f_lineno - 1
    assert [(one.filename, one.lineno) for one in given] == [(__file__, line)]


def test_an_error_explains_the_loss_and_one_that_was_handled_before_the_write_does_not(clean: Engine) -> None:
    with pytest.raises(ZeroDivisionError), Session(clean) as session:
        _write(session)
        raise ZeroDivisionError
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        with pytest.warns(UncommittedWritesWarning), Session(clean) as session:
            _write(session)


def test_listeners_do_not_accumulate_on_a_long_session(direct: Database, clean: Engine) -> None:
    sizes: set[int] = set()
    with direct.session() as session:
        for _ in range(5):
            with session.begin(), session.begin_nested():
                TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))
            sizes.add(sum(len(list(heard)) for heard in (session.dispatch.before_commit, session.dispatch.after_begin)))
    assert len(sizes) == 1
