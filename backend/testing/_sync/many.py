# Generated from backend/testing/_async/many.py by `python -m tools.generate_sync`: edit that one.
"""What the calls that write many rows promise."""

from collections.abc import Callable
from typing import Generic

import pytest

from backend.database import Database
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidDataError, NotFoundError, StaleError, UsageError
from backend.input.patch import Patch
from backend.statements.conditions import Where
from backend.testing._sync.given import ContractData
from backend.testing.trips import round_trips
from backend.testing.values import differing, moves_by_itself, set_values, values_of, without_a_required_field


class ManyContract(ContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]):
    """The checks of the calls that write many rows."""

    def test_create_many_is_in_the_order_of_the_data(self, db: Database) -> None:
        with self._given(db) as given:
            data = given.data[::-1]
            rows = given.mine.create_many(data)
            stored = given.stored()
            assert len(stored) == len(rows) == len(data)
            for one, row in zip(data, rows, strict=True):
                values = values_of(given.entity, row)
                assert values == stored[given.mine.id_of(row)]
                assert differing(set_values(one), values) == set()

    def test_create_many_can_return_the_number_alone(self, db: Database) -> None:
        with self._given(db) as given:
            assert given.mine.create_many(given.data, returning=False) == len(given.data)
            assert len(given.stored()) == len(given.data)

    def test_create_many_is_all_or_nothing(self, db: Database) -> None:
        with self._given(db) as given:
            invalid = without_a_required_field(given.data[1])
            if invalid is None:
                pytest.skip("no field of the create schema is required")
            with pytest.raises(InvalidDataError) as raised:
                given.mine.create_many([given.data[0], invalid, *given.data[2:]])
            assert {problem.location[0] for problem in raised.value.problems} == {1}
            assert given.stored() == {}

    def test_update_many_writes_only_what_was_set(self, db: Database) -> None:
        with self._filled(db) as given:
            before, (first, *others) = given.stored(), given.ids[::-1]
            patches = [(first, self.change), *self._unchanged(others)]
            ids = [id for id, _ in patches]
            rows = given.mine.update_many(patches)
            after = given.stored()
            assert [given.mine.id_of(row) for row in rows] == ids
            assert [values_of(given.entity, row) for row in rows] == [after[id] for id in ids]
            assert differing(before[ids[0]], after[ids[0]]) - moves_by_itself(given.entity) <= (
                self.change.model_fields_set
            )
            assert {**after, ids[0]: before[ids[0]]} == before

    def test_update_many_is_all_or_nothing(self, db: Database) -> None:
        with self._filled(db) as given:
            absent = given.remove(given.ids[1])
            before = given.stored()
            with pytest.raises(NotFoundError) as raised:
                given.mine.update_many([(given.ids[0], self.change), (absent, self.change)])
            assert raised.value.positions == (1,)
            with pytest.raises(InvalidDataError):
                given.mine.update_many([(given.ids[0], self.change)] * 2)
            assert given.stored() == before

    def test_update_many_compares_the_expected_versions(self, db: Database) -> None:
        with self._filled(db, versioned=True) as given:
            stale = Patch(given.ids[1], self.change, expected=given.version_of(given.rows[1]))
            given.mine.update(given.ids[1], self.change)
            before, others = given.stored(), self._unchanged(given.ids[:1])
            with pytest.raises(StaleError) as raised:
                given.mine.update_many([*others, stale])
            assert raised.value.positions == (len(others),)
            assert given.stored() == before

    def test_delete_many_is_in_the_order_of_the_ids(self, db: Database) -> None:
        with self._filled(db) as given:
            before, ids = given.stored(), given.ids[:0:-1]
            rows = given.mine.delete_many(ids)
            assert [values_of(given.entity, row) for row in rows] == [before.pop(id) for id in ids]
            assert given.stored() == before

    def test_delete_many_is_all_or_nothing(self, db: Database) -> None:
        with self._filled(db) as given:
            absent = given.remove(given.ids[1])
            before = given.stored()
            with pytest.raises(NotFoundError) as raised:
                given.mine.delete_many([given.ids[0], absent])
            assert raised.value.positions == (1,)
            with pytest.raises(InvalidDataError):
                given.mine.delete_many([given.ids[0]] * 2)
            assert given.stored() == before

    def test_update_where_changes_the_rows_that_meet_the_condition(self, db: Database) -> None:
        with self._filled(db, changed=True) as given:
            before, id = given.stored(), given.ids[0]
            assert given.mine.update_where(self.change, given.is_(id)) == 1
            after = given.stored()
            assert differing(before[id], after[id]) & self.change.model_fields_set
            assert {**after, id: before[id]} == before
            (row,) = given.mine.update_where_returning(self.change, given.is_(id))
            assert values_of(given.entity, row) == (given.stored())[id]

    def test_delete_where_deletes_the_rows_that_meet_the_condition(self, db: Database) -> None:
        with self._filled(db) as given:
            before = given.stored()
            first, second, *_ = given.in_order()
            assert given.mine.delete_where(given.is_(first)) == 1
            (row,) = given.mine.delete_where_returning(given.is_(second))
            del before[first]
            assert values_of(given.entity, row) == before.pop(second)
            assert given.stored() == before

    def test_no_condition_is_refused(self, db: Database) -> None:
        with self._filled(db) as given:
            before, conditions = given.stored(), list[Where]()
            with round_trips(db, expected=0):
                with pytest.raises(UsageError):
                    given.mine.update_where(self.change, *conditions)
                with pytest.raises(UsageError):
                    given.mine.delete_where(*conditions)
            assert given.stored() == before

    def test_many_rows_are_one_round_trip(self, db: Database) -> None:
        with self._filled(db) as given:
            mine = given.mine
            for id in given.ids:
                given.remove(id)
            with round_trips(db, expected=1):
                rows = mine.create_many(given.data)
            ids = [mine.id_of(row) for row in rows]
            given.require_idle()
            calls: list[Callable[[], object]] = [
                lambda: mine.update_many([(ids[0], self.change), *self._unchanged(ids[1:])]),
                lambda: mine.update_where(self.change, given.is_(ids[0])),
                lambda: mine.update_where_returning(self.change, given.is_(ids[0])),
                lambda: mine.delete_where(given.is_(ids[0])),
                lambda: mine.delete_where_returning(given.is_(ids[1])),
                lambda: mine.delete_many(ids[2:]),
            ]
            for call in calls:
                with round_trips(db, expected=1):
                    call()
                given.require_idle()

    def test_no_rows_send_nothing(self, db: Database) -> None:
        with self._given(db) as given:
            with round_trips(db, expected=0):
                assert given.mine.create_many([]) == []
                assert given.mine.update_many([]) == []
                assert given.mine.delete_many([]) == []
