"""What the calls that write one row promise."""

from collections.abc import Awaitable, Callable
from typing import Generic

import pytest
from sqlalchemy import inspect

from backend.database import AsyncDatabase
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidDataError, NotFoundError, StaleError, UsageError
from backend.testing._async.given import AsyncContractData
from backend.testing.trips import round_trips
from backend.testing.values import (
    differing,
    moves_by_itself,
    require_error,
    set_values,
    values_of,
    version_number,
    without_a_required_field,
)


class AsyncWritingContract(
    AsyncContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of `create`, `update` and `delete`."""

    async def test_create_returns_the_row_that_is_stored(self, async_db: AsyncDatabase) -> None:
        """The write is durable when the call returns: another connection sees it."""
        async with self._given(async_db) as given:
            for data in given.data:
                row = await given.mine.create(data)
                values = values_of(given.entity, row)
                assert (await given.stored()).get(given.mine.id_of(row)) == values
                assert differing(set_values(data), values) == set()
                if given.entity.owner is not None:
                    assert values[given.entity.owner.attribute] == self._owner(0)

    async def test_create_refuses_invalid_data(self, async_db: AsyncDatabase) -> None:
        async with self._given(async_db) as given:
            invalid = without_a_required_field(given.data[0])
            if invalid is None:
                pytest.skip("no field of the create schema is required")
            with round_trips(async_db, expected=0), pytest.raises(InvalidDataError) as raised:
                await given.mine.create(invalid)
            assert raised.value.problems
            require_error(given.entity, raised.value, "create")
            assert await given.stored() == {}

    async def test_update_writes_only_what_was_set(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            before, id = await given.stored(), given.ids[0]
            row = await given.mine.update(id, self.change)
            after = await given.stored()
            assert values_of(given.entity, row) == after[id]
            assert differing(before[id], after[id]) - moves_by_itself(given.entity) <= self.change.model_fields_set
            assert differing(set_values(self.change, set_only=True), after[id]) == set()
            assert {**after, id: before[id]} == before  # the other rows

    async def test_update_of_nothing_writes_nothing(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            if (nothing := self._nothing()) is None:
                pytest.skip("the update schema requires a field")
            before, id = await given.stored(), given.ids[0]
            row = await given.mine.update(id, nothing)
            assert values_of(given.entity, row) == before[id]
            assert await given.stored() == before

    async def test_the_change_sets_what_the_examples_have_not(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db, changed=True) as given:
            id = given.ids[0]
            before = (await given.stored())[id]
            await given.mine.update(id, self.change)
            changed = differing(before, (await given.stored())[id])
            assert changed & self.change.model_fields_set, "the attribute `change` changes nothing of the first example"

    async def test_an_absent_row_is_not_found(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            absent = await given.remove(given.ids[0])
            before = await given.stored()
            with pytest.raises(NotFoundError) as updated:
                await given.mine.update(absent, self.change)
            require_error(given.entity, updated.value, "update")
            with pytest.raises(NotFoundError) as deleted:
                await given.mine.delete(absent)
            require_error(given.entity, deleted.value, "delete")
            assert await given.stored() == before

    async def test_the_version_increases_strictly(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db, versioned=True) as given:
            id, versions = given.ids[0], [given.version_of(given.rows[0])]
            for _ in range(3):
                versions.append(given.version_of(await given.mine.update(id, self.change)))
                assert (await given.stored())[id][given.entity.required_version().attribute] == versions[-1]
            numbers = [version_number(version) for version in versions]
            assert numbers == sorted(set(numbers))

    async def test_a_stale_version_is_refused(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db, versioned=True) as given:
            id = given.ids[0]
            read = given.version_of(given.rows[0])
            current = given.version_of(await given.mine.update(id, self.change, expected=read))
            before = await given.stored()
            with pytest.raises(StaleError) as updated:
                await given.mine.update(id, self.change, expected=read)
            require_error(given.entity, updated.value, "update")
            assert updated.value.fields == (given.entity.required_version().attribute,)
            with pytest.raises(StaleError) as deleted:
                await given.mine.delete(id, expected=read)
            require_error(given.entity, deleted.value, "delete")
            assert await given.stored() == before
            await given.mine.delete(id, expected=current)
            assert id not in await given.stored()

    async def test_delete_returns_the_row_as_it_was(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            before, id = await given.stored(), given.ids[0]
            row = await given.mine.delete(id)
            assert values_of(given.entity, row) == before.pop(id)
            assert await given.stored() == before

    async def test_a_write_is_one_round_trip(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            mine, ids = given.mine, given.ids
            await given.remove(ids[2])
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: mine.create(given.data[2]),
                lambda: mine.update(ids[0], self.change),
                lambda: mine.get_one(ids[1]) if (nothing := self._nothing()) is None else mine.update(ids[1], nothing),
                lambda: mine.delete(ids[1]),
            ]
            for call in calls:
                with round_trips(async_db, expected=1):
                    await call()
                given.require_idle()

    async def test_entities_are_values(self, async_db: AsyncDatabase) -> None:
        """What a call returns is attached to no session, and assigning to it writes nothing."""
        async with self._filled(async_db) as given:
            mine, id = given.mine, given.ids[0]
            async with mine.stream() as stream:
                streamed = [row async for row in stream]
            rows = [
                *given.rows,
                await mine.get_one(id),
                *await mine.list(),
                *await mine.page(),
                *await mine.cursor_page(),
                *await mine.require_many(given.ids),
                *streamed,
                await mine.update(id, self.change),
                await mine.delete(given.ids[1]),
            ]
            before = await given.stored()
            kept = [values_of(given.entity, row) for row in rows]
            for row in rows:
                state = inspect(row)
                assert state.session is None, "an entity is attached to a session"
                assert not set(given.entity.columns) & state.unloaded, "an entity is not fully loaded"
            for name in self.change.model_fields_set:
                setattr(rows[0], name, getattr(self.change, name))
            async with given.session.begin():
                await mine.exists()
            given.require_idle()
            assert await given.stored() == before
        assert [values_of(given.entity, row) for row in rows[1:]] == kept[1:]  # after the session is closed

    async def test_with_before_has_the_row_before(self, async_db: AsyncDatabase) -> None:
        async with self._filled(async_db) as given:
            before, id = await given.stored(), given.ids[0]
            try:
                updated = await given.mine.with_before().update(id, self.change)
            except UsageError as error:
                pytest.skip(str(error))
            assert values_of(given.entity, updated.before) == before[id]
            assert values_of(given.entity, updated.row) == (await given.stored())[id]
