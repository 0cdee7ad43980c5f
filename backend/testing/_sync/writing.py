# Generated from backend/testing/_async/writing.py by `python -m tools.generate_sync`: edit that one.
"""What the calls that write one row promise."""

from collections.abc import Callable
from typing import Generic

import pytest
from sqlalchemy import inspect

from backend.database import Database
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidDataError, NotFoundError, StaleError, UsageError
from backend.testing._sync.given import ContractData
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


class WritingContract(
    ContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of `create`, `update` and `delete`."""

    def test_create_returns_the_row_that_is_stored(self, db: Database) -> None:
        """The write is durable when the call returns: another connection sees it."""
        with self._given(db) as given:
            for data in given.data:
                row = given.mine.create(data)
                values = values_of(given.entity, row)
                assert (given.stored()).get(given.mine.id_of(row)) == values
                assert differing(set_values(data), values) == set()
                if given.entity.owner is not None:
                    assert values[given.entity.owner.attribute] == self._owner(0)

    def test_create_refuses_invalid_data(self, db: Database) -> None:
        with self._given(db) as given:
            invalid = without_a_required_field(given.data[0])
            if invalid is None:
                pytest.skip("no field of the create schema is required")
            with round_trips(db, expected=0), pytest.raises(InvalidDataError) as raised:
                given.mine.create(invalid)
            assert raised.value.problems
            require_error(given.entity, raised.value, "create")
            assert given.stored() == {}

    def test_update_writes_only_what_was_set(self, db: Database) -> None:
        with self._filled(db) as given:
            before, id = given.stored(), given.ids[0]
            row = given.mine.update(id, self.change)
            after = given.stored()
            assert values_of(given.entity, row) == after[id]
            assert differing(before[id], after[id]) - moves_by_itself(given.entity) <= self.change.model_fields_set
            assert differing(set_values(self.change, set_only=True), after[id]) == set()
            assert {**after, id: before[id]} == before  # the other rows

    def test_update_of_nothing_writes_nothing(self, db: Database) -> None:
        with self._filled(db) as given:
            if (nothing := self._nothing()) is None:
                pytest.skip("the update schema requires a field")
            before, id = given.stored(), given.ids[0]
            row = given.mine.update(id, nothing)
            assert values_of(given.entity, row) == before[id]
            assert given.stored() == before

    def test_the_change_sets_what_the_examples_have_not(self, db: Database) -> None:
        with self._filled(db, changed=True) as given:
            id = given.ids[0]
            before = (given.stored())[id]
            given.mine.update(id, self.change)
            changed = differing(before, (given.stored())[id])
            assert changed & self.change.model_fields_set, "the attribute `change` changes nothing of the first example"

    def test_an_absent_row_is_not_found(self, db: Database) -> None:
        with self._filled(db) as given:
            absent = given.remove(given.ids[0])
            before = given.stored()
            with pytest.raises(NotFoundError) as updated:
                given.mine.update(absent, self.change)
            require_error(given.entity, updated.value, "update")
            with pytest.raises(NotFoundError) as deleted:
                given.mine.delete(absent)
            require_error(given.entity, deleted.value, "delete")
            assert given.stored() == before

    def test_the_version_increases_strictly(self, db: Database) -> None:
        with self._filled(db, versioned=True) as given:
            id, versions = given.ids[0], [given.version_of(given.rows[0])]
            for _ in range(3):
                versions.append(given.version_of(given.mine.update(id, self.change)))
                assert (given.stored())[id][given.entity.required_version().attribute] == versions[-1]
            numbers = [version_number(version) for version in versions]
            assert numbers == sorted(set(numbers))

    def test_a_stale_version_is_refused(self, db: Database) -> None:
        with self._filled(db, versioned=True) as given:
            id = given.ids[0]
            read = given.version_of(given.rows[0])
            current = given.version_of(given.mine.update(id, self.change, expected=read))
            before = given.stored()
            with pytest.raises(StaleError) as updated:
                given.mine.update(id, self.change, expected=read)
            require_error(given.entity, updated.value, "update")
            assert updated.value.fields == (given.entity.required_version().attribute,)
            with pytest.raises(StaleError) as deleted:
                given.mine.delete(id, expected=read)
            require_error(given.entity, deleted.value, "delete")
            assert given.stored() == before
            given.mine.delete(id, expected=current)
            assert id not in given.stored()

    def test_delete_returns_the_row_as_it_was(self, db: Database) -> None:
        with self._filled(db) as given:
            before, id = given.stored(), given.ids[0]
            row = given.mine.delete(id)
            assert values_of(given.entity, row) == before.pop(id)
            assert given.stored() == before

    def test_a_write_is_one_round_trip(self, db: Database) -> None:
        with self._filled(db) as given:
            mine, ids = given.mine, given.ids
            given.remove(ids[2])
            calls: list[Callable[[], object]] = [
                lambda: mine.create(given.data[2]),
                lambda: mine.update(ids[0], self.change),
                lambda: mine.get_one(ids[1]) if (nothing := self._nothing()) is None else mine.update(ids[1], nothing),
                lambda: mine.delete(ids[1]),
            ]
            for call in calls:
                with round_trips(db, expected=1):
                    call()
                given.require_idle()

    def test_entities_are_values(self, db: Database) -> None:
        """What a call returns is attached to no session, and assigning to it writes nothing."""
        with self._filled(db) as given:
            mine, id = given.mine, given.ids[0]
            with mine.stream() as stream:
                streamed = [row for row in stream]
            rows = [
                *given.rows,
                mine.get_one(id),
                *mine.list(),
                *mine.page(),
                *mine.cursor_page(),
                *mine.require_many(given.ids),
                *streamed,
                mine.update(id, self.change),
                mine.delete(given.ids[1]),
            ]
            before = given.stored()
            kept = [values_of(given.entity, row) for row in rows]
            for row in rows:
                state = inspect(row)
                assert state.session is None, "an entity is attached to a session"
                assert not set(given.entity.columns) & state.unloaded, "an entity is not fully loaded"
            for name in self.change.model_fields_set:
                setattr(rows[0], name, getattr(self.change, name))
            with given.session.begin():
                mine.exists()
            given.require_idle()
            assert given.stored() == before
        assert [values_of(given.entity, row) for row in rows[1:]] == kept[1:]  # after the session is closed

    def test_with_before_has_the_row_before(self, db: Database) -> None:
        with self._filled(db) as given:
            before, id = given.stored(), given.ids[0]
            try:
                updated = given.mine.with_before().update(id, self.change)
            except UsageError as error:
                pytest.skip(str(error))
            assert values_of(given.entity, updated.before) == before[id]
            assert values_of(given.entity, updated.row) == (given.stored())[id]
