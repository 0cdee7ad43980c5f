"""What a call promises in a transaction of its session."""

from collections.abc import Awaitable, Callable
from typing import Generic

import pytest
from sqlalchemy.pool import QueuePool

from backend.database import AsyncDatabase
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import NotFoundError, UsageError
from backend.statements.locks import Lock
from backend.testing._async.given import AsyncContractData, AsyncFilled
from backend.testing.trips import round_trips


class AsyncTransactionContract(
    AsyncContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of calls in a transaction."""

    async def test_a_write_joins_the_transaction(self, async_db: AsyncDatabase) -> None:
        """It is rolled back with it, and seen by nobody else before it commits."""
        async with self._filled(async_db) as given:
            await given.remove(given.ids[2])
            before = await given.stored()
            for write in self._joining_writes(given):
                async with given.session.begin() as transaction:
                    await write()
                    assert await given.stored() == before, "a write is seen before its transaction commits"
                    await transaction.rollback()
                assert await given.stored() == before, "a write is kept though its transaction was rolled back"

    async def test_a_write_is_committed_with_the_transaction(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db, changed=True) as given:
            before = await given.stored()
            async with given.session.begin():
                await given.mine.update(given.ids[0], self.change)
                await given.mine.delete(given.ids[1])
                assert await given.mine.get(given.ids[1]) is None  # the transaction sees its own writes
            after = await given.stored()
            assert after[given.ids[0]] != before[given.ids[0]]
            assert given.ids[1] not in after

    async def test_every_read_joins_the_transaction(self, async_db: AsyncDatabase) -> None:
        """It sees what the transaction has written."""
        async with self._filled(async_db) as given:
            mine, gone = given.mine, given.ids[0]
            which, left = given.is_(gone), [id for id in await given.in_order() if id != gone]
            async with given.session.begin() as transaction:
                await mine.delete(gone)
                page, cursor_page = await mine.page(size=1000), await mine.cursor_page(size=1000)
                async with mine.stream() as rows:
                    streamed = [row async for row in rows]
                for seen in (await mine.list(), page.items, cursor_page.items, streamed):
                    assert [mine.id_of(row) for row in seen] == left
                assert (await mine.get(gone), await mine.get_many([gone])) == (None, {})
                assert (await mine.first(which), await mine.one_or_none(which)) == (None, None)
                assert (page.total, await mine.count(), await mine.exists(which)) == (len(left), len(left), False)
                await transaction.rollback()

    async def test_a_transaction_takes_two_more_round_trips(self, async_db: AsyncDatabase) -> None:
        """BEGIN and COMMIT, on one connection."""
        async with self._filled(async_db) as given:
            await given.remove(given.ids[2])
            calls = self._joining_writes(given)
            with round_trips(async_db, expected=len(calls) + 3):
                async with given.session.begin():
                    await given.mine.list()
                    for call in calls:
                        await call()
                        pool = async_db.engine.pool
                        assert not isinstance(pool, QueuePool) or pool.checkedout() == 1
            given.require_idle()

    async def test_an_error_leaves_no_transaction_open(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            absent = await given.remove(given.ids[0])
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: given.mine.get_one(absent),
                lambda: given.mine.update(absent, self.change),
                lambda: given.mine.delete(absent),
            ]
            for call in calls:
                with pytest.raises(NotFoundError):
                    await call()
                given.require_idle()

    async def test_a_transaction_goes_on_after_a_row_was_not_found(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            absent = await given.remove(given.ids[0])
            async with given.session.begin():
                with pytest.raises(NotFoundError):
                    await given.mine.update(absent, self.change)
                await given.mine.delete(given.ids[1])
            assert given.ids[1] not in await given.stored()

    async def test_a_lock_lasts_until_the_transaction_ends(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            with pytest.raises(UsageError):
                await given.mine.get(given.ids[0], lock=Lock())
            async with given.session.begin(), async_db.session() as other:
                locked = await given.mine.get_one(given.ids[0], lock=Lock())
                rest = self.repository(other)
                rest = rest if given.entity.owner is None else rest.owned_by(self._owner(0))
                async with other.begin():
                    free = [rest.id_of(row) for row in await rest.list(lock=Lock(if_locked="skip"))]
                assert sorted(map(str, [*free, given.mine.id_of(locked)])) == sorted(map(str, given.ids))

    def _joining_writes(
        self, given: AsyncFilled[ModelT, CreateT, UpdateT, IdT, OwnerT]
    ) -> list[Callable[[], Awaitable[object]]]:
        """Return calls that write, none of which needs the third row."""
        mine, ids = given.mine, given.ids
        return [
            lambda: mine.update(ids[0], self.change),
            lambda: mine.update_many([(ids[0], self.change), *self._unchanged(ids[1:2])]),
            lambda: mine.update_where(self.change, given.is_(ids[0])),
            lambda: mine.create(given.data[2]),
            lambda: mine.delete(ids[0]),
            lambda: mine.delete_many([ids[1]]),
        ]
