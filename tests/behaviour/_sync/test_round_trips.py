# Generated from tests/behaviour/_async/test_round_trips.py by `python -m tools.generate_sync`: edit that one.
"""How often each call crosses the network, counted on the wire."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import Session
from sqlmodel import Session as SQLModelSession

from backend import LAST_PAGE, Database
from backend.errors import NotFoundError, StaleError
from backend.tasks import TaskCreate, TaskRepository, TaskUpdate
from tests.behaviour._sync.cases import Case, Rows, each_versioned
from tests.support.wire import WireProxy

Calls = dict[str, Callable[[], object]]


def calls_of(rows: Rows, case: Case, ids: list[Any]) -> Calls:
    """Every call once; `ids` are two rows, of which the last is deleted."""
    repository = rows.repository
    is_one = case.has_text("one")
    return {
        "create": lambda: rows.create("three"),
        "get": lambda: repository.get(ids[0]),
        "get_one": lambda: repository.get_one(ids[0]),
        "update": lambda: repository.update(ids[0], case.change("one")),
        "update of nothing": lambda: repository.update(ids[0], case.nothing),
        "update_many": lambda: repository.update_many(zip(ids, map(case.change, ("one", "two")), strict=True)),
        "get_many": lambda: repository.get_many(ids),
        "require_many": lambda: repository.require_many([*ids, ids[0]]),
        "page": repository.page,
        "page past the end": lambda: repository.page(is_one, page=9, size=2),
        "list": repository.list,
        "list with conditions": lambda: repository.list(is_one, limit=2),
        "cursor_page": lambda: repository.cursor_page(size=1),
        "cursor_page from the end": lambda: repository.cursor_page(is_one, cursor=LAST_PAGE),
        "first": repository.first,
        "one": lambda: repository.one(is_one),
        "one_or_none": lambda: repository.one_or_none(is_one),
        "count": repository.count,
        "exists": lambda: repository.exists(is_one),
        "update_where": lambda: repository.update_where(case.change("one"), is_one),
        "update_where_returning": lambda: repository.update_where_returning(case.change("one"), is_one),
        "delete_where": lambda: repository.delete_where(case.has_text("none")),
        "delete_where_returning": lambda: repository.delete_where_returning(case.has_text("none")),
        "delete_many": lambda: repository.delete_many(ids[1:2]),
        "delete": lambda: repository.delete(ids[0]),
    }


def _two_ids(rows: Rows, case: Case) -> list[Any]:
    return [case.id_of(rows.create(text)) for text in ("one", "two")]


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize("kind", ["database", "plain", "sqlmodel"])
def test_every_call_is_one_round_trip(database: Database, proxy: WireProxy, case: Case, kind: str) -> None:
    made: dict[str, Callable[[], Session]] = {
        "database": database.session,
        "plain": lambda: Session(database.engine),
        "sqlmodel": lambda: SQLModelSession(database.engine),
    }
    with made[kind]() as session:
        rows = case.rows(session)
        counted: dict[str, tuple[int, int, int]] = {}
        for name, call in calls_of(rows, case, _two_ids(rows, case)).items():
            with proxy.watch() as seen:
                call()
            counted[name] = (seen.round_trips, seen.connects, len(seen.statements))
        assert counted == dict.fromkeys(counted, (1, 0, 1))


def test_a_transaction_of_n_calls_is_n_plus_two_round_trips(database: Database, proxy: WireProxy, case: Case) -> None:
    with database.session() as session:
        rows = case.rows(session)
        ids = _two_ids(rows, case)
    with proxy.watch() as seen:
        with database.transaction() as session:
            calls = calls_of(replace(rows, repository=case.of(session, "a")), case, ids)
            for call in calls.values():
                call()
    assert seen.round_trips == len(calls) + 2
    assert seen.statements[0].sql.startswith("BEGIN")
    assert seen.statements[-1].sql == "COMMIT"


@pytest.mark.usefixtures("awake")
def test_many_of_no_possible_id_sends_nothing(rows: Rows, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        assert rows.repository.get_many([]) == {}
        assert rows.repository.require_many(()) == []
    assert (seen.round_trips, seen.connects) == (0, 0)


def test_a_toggle_is_one_round_trip(database: Database, proxy: WireProxy) -> None:
    with database.session() as session:
        tasks = TaskRepository(session).owned_by("a")
        task = tasks.create(TaskCreate(title="one"))
        with proxy.watch() as seen:
            toggled = tasks.toggle_complete(task.id)
        assert toggled.completed
        assert (seen.round_trips, len(seen.statements)) == (1, 1)


@pytest.mark.usefixtures("awake")
def test_a_ping_is_one_round_trip_on_an_open_connection(database: Database, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        database.ping()
    assert (seen.round_trips, seen.connects) == (1, 0)


def test_a_session_without_a_call_takes_no_connection(database: Database, proxy: WireProxy) -> None:
    with proxy.watch() as seen:
        with database.session() as session:
            TaskRepository(session).owned_by("a")
    assert (seen.round_trips, seen.connects) == (0, 0)


@each_versioned
def test_update_with_stale_version_is_two_round_trips(rows: Rows, proxy: WireProxy, case: Case) -> None:
    row = rows.create()
    rows.repository.update(case.id_of(row), case.change("two"))
    with proxy.watch() as seen, pytest.raises(StaleError, match="has changed"):
        rows.repository.update(case.id_of(row), case.change("three"), expected=case.version_of(row))
    assert seen.round_trips == 2


def test_a_call_on_an_absent_row_is_one_round_trip_to_read_and_two_to_write(
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
