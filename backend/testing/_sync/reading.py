# Generated from backend/testing/_async/reading.py by `python -m tools.generate_sync`: edit that one.
"""What the calls that read promise."""

from collections.abc import Callable
from typing import Generic

import pytest

from backend.database import Database
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidCursorError, MultipleFoundError, NotFoundError, UsageError
from backend.results.cursors import LAST_PAGE
from backend.statements.lists import MAX_PAGE_SIZE
from backend.testing._sync.given import ContractData
from backend.testing.trips import round_trips
from backend.testing.values import require_error, values_of


class ReadingContract(
    ContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of the calls that read."""

    def test_get_returns_the_row_that_is_stored(self, db: Database) -> None:
        with self._filled(db) as given:
            stored = given.stored()
            for id in given.ids:
                for row in (given.mine.get(id), given.mine.get_one(id)):
                    assert row is not None
                    assert values_of(given.entity, row) == stored[id]

    def test_get_of_an_absent_id_is_none_and_get_one_an_error(self, db: Database) -> None:
        with self._filled(db) as given:
            absent = given.remove(given.ids[0])
            assert given.mine.get(absent) is None
            with pytest.raises(NotFoundError) as raised:
                given.mine.get_one(absent)
            require_error(given.entity, raised.value, "get_one")

    def test_list_is_in_the_order_of_the_key(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = given.in_order()
            assert [given.mine.id_of(row) for row in given.mine.list()] == ids
            assert [given.mine.id_of(row) for row in given.mine.list(given.is_(ids[1]))] == ids[1:2]
            assert [given.mine.id_of(row) for row in given.mine.list(limit=2)] == ids[:2]
            assert [given.mine.id_of(row) for row in given.mine.list(limit=2, offset=1)] == ids[1:3]

    def test_list_is_in_the_order_that_is_asked_for(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = given.in_order()
            backwards = [column.desc() for column in given.entity.identity.columns]
            assert [given.mine.id_of(row) for row in given.mine.list(order_by=backwards)] == ids[::-1]
            first = given.mine.first(order_by=backwards)
            assert first is not None
            assert given.mine.id_of(first) == ids[-1]

    def test_the_key_ends_every_order(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            assert given.entity.owner is not None
            rows = given.mine.list(order_by=given.entity.owner.column)  # equal in all rows
            assert [given.mine.id_of(row) for row in rows] == given.in_order()

    def test_first_count_and_exists_agree_with_list(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = given.in_order()
            first = given.mine.first()
            assert first is not None
            assert given.mine.id_of(first) == ids[0]
            assert given.mine.count() == len(ids)
            assert given.mine.count(given.is_(*ids[:2])) == 2
            assert given.mine.exists(given.is_(ids[0])) is True
            none = given.is_(given.remove(ids[0]))
            assert (given.mine.first(none), given.mine.count(none)) == (None, 0)
            assert given.mine.exists(none) is False

    def test_one_is_exactly_one(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = given.in_order()
            assert given.mine.id_of(given.mine.one(given.is_(ids[1]))) == ids[1]
            with pytest.raises(MultipleFoundError) as several:
                given.mine.one()
            require_error(given.entity, several.value, "one")
            with pytest.raises(MultipleFoundError):
                given.mine.one_or_none(given.is_(*ids[:2]))
            none = given.is_(given.remove(ids[0]))
            assert given.mine.one_or_none(none) is None
            with pytest.raises(NotFoundError) as missing:
                given.mine.one(none)
            require_error(given.entity, missing.value, "one")

    def test_pages_have_every_row_once_and_the_total(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = given.in_order()
            pages = [given.mine.page(page=number, size=2) for number in range(1, (len(ids) + 3) // 2)]
            assert [given.mine.id_of(row) for page in pages for row in page] == ids
            assert [(page.total, page.has_next) for page in pages] == [
                (len(ids), page is not pages[-1]) for page in pages
            ]
            past = given.mine.page(page=99, size=2)
            assert (past.items, past.total, past.has_next, past.has_previous) == ((), len(ids), False, True)

    def test_a_page_out_of_bounds_is_refused(self, db: Database) -> None:
        with self._filled(db) as given:
            with round_trips(db, expected=0):
                for page, size in ((0, 2), (1, 0), (1, MAX_PAGE_SIZE + 1)):
                    with pytest.raises(UsageError):
                        given.mine.page(page=page, size=size)
                with pytest.raises(UsageError):
                    given.mine.cursor_page(size=0)

    def test_cursors_lead_through_every_row_once(self, db: Database) -> None:
        with self._filled(db) as given:
            backwards = [column.desc() for column in given.entity.identity.columns]
            for order, ids in (((), given.in_order()), (backwards, (given.in_order())[::-1])):
                page = given.mine.cursor_page(order_by=order, size=1)
                seen = [*page]
                while page.next is not None:
                    page = given.mine.cursor_page(order_by=order, cursor=page.next, size=1)
                    assert len(page.items) == 1
                    seen += page
                assert [given.mine.id_of(row) for row in seen] == ids

    def test_cursors_lead_back_from_the_last_page(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = given.in_order()
            page = given.mine.cursor_page(cursor=LAST_PAGE, size=2)
            assert (page.next, [given.mine.id_of(row) for row in page]) == (None, ids[-2:])
            assert page.previous is not None
            before = given.mine.cursor_page(cursor=page.previous, size=len(ids))
            assert (before.previous, [given.mine.id_of(row) for row in before]) == (None, ids[:-2])

    def test_an_invalid_cursor_is_refused(self, db: Database) -> None:
        with self._filled(db) as given:
            page = given.mine.cursor_page(size=1)
            assert page.next is not None
            with round_trips(db, expected=0):
                for cursor in ("", "no cursor", page.next[:-1], f"{page.next}A"):
                    with pytest.raises(InvalidCursorError) as raised:
                        given.mine.cursor_page(cursor=cursor, size=1)
                    require_error(given.entity, raised.value, "cursor_page")

    def test_stream_gives_every_row_in_order(self, db: Database) -> None:
        with self._filled(db) as given:
            ids, seen = given.in_order(), list[IdT]()
            with given.mine.stream(batch=1) as rows:
                for row in rows:
                    seen.append(given.mine.id_of(row))
                    given.require_idle()
                    assert given.mine.exists(given.is_(seen[-1]))  # other calls run meanwhile
            assert seen == ids
            with given.mine.stream(batch=2) as rows:
                for _ in rows:
                    break
            given.require_idle()

    def test_get_many_has_the_rows_by_id(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = given.ids[::-1]
            absent = given.remove(ids[0])
            found = given.mine.get_many([*ids, ids[1]])
            assert [*found] == ids[1:]
            assert absent not in found
            stored = given.stored()
            assert {id: values_of(given.entity, row) for id, row in found.items()} == {id: stored[id] for id in ids[1:]}

    def test_require_many_is_in_the_order_of_the_ids(self, db: Database) -> None:
        with self._filled(db) as given:
            ids = [*given.ids[::-1], given.ids[0]]
            assert [given.mine.id_of(row) for row in given.mine.require_many(ids)] == ids
            absent = given.remove(ids[1])
            with pytest.raises(NotFoundError) as raised:
                given.mine.require_many([ids[0], absent])
            assert raised.value.positions == (1,)
            require_error(given.entity, raised.value, "require_many")

    def test_a_read_is_one_round_trip(self, db: Database) -> None:
        with self._filled(db) as given:
            mine, id, which = given.mine, given.ids[0], given.is_(given.ids[0])
            calls: list[Callable[[], object]] = [
                lambda: mine.get(id),
                lambda: mine.get_one(id),
                lambda: mine.get_many(given.ids),
                lambda: mine.require_many(given.ids),
                mine.list,
                mine.first,
                lambda: mine.one(which),
                lambda: mine.one_or_none(which),
                mine.count,
                mine.exists,
                mine.page,
                mine.cursor_page,
            ]
            for call in calls:
                with round_trips(db, expected=1):
                    call()
                given.require_idle()
            with round_trips(db, expected=0):
                assert (mine.get_many([]), mine.require_many([])) == ({}, [])
