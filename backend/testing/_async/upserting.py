"""What upserts promise."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Generic

import pytest
from sqlalchemy.orm import Mapped, QueryableAttribute

from backend.database import AsyncDatabase
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidDataError, UniqueViolationError
from backend.testing._async.given import AsyncContractData, AsyncFilled
from backend.testing.trips import round_trips
from backend.testing.values import differing, moves_by_itself, require_error, values_of, without_a_required_field


class AsyncUpsertContract(
    AsyncContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of `upsert`, `upsert_many` and `get_or_create`, on the key `on`; skipped without one."""

    async def test_create_of_a_key_that_is_taken_is_refused(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, _):
            before = await given.stored()
            with pytest.raises(UniqueViolationError) as created:
                await given.mine.create(given.data[0])
            require_error(given.entity, created.value, "create")
            with pytest.raises(UniqueViolationError) as many:
                await given.mine.create_many(given.data)
            require_error(given.entity, many.value, "create_many")
            given.require_idle()
            assert await given.stored() == before

    async def test_upsert_inserts_a_row_whose_key_is_new(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, on):
            await given.remove(given.ids[0])
            upserted = await given.mine.upsert(given.data[0], on=on)
            stored = await given.stored()
            id = given.mine.id_of(upserted.row)
            assert (upserted.outcome, values_of(given.entity, upserted.row)) == ("inserted", stored[id])
            assert len(stored) == len(given.ids) + len(given.their_ids)

    async def test_upsert_changes_the_row_that_has_the_key(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, on):
            await self._change_first(given)
            before = await given.stored()
            upserted = await given.mine.upsert(given.data[0], on=on)
            after, id = await given.stored(), given.ids[0]
            assert given.mine.id_of(upserted.row) == id
            assert upserted.outcome in ("updated", "unchanged")
            assert values_of(given.entity, upserted.row) == after[id]
            changed = differing(before[id], after[id]) - moves_by_itself(given.entity)
            assert changed <= given.data[0].model_fields_set
            assert {**after, id: before[id]} == before

    async def test_upsert_many_is_in_the_order_of_the_data(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, on):
            await given.remove(given.ids[1])
            upserted = await given.mine.upsert_many(given.data[:3], on=on)
            stored = await given.stored()
            assert upserted[1].outcome == "inserted"
            assert [given.mine.id_of(upserted[at].row) for at in (0, 2)] == [given.ids[0], given.ids[2]]
            for one in upserted:
                assert values_of(given.entity, one.row) == stored[given.mine.id_of(one.row)]
            assert len(stored) == len(given.ids) + len(given.their_ids)

    async def test_get_or_create_changes_nothing_that_is_there(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, on):
            await self._change_first(given)
            before = await given.stored()
            found = await given.mine.get_or_create(given.data[0], on=on)
            assert (found.outcome, given.mine.id_of(found.row)) == ("unchanged", given.ids[0])
            assert values_of(given.entity, found.row) == before[given.ids[0]]
            assert await given.stored() == before
            await given.remove(given.ids[1])
            assert (await given.mine.get_or_create(given.data[1], on=on)).inserted

    async def test_get_or_create_refuses_invalid_data(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, on):
            invalid = without_a_required_field(given.data[0])
            if invalid is None:
                pytest.skip("no field of the create schema is required")
            with round_trips(async_db, expected=0), pytest.raises(InvalidDataError):
                await given.mine.get_or_create(invalid, on=on)

    async def test_upsert_touches_no_other_owners_rows(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, on):
            if given.entity.owner is None:
                pytest.skip(f"{given.entity.name} has no owner")
            theirs = {id: values for id, values in (await given.stored()).items() if id in given.their_ids}
            for data in given.their_data:
                try:
                    upserted = await given.mine.upsert(data, on=on)
                except UniqueViolationError:  # a key that all owners share
                    continue
                assert values_of(given.entity, upserted.row)[given.entity.owner.attribute] == self._owner(0)
            after = await given.stored()
            assert {id: after[id] for id in theirs} == theirs

    async def test_an_upsert_is_one_round_trip(self, async_db: AsyncDatabase) -> None:
        async with self._upserting(async_db) as (given, on):
            await given.remove(given.ids[1])
            with round_trips(async_db, expected=1):
                await given.mine.upsert(given.data[0], on=on)
            with round_trips(async_db, expected=1):
                await given.mine.get_or_create(given.data[0], on=on)
            with round_trips(async_db, expected=1):
                await given.mine.upsert_many(given.data, on=on)
            given.require_idle()

    async def _change_first(self, given: AsyncFilled[ModelT, CreateT, UpdateT, IdT, OwnerT]) -> None:
        """Change the first row, so that an upsert of its data has something to set, unless its key would change."""
        key = {column.key for column in self.on if isinstance(column, QueryableAttribute)}
        if not key & self.change.model_fields_set:
            await given.mine.update(given.ids[0], self.change)

    @asynccontextmanager
    async def _upserting(
        self, db: AsyncDatabase
    ) -> AsyncGenerator[tuple[AsyncFilled[ModelT, CreateT, UpdateT, IdT, OwnerT], tuple[Mapped[object], ...]]]:
        async with self._filled(db) as given:
            if not self.on:
                pytest.skip("no unique key is named: on = (col(…),)")
            yield given, self.on
