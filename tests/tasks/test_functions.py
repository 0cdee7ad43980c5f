"""The six functions delegate to the repository, for one owner or for every owner, and never for a lost one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from backend import Database
from backend.errors import InvalidDataError, NotFoundError, UsageError
from backend.tasks import (
    Task,
    TaskCreate,
    TaskUpdate,
    create_task,
    delete_task,
    get_task,
    get_tasks,
    toggle_complete,
    update_task,
)


@pytest.fixture
def session(clean: Engine) -> Iterator[Session]:
    with Database(clean).session() as session:
        yield session


def test_a_task_lives_through_the_six_functions(session: Session) -> None:
    task = create_task(session, TaskCreate(title="x"), "a")
    assert (task.completed, task.description, task.user_id) == (False, None, "a")
    assert task.created_at == task.updated_at
    assert get_task(session, task.id, user_id="a") == task
    assert update_task(session, task.id, TaskUpdate(title="y"), user_id="a").title == "y"
    assert toggle_complete(session, task.id, user_id="a").completed
    assert [one.title for one in get_tasks(session, user_id="a")] == ["y"]
    assert delete_task(session, task.id, user_id="a").title == "y"
    assert get_task(session, task.id) is None


def test_one_owner_neither_sees_nor_touches_anothers_task(session: Session) -> None:
    task = create_task(session, TaskCreate(title="x"), "a")
    assert get_task(session, task.id, user_id="b") is None
    assert get_tasks(session, user_id="b") == []
    calls: list[Callable[[], object]] = [
        lambda: update_task(session, task.id, TaskUpdate(title="y"), user_id="b"),
        lambda: delete_task(session, task.id, user_id="b"),
        lambda: toggle_complete(session, task.id, user_id="b"),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            call()
    assert get_task(session, task.id) == task


def test_without_an_owner_every_task_is_meant(session: Session) -> None:
    for owner in ("a", "b", ""):
        create_task(session, TaskCreate(title="x"), owner)
    assert [task.user_id for task in get_tasks(session)] == ["a", "b", ""]
    assert [task.user_id for task in get_tasks(session, user_id="")] == [""]


def test_a_lost_owner_is_an_error_and_not_every_owner(session: Session) -> None:
    lost: Any = None
    task = create_task(session, TaskCreate(title="x"), "a")
    calls: list[Callable[[], object]] = [
        lambda: create_task(session, TaskCreate(title="x"), lost),
        lambda: get_task(session, task.id, user_id=lost),
        lambda: get_tasks(session, user_id=lost),
        lambda: get_tasks(session, lost),
        lambda: update_task(session, task.id, TaskUpdate(title="y"), user_id=lost),
        lambda: delete_task(session, task.id, user_id=lost),
        lambda: toggle_complete(session, task.id, user_id=lost),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="the owner of Task is None, expected a str: pass the owner"):
            call()
    assert get_tasks(session) == [task]


def test_a_title_that_is_too_long_is_refused_by_the_database_too(session: Session) -> None:
    with pytest.raises(Exception, match="too long"), session.begin():
        session.add(Task(title="x" * 201, user_id="a"))
    with pytest.raises(InvalidDataError):
        create_task(session, TaskCreate.model_construct(title="x" * 201), "a")


def test_duplicates_are_allowed_and_a_long_description_is_kept(session: Session) -> None:
    long = "ä" * 100_000
    for _ in range(2):
        create_task(session, TaskCreate(title="x" * 200, description=long), "a")
    assert [task.description for task in get_tasks(session)] == [long, long]


def test_a_toggle_returns_to_where_it_was_and_moves_the_time_twice(session: Session) -> None:
    task = create_task(session, TaskCreate(title="x"), "a")
    once = toggle_complete(session, task.id)
    twice = toggle_complete(session, task.id)
    assert (once.completed, twice.completed) == (True, False)
    assert task.updated_at < once.updated_at < twice.updated_at
    assert twice.created_at == task.created_at
