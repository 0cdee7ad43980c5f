"""What the calls that write many rows promise."""

from collections.abc import Awaitable, Callable
from typing import Generic

import pytest

from backend.database import AsyncDatabase
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidDataError, NotFoundError, StaleError, UsageError
from backend.input.patch import Patch
from backend.statements.conditions import Where
from backend.testing._async.given import AsyncContractData
from backend.testing.trips import round_trips
from backend.testing.values import differing, moves_by_itself, set_values, values_of, without_a_required_field


class AsyncManyContract(
    AsyncContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of the calls that write many rows."""

    async def test_create_many_is_in_the_order_of_the_data(self, async_db: AsyncDatabase) -> None:
        async with self._given(async_db) as given:
            data = given.data[::-1]
            rows = await given.mine.create_many(data)
            stored = await given.stored()
            assert len(stored) == len(rows) == len(data)
            for one, row in zip(data, rows, strict=True):
                values = values_of(given.entity, row)
                assert values == stored[given.mine.id_of(row)]
                assert differing(set_values(one), values) == set()

    async def test_create_many_can_return_the_number_alone(self, async_db: AsyncDatabase) -> None:
        async with self._given(async_db) as given:
            assert await given.mine.create_many(given.data, returning=False) == len(given.data)
            assert len(await given.stored()) == len(given.data)

    async def test_create_many_is_all_or_nothing(self, async_db: AsyncDatabase) -> None:
        async with self._given(async_db) as given:
            invalid = without_a_required_field(given.data[1])
            if invalid is None:
                pytest.skip("no field of the create schema is required")
            with pytest.raises(InvalidDataError) as raised:
                await given.mine.create_many([given.data[0], invalid, *given.data[2:]])
            assert {problem.location[0] for problem in raised.value.problems} == {1}
            assert await given.stored() == {}

    async def test_update_many_writes_only_what_was_set(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            before, (first, *others) = await given.stored(), given.ids[::-1]
            patches = [(first, self.change), *self._unchanged(others)]
            ids = [id for id, _ in patches]
            rows = await given.mine.update_many(patches)
            after = await given.stored()
            assert [given.mine.id_of(row) for row in rows] == ids
            assert [values_of(given.entity, row) for row in rows] == [after[id] for id in ids]
            assert differing(before[ids[0]], after[ids[0]]) - moves_by_itself(given.entity) <= (
                self.change.model_fields_set
            )
            assert {**after, ids[0]: before[ids[0]]} == before

    async def test_update_many_is_all_or_nothing(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            absent = await given.remove(given.ids[1])
            before = await given.stored()
            with pytest.raises(NotFoundError) as raised:
                await given.mine.update_many([(given.ids[0], self.change), (absent, self.change)])
            assert raised.value.positions == (1,)
            with pytest.raises(InvalidDataError):
                await given.mine.update_many([(given.ids[0], self.change)] * 2)
            assert await given.stored() == before

    async def test_update_many_compares_the_expected_versions(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db, versioned=True) as given:
            stale = Patch(given.ids[1], self.change, expected=given.version_of(given.rows[1]))
            await given.mine.update(given.ids[1], self.change)
            before, others = await given.stored(), self._unchanged(given.ids[:1])
            with pytest.raises(StaleError) as raised:
                await given.mine.update_many([*others, stale])
            assert raised.value.positions == (len(others),)
            assert await given.stored() == before

    async def test_delete_many_is_in_the_order_of_the_ids(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            before, ids = await given.stored(), given.ids[:0:-1]
            rows = await given.mine.delete_many(ids)
            assert [values_of(given.entity, row) for row in rows] == [before.pop(id) for id in ids]
            assert await given.stored() == before

    async def test_delete_many_is_all_or_nothing(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            absent = await given.remove(given.ids[1])
            before = await given.stored()
            with pytest.raises(NotFoundError) as raised:
                await given.mine.delete_many([given.ids[0], absent])
            assert raised.value.positions == (1,)
            with pytest.raises(InvalidDataError):
                await given.mine.delete_many([given.ids[0]] * 2)
            assert await given.stored() == before

    async def test_update_where_changes_the_rows_that_meet_the_condition(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db, changed=True) as given:
            before, id = await given.stored(), given.ids[0]
            assert await given.mine.update_where(self.change, given.is_(id)) == 1
            after = await given.stored()
            assert differing(before[id], after[id]) & self.change.model_fields_set
            assert {**after, id: before[id]} == before
            (row,) = await given.mine.update_where_returning(self.change, given.is_(id))
            assert values_of(given.entity, row) == (await given.stored())[id]

    async def test_delete_where_deletes_the_rows_that_meet_the_condition(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            before = await given.stored()
            first, second, *_ = await given.in_order()
            assert await given.mine.delete_where(given.is_(first)) == 1
            (row,) = await given.mine.delete_where_returning(given.is_(second))
            del before[first]
            assert values_of(given.entity, row) == before.pop(second)
            assert await given.stored() == before

    async def test_no_condition_is_refused(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            before, conditions = await given.stored(), list[Where]()
            with round_trips(async_db, expected=0):
                with pytest.raises(UsageError):
                    await given.mine.update_where(self.change, *conditions)
                with pytest.raises(UsageError):
                    await given.mine.delete_where(*conditions)
            assert await given.stored() == before

    async def test_many_rows_are_one_round_trip(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            mine = given.mine
            for id in given.ids:
                await given.remove(id)
            with round_trips(async_db, expected=1):
                rows = await mine.create_many(given.data)
            ids = [mine.id_of(row) for row in rows]
            given.require_idle()
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: mine.update_many([(ids[0], self.change), *self._unchanged(ids[1:])]),
                lambda: mine.update_where(self.change, given.is_(ids[0])),
                lambda: mine.update_where_returning(self.change, given.is_(ids[0])),
                lambda: mine.delete_where(given.is_(ids[0])),
                lambda: mine.delete_where_returning(given.is_(ids[1])),
                lambda: mine.delete_many(ids[2:]),
            ]
            for call in calls:
                with round_trips(async_db, expected=1):
                    await call()
                given.require_idle()

    async def test_no_rows_send_nothing(self, async_db: AsyncDatabase) -> None:
        async with self._given(async_db) as given:
            with round_trips(async_db, expected=0):
                assert await given.mine.create_many([]) == []
                assert await given.mine.update_many([]) == []
                assert await given.mine.delete_many([]) == []
