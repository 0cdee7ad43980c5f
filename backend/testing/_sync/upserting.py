# Generated from backend/testing/_async/upserting.py by `python -m tools.generate_sync`: edit that one.
"""What upserts promise."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Generic

import pytest
from sqlalchemy.orm import Mapped, QueryableAttribute

from backend.database import Database
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidDataError, UniqueViolationError
from backend.testing._sync.given import ContractData, Filled
from backend.testing.trips import round_trips
from backend.testing.values import differing, moves_by_itself, require_error, values_of, without_a_required_field


class UpsertContract(
    ContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of `upsert`, `upsert_many` and `get_or_create`, on the key `on`; skipped without one."""

    def test_create_of_a_key_that_is_taken_is_refused(self, db: Database) -> None:
        with self._upserting(db) as (given, _):
            before = given.stored()
            with pytest.raises(UniqueViolationError) as created:
                given.mine.create(given.data[0])
            require_error(given.entity, created.value, "create")
            with pytest.raises(UniqueViolationError) as many:
                given.mine.create_many(given.data)
            require_error(given.entity, many.value, "create_many")
            given.require_idle()
            assert given.stored() == before

    def test_upsert_inserts_a_row_whose_key_is_new(self, db: Database) -> None:
        with self._upserting(db) as (given, on):
            given.remove(given.ids[0])
            upserted = given.mine.upsert(given.data[0], on=on)
            stored = given.stored()
            id = given.mine.id_of(upserted.row)
            assert (upserted.outcome, values_of(given.entity, upserted.row)) == ("inserted", stored[id])
            assert len(stored) == len(given.ids) + len(given.their_ids)

    def test_upsert_changes_the_row_that_has_the_key(self, db: Database) -> None:
        with self._upserting(db) as (given, on):
            self._change_first(given)
            before = given.stored()
            upserted = given.mine.upsert(given.data[0], on=on)
            after, id = given.stored(), given.ids[0]
            assert given.mine.id_of(upserted.row) == id
            assert upserted.outcome in ("updated", "unchanged")
            assert values_of(given.entity, upserted.row) == after[id]
            changed = differing(before[id], after[id]) - moves_by_itself(given.entity)
            assert changed <= given.data[0].model_fields_set
            assert {**after, id: before[id]} == before

    def test_upsert_many_is_in_the_order_of_the_data(self, db: Database) -> None:
        with self._upserting(db) as (given, on):
            given.remove(given.ids[1])
            upserted = given.mine.upsert_many(given.data[:3], on=on)
            stored = given.stored()
            assert upserted[1].outcome == "inserted"
            assert [given.mine.id_of(upserted[at].row) for at in (0, 2)] == [given.ids[0], given.ids[2]]
            for one in upserted:
                assert values_of(given.entity, one.row) == stored[given.mine.id_of(one.row)]
            assert len(stored) == len(given.ids) + len(given.their_ids)

    def test_get_or_create_changes_nothing_that_is_there(self, db: Database) -> None:
        with self._upserting(db) as (given, on):
            self._change_first(given)
            before = given.stored()
            found = given.mine.get_or_create(given.data[0], on=on)
            assert (found.outcome, given.mine.id_of(found.row)) == ("unchanged", given.ids[0])
            assert values_of(given.entity, found.row) == before[given.ids[0]]
            assert given.stored() == before
            given.remove(given.ids[1])
            assert (given.mine.get_or_create(given.data[1], on=on)).inserted

    def test_get_or_create_refuses_invalid_data(self, db: Database) -> None:
        with self._upserting(db) as (given, on):
            invalid = without_a_required_field(given.data[0])
            if invalid is None:
                pytest.skip("no field of the create schema is required")
            with round_trips(db, expected=0), pytest.raises(InvalidDataError):
                given.mine.get_or_create(invalid, on=on)

    def test_upsert_touches_no_other_owners_rows(self, db: Database) -> None:
        with self._upserting(db) as (given, on):
            if given.entity.owner is None:
                pytest.skip(f"{given.entity.name} has no owner")
            theirs = {id: values for id, values in (given.stored()).items() if id in given.their_ids}
            for data in given.their_data:
                try:
                    upserted = given.mine.upsert(data, on=on)
                except UniqueViolationError:  # a key that all owners share
                    continue
                assert values_of(given.entity, upserted.row)[given.entity.owner.attribute] == self._owner(0)
            after = given.stored()
            assert {id: after[id] for id in theirs} == theirs

    def test_an_upsert_is_one_round_trip(self, db: Database) -> None:
        with self._upserting(db) as (given, on):
            given.remove(given.ids[1])
            with round_trips(db, expected=1):
                given.mine.upsert(given.data[0], on=on)
            with round_trips(db, expected=1):
                given.mine.get_or_create(given.data[0], on=on)
            with round_trips(db, expected=1):
                given.mine.upsert_many(given.data, on=on)
            given.require_idle()

    def _change_first(self, given: Filled[ModelT, CreateT, UpdateT, IdT, OwnerT]) -> None:
        """Change the first row, so that an upsert of its data has something to set, unless its key would change."""
        key = {column.key for column in self.on if isinstance(column, QueryableAttribute)}
        if not key & self.change.model_fields_set:
            given.mine.update(given.ids[0], self.change)

    @contextmanager
    def _upserting(
        self, db: Database
    ) -> Generator[tuple[Filled[ModelT, CreateT, UpdateT, IdT, OwnerT], tuple[Mapped[object], ...]]]:
        with self._filled(db) as given:
            if not self.on:
                pytest.skip("no unique key is named: on = (col(…),)")
            yield given, self.on
