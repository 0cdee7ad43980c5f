# Generated from tests/behaviour/_async/test_calls.py by `python -m tools.generate_sync`: edit that one.
"""What each call returns and refuses, for every entity of the suite, on a real PostgreSQL. Two owners throughout."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlmodel import Session

from backend import Database
from backend.errors import MultipleFoundError, NotFoundError, StaleError, UsageError
from tests.behaviour._sync.cases import Case, Rows, each_owned, each_versioned


def test_create_returns_the_row_that_get_finds(rows: Rows, case: Case) -> None:
    mine, created = rows.repository, rows.create()
    found = mine.get(case.id_of(created))
    assert case.text_of(created) == "one"
    assert mine.id_of(created) == case.id_of(created)
    assert found == created


def test_every_call_returns_detached_loaded_entities(rows: Rows, case: Case) -> None:
    mine, created = rows.repository, rows.create()
    for entity in (created, mine.get_one(case.id_of(created)), (mine.list())[0]):
        state = inspect(entity)
        assert state.detached
        assert not state.expired_attributes & set(state.mapper.columns.keys())
        assert not state.modified
        assert entity.model_dump() == created.model_dump()


def test_a_changed_entity_that_was_added_is_updated_by_the_session(database: Database, case: Case) -> None:
    with database.transaction() as session:
        created = (case.rows(session)).create()
        session.add(created)
        setattr(created, case.text, "two")
    with database.session() as session:
        assert case.text_of(case.of(session, "a").get(case.id_of(created))) == "two"
        assert case.of(session, "a").count() == 1


def test_update_changes_exactly_the_fields_that_were_set(rows: Rows, case: Case) -> None:
    mine, created = rows.repository, rows.create()
    updated = mine.update(case.id_of(created), case.change("two"))
    assert case.text_of(updated) == "two"
    volatile = {case.text, case.versioned}
    assert updated.model_dump(exclude=volatile) == created.model_dump(exclude=volatile)
    assert mine.get(case.id_of(created)) == updated


def test_update_of_nothing_returns_the_row(rows: Rows, case: Case) -> None:
    mine, created = rows.repository, rows.create()
    assert mine.update(case.id_of(created), case.nothing) == created


def test_delete_returns_a_transient_entity_and_removes_the_row(rows: Rows, case: Case) -> None:
    mine, created = rows.repository, rows.create()
    deleted = mine.delete(case.id_of(created))
    assert deleted.model_dump() == created.model_dump()
    assert inspect(deleted).transient
    assert mine.get(case.id_of(created)) is None


def test_get_of_an_absent_row_is_none_and_other_calls_raise(rows: Rows, case: Case) -> None:
    mine, row = rows.repository, rows.create()
    absent = case.id_of(mine.delete(case.id_of(row)))
    assert mine.get(absent) is None
    with pytest.raises(NotFoundError, match=f"^no {type(row).__name__} with (this )?id"):
        mine.get_one(absent)
    with pytest.raises(NotFoundError):
        mine.update(absent, case.change("two"))
    with pytest.raises(NotFoundError):
        mine.update(absent, case.nothing)
    with pytest.raises(NotFoundError):
        mine.delete(absent)


@each_owned
def test_no_call_tells_a_foreign_row_from_an_absent_one(session: Session, case: Case) -> None:
    mine, theirs = case.of(session, "a"), case.rows(session, "b")
    row = theirs.create()
    assert mine.get(case.id_of(row)) is None
    calls: list[Callable[[], object]] = [
        lambda: mine.get_one(case.id_of(row)),
        lambda: mine.update(case.id_of(row), case.change("two")),
        lambda: mine.update(case.id_of(row), case.nothing),
        lambda: mine.delete(case.id_of(row)),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            call()
    assert mine.list() == []
    assert mine.first() is None
    assert mine.count() == 0
    assert mine.exists() is False
    assert theirs.repository.get(case.id_of(row)) == row


@each_owned
def test_owned_by_takes_the_empty_string_as_an_owner(session: Session, case: Case, rows: Rows) -> None:
    nobody = case.rows(session, "")
    rows.create()
    row = nobody.create()
    assert nobody.repository.list() == [row]
    assert case.repository(session).every_owner().count() == 2


def test_list_sorts_by_order_by_and_then_by_key(rows: Rows, case: Case) -> None:
    mine = rows.repository
    by_key = sorted([rows.create(text) for text in ("b", "a", "b", "c")], key=case.id_of)
    text = case.column
    assert mine.list() == by_key
    assert mine.list(order_by=text) == sorted(by_key, key=case.text_of)
    assert mine.list(order_by=[text.desc()]) == sorted(by_key, key=case.text_of, reverse=True)
    assert mine.list(order_by=text, limit=2, offset=1) == sorted(by_key, key=case.text_of)[1:3]
    assert mine.list(limit=0) == []
    assert mine.first(order_by=text) == sorted(by_key, key=case.text_of)[0]


def test_conditions_choose_rows(rows: Rows, case: Case) -> None:
    mine = rows.repository
    for text in ("b", "a", "b"):
        rows.create(text)
    assert [case.text_of(row) for row in mine.list(case.has_text("b"))] == ["b", "b"]
    assert mine.count(case.has_text("b")) == 2
    assert mine.count() == 3
    assert mine.exists(case.has_text("a")) is True
    assert mine.exists(case.has_text("z")) is False
    assert case.text_of(mine.one(case.has_text("a"))) == "a"
    assert mine.one_or_none(case.has_text("z")) is None
    with pytest.raises(NotFoundError):
        mine.one(case.has_text("z"))
    with pytest.raises(MultipleFoundError):
        mine.one(case.has_text("b"))
    with pytest.raises(MultipleFoundError):
        mine.one_or_none(case.has_text("b"))


def test_a_condition_that_is_a_python_bool_is_refused(session: Session, case: Case) -> None:
    mine = case.of(session, "a")
    condition: Any = False
    for call in (mine.list, mine.first, mine.one, mine.one_or_none, mine.count, mine.exists):
        with pytest.raises(UsageError, match="a condition is a bool"):
            call(condition)


@each_versioned
def test_expected_refuses_a_stale_version_and_takes_the_current_one(rows: Rows, case: Case) -> None:
    mine, row = rows.repository, rows.create()
    old = case.version_of(row)
    changed = mine.update(case.id_of(row), case.change("two"), expected=old)
    new_version = case.version_of(changed)
    assert new_version > old
    calls: list[Callable[[], object]] = [
        lambda: mine.update(case.id_of(row), case.change("three"), expected=old),
        lambda: mine.update(case.id_of(row), case.nothing, expected=old),
        lambda: mine.delete(case.id_of(row), expected=old),
    ]
    for call in calls:
        with pytest.raises(StaleError):
            call()
    assert mine.get(case.id_of(row)) == changed
    assert mine.update(case.id_of(row), case.nothing, expected=new_version) == changed
    assert mine.delete(case.id_of(row), expected=new_version)


@each_owned
def test_an_id_that_the_column_cannot_store_is_absent(session: Session, case: Case) -> None:
    mine = case.of(session, "a")
    for id in (2**63, -(2**63) - 1, 10**40, 10**5000):
        assert mine.get(case.id_with(id)) is None
        with pytest.raises(NotFoundError):
            mine.delete(case.id_with(id))


class _Id(int):
    """An id of its own type."""


@each_owned
def test_an_id_of_a_subclass_of_its_type_is_an_id(rows: Rows, case: Case) -> None:
    row = rows.create()
    assert rows.repository.get_one(case.id_with(_Id(getattr(row, case.number)))) == row
    assert rows.repository.get(case.id_with(_Id(2**63))) is None


def test_an_id_of_another_type_is_refused(session: Session, case: Case) -> None:
    mine = case.of(session, "a")
    for id in ("7", True, None, 7.0):
        with pytest.raises(UsageError, match="an id of"):
            mine.get(id)
