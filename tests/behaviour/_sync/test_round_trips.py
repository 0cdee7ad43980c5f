# Generated from tests/behaviour/_async/test_round_trips.py by `python -m tools.generate_sync`: edit that one.
"""How often each call crosses the network, counted on the wire."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session
from sqlmodel import Session as SQLModelSession

from backend import Database
from backend.errors import NotFoundError
from backend.tasks import TaskCreate, TaskRepository, TaskUpdate
from tests.behaviour._sync.cases import Anything, Case
from tests.support.wire import WireProxy

pytestmark = pytest.mark.pooler

Calls = dict[str, Callable[[], object]]


def calls_of(repository: Anything, case: Case, new: Callable[[str], Any], ids: list[Any]) -> Calls:
    """Every call once; `ids` are two rows, of which the last is deleted."""
    is_one = case.has_text("one")
    return {
        "create": lambda: repository.create(new("three")),
        "get": lambda: repository.get(ids[0]),
        "get_one": lambda: repository.get_one(ids[0]),
        "update": lambda: repository.update(ids[0], case.change("one")),
        "update of nothing": lambda: repository.update(ids[0], case.nothing),
        "list": repository.list,
        "list with conditions": lambda: repository.list(is_one, limit=2),
        "first": repository.first,
        "one": lambda: repository.one(is_one),
        "one_or_none": lambda: repository.one_or_none(is_one),
        "count": repository.count,
        "exists": lambda: repository.exists(is_one),
        "delete": lambda: repository.delete(ids[1]),
    }


def _prepared(session: Session, case: Case) -> Calls:
    repository = case.of(session, "a")
    new = case.new(session, "a")
    ids = [(repository.create(new(text))).id for text in ("one", "two")]
    return calls_of(repository, case, new, ids)


@pytest.mark.parametrize("kind", ["database", "plain", "sqlmodel"])
def test_every_call_is_one_round_trip(database: Database, proxy: WireProxy, case: Case, kind: str) -> None:
    made: dict[str, Callable[[], Session]] = {
        "database": database.session,
        "plain": lambda: Session(database.engine),
        "sqlmodel": lambda: SQLModelSession(database.engine),
    }
    with made[kind]() as session:
        counted: dict[str, tuple[int, int, int]] = {}
        for name, call in (_prepared(session, case)).items():
            with proxy.watch() as seen:
                call()
            counted[name] = (seen.round_trips, seen.connects, len(seen.statements))
        assert counted == dict.fromkeys(counted, (1, 0, 1))


def test_a_transaction_of_n_calls_is_n_plus_two(database: Database, proxy: WireProxy, case: Case) -> None:
    with database.session() as session:
        repository = case.of(session, "a")
        new = case.new(session, "a")
        ids = [(repository.create(new(text))).id for text in ("one", "two")]
    with proxy.watch() as seen:
        with database.transaction() as session:
            calls = calls_of(case.of(session, "a"), case, new, ids)
            for call in calls.values():
                call()
    assert seen.round_trips == len(calls) + 2
    assert seen.statements[0].sql.startswith("BEGIN")
    assert seen.statements[-1].sql == "COMMIT"


def test_a_toggle_is_one_round_trip(database: Database, proxy: WireProxy) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        task = tasks.create(TaskCreate(title="one"))
        with proxy.watch() as seen:
            toggled = tasks.toggle_complete(task.id)
        assert toggled.completed
        assert (seen.round_trips, len(seen.statements)) == (1, 1)


def test_a_ping_is_one_round_trip_on_an_open_connection(database: Database, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        database.ping()
    assert (seen.round_trips, seen.connects) == (1, 0)


def test_a_session_without_a_call_takes_no_connection(database: Database, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        with database.session() as session:
            TaskRepository(session).owned_by("a")
    assert (seen.round_trips, seen.connects) == (0, 0)


def test_stale_is_told_from_absent_by_one_more_statement(database: Database, proxy: WireProxy, case: Case) -> None:
    if case.versioned is None:
        return
    with database.session() as session:
        repository = case.of(session, "a")
        new = case.new(session, "a")
        row = repository.create(new("one"))
        old = getattr(row, case.versioned)
        repository.update(row.id, case.change("two"))
        with proxy.watch() as seen, pytest.raises(Exception, match="has changed"):
            repository.update(row.id, case.change("three"), expected=old)
        assert seen.round_trips == 2


def test_an_absent_row_is_told_by_one_statement_and_from_a_skipped_one_by_one_more(
    database: Database, proxy: WireProxy
) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        calls: list[tuple[Callable[[], object], int]] = [
            (lambda: tasks.get_one(1), 1),
            (lambda: tasks.update(1, TaskUpdate()), 1),
            (lambda: tasks.update(1, TaskUpdate(title="x")), 2),
            (lambda: tasks.delete(1), 2),
            (lambda: tasks.toggle_complete(1), 2),
        ]
        for call, count in calls:
            with proxy.watch() as seen, pytest.raises(NotFoundError):
                call()
            assert (seen.round_trips, len(seen.statements)) == (count, count)
