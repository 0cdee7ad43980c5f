"""What the calls that read promise."""

from collections.abc import Awaitable, Callable
from typing import Generic

import pytest

from backend.database import AsyncDatabase
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidCursorError, MultipleFoundError, NotFoundError, UsageError
from backend.results.cursors import LAST_PAGE
from backend.statements.lists import MAX_PAGE_SIZE
from backend.testing._async.given import AsyncContractData
from backend.testing.trips import round_trips
from backend.testing.values import require_error, values_of


class AsyncReadingContract(
    AsyncContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of the calls that read."""

    async def test_get_returns_the_row_that_is_stored(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            stored = await given.stored()
            for id in given.ids:
                for row in (await given.mine.get(id), await given.mine.get_one(id)):
                    assert row is not None
                    assert values_of(given.entity, row) == stored[id]

    async def test_get_of_an_absent_id_is_none_and_get_one_an_error(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            absent = await given.remove(given.ids[0])
            assert await given.mine.get(absent) is None
            with pytest.raises(NotFoundError) as raised:
                await given.mine.get_one(absent)
            require_error(given.entity, raised.value, "get_one")

    async def test_list_is_in_the_order_of_the_key(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = await given.in_order()
            assert [given.mine.id_of(row) for row in await given.mine.list()] == ids
            assert [given.mine.id_of(row) for row in await given.mine.list(given.is_(ids[1]))] == ids[1:2]
            assert [given.mine.id_of(row) for row in await given.mine.list(limit=2)] == ids[:2]
            assert [given.mine.id_of(row) for row in await given.mine.list(limit=2, offset=1)] == ids[1:3]

    async def test_list_is_in_the_order_that_is_asked_for(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = await given.in_order()
            backwards = [column.desc() for column in given.entity.identity.columns]
            assert [given.mine.id_of(row) for row in await given.mine.list(order_by=backwards)] == ids[::-1]
            first = await given.mine.first(order_by=backwards)
            assert first is not None
            assert given.mine.id_of(first) == ids[-1]

    async def test_the_key_ends_every_order(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db, owned=True) as given:
            assert given.entity.owner is not None
            rows = await given.mine.list(order_by=given.entity.owner.column)  # equal in all rows
            assert [given.mine.id_of(row) for row in rows] == await given.in_order()

    async def test_first_count_and_exists_agree_with_list(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = await given.in_order()
            first = await given.mine.first()
            assert first is not None
            assert given.mine.id_of(first) == ids[0]
            assert await given.mine.count() == len(ids)
            assert await given.mine.count(given.is_(*ids[:2])) == 2
            assert await given.mine.exists(given.is_(ids[0])) is True
            none = given.is_(await given.remove(ids[0]))
            assert (await given.mine.first(none), await given.mine.count(none)) == (None, 0)
            assert await given.mine.exists(none) is False

    async def test_one_is_exactly_one(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = await given.in_order()
            assert given.mine.id_of(await given.mine.one(given.is_(ids[1]))) == ids[1]
            with pytest.raises(MultipleFoundError) as several:
                await given.mine.one()
            require_error(given.entity, several.value, "one")
            with pytest.raises(MultipleFoundError):
                await given.mine.one_or_none(given.is_(*ids[:2]))
            none = given.is_(await given.remove(ids[0]))
            assert await given.mine.one_or_none(none) is None
            with pytest.raises(NotFoundError) as missing:
                await given.mine.one(none)
            require_error(given.entity, missing.value, "one")

    async def test_pages_have_every_row_once_and_the_total(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = await given.in_order()
            pages = [await given.mine.page(page=number, size=2) for number in range(1, (len(ids) + 3) // 2)]
            assert [given.mine.id_of(row) for page in pages for row in page] == ids
            assert [(page.total, page.has_next) for page in pages] == [
                (len(ids), page is not pages[-1]) for page in pages
            ]
            past = await given.mine.page(page=99, size=2)
            assert (past.items, past.total, past.has_next, past.has_previous) == ((), len(ids), False, True)

    async def test_a_page_out_of_bounds_is_refused(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            with round_trips(async_db, expected=0):
                for page, size in ((0, 2), (1, 0), (1, MAX_PAGE_SIZE + 1)):
                    with pytest.raises(UsageError):
                        await given.mine.page(page=page, size=size)
                with pytest.raises(UsageError):
                    await given.mine.cursor_page(size=0)

    async def test_cursors_lead_through_every_row_once(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            backwards = [column.desc() for column in given.entity.identity.columns]
            for order, ids in (((), await given.in_order()), (backwards, (await given.in_order())[::-1])):
                page = await given.mine.cursor_page(order_by=order, size=1)
                seen = [*page]
                while page.next is not None:
                    page = await given.mine.cursor_page(order_by=order, cursor=page.next, size=1)
                    assert len(page.items) == 1
                    seen += page
                assert [given.mine.id_of(row) for row in seen] == ids

    async def test_cursors_lead_back_from_the_last_page(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = await given.in_order()
            page = await given.mine.cursor_page(cursor=LAST_PAGE, size=2)
            assert (page.next, [given.mine.id_of(row) for row in page]) == (None, ids[-2:])
            assert page.previous is not None
            before = await given.mine.cursor_page(cursor=page.previous, size=len(ids))
            assert (before.previous, [given.mine.id_of(row) for row in before]) == (None, ids[:-2])

    async def test_an_invalid_cursor_is_refused(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            page = await given.mine.cursor_page(size=1)
            assert page.next is not None
            with round_trips(async_db, expected=0):
                for cursor in ("", "no cursor", page.next[:-1], f"{page.next}A"):
                    with pytest.raises(InvalidCursorError) as raised:
                        await given.mine.cursor_page(cursor=cursor, size=1)
                    require_error(given.entity, raised.value, "cursor_page")

    async def test_stream_gives_every_row_in_order(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids, seen = await given.in_order(), list[IdT]()
            async with given.mine.stream(batch=1) as rows:
                async for row in rows:
                    seen.append(given.mine.id_of(row))
                    given.require_idle()
                    assert await given.mine.exists(given.is_(seen[-1]))  # other calls run meanwhile
            assert seen == ids
            async with given.mine.stream(batch=2) as rows:
                async for _ in rows:
                    break
            given.require_idle()

    async def test_get_many_has_the_rows_by_id(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = given.ids[::-1]
            absent = await given.remove(ids[0])
            found = await given.mine.get_many([*ids, ids[1]])
            assert [*found] == ids[1:]
            assert absent not in found
            stored = await given.stored()
            assert {id: values_of(given.entity, row) for id, row in found.items()} == {id: stored[id] for id in ids[1:]}

    async def test_require_many_is_in_the_order_of_the_ids(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            ids = [*given.ids[::-1], given.ids[0]]
            assert [given.mine.id_of(row) for row in await given.mine.require_many(ids)] == ids
            absent = await given.remove(ids[1])
            with pytest.raises(NotFoundError) as raised:
                await given.mine.require_many([ids[0], absent])
            assert raised.value.positions == (1,)
            require_error(given.entity, raised.value, "require_many")

    async def test_a_read_is_one_round_trip(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            mine, id, which = given.mine, given.ids[0], given.is_(given.ids[0])
            calls: list[Callable[[], Awaitable[object]]] = [
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
                with round_trips(async_db, expected=1):
                    await call()
                given.require_idle()
            with round_trips(async_db, expected=0):
                assert (await mine.get_many([]), await mine.require_many([])) == ({}, [])
