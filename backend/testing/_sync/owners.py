# Generated from backend/testing/_async/owners.py by `python -m tools.generate_sync`: edit that one.
"""What an owner's scope promises: nothing shows or touches the rows of another owner."""

from collections.abc import Callable
from typing import Generic, cast

import pytest

from backend.database import Database
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import InvalidCursorError, NotFoundError, OwnerRequiredError, UsageError
from backend.repository import CRUDRepository
from backend.testing._sync.given import ContractData, Filled
from backend.testing.trips import round_trips
from backend.testing.values import values_of, without_ids


class OwnerContract(
    ContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of the scopes of a model that has an owner; skipped for any other."""

    def test_a_call_without_a_scope_is_refused(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            unscoped, before = self.repository(given.session), given.stored()
            calls = [*self._calls_of(given, unscoped, given.ids), *self._writes_of(given, unscoped, given.ids)]
            calls.append(lambda: unscoped.create(given.data[0]))
            with round_trips(db, expected=0):
                for call in calls:
                    with pytest.raises(OwnerRequiredError):
                        call()
            assert given.stored() == before

    def test_every_owner_reads_all_rows_and_creates_none(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            everyone, before = self.repository(given.session).every_owner(), given.stored()
            assert [everyone.id_of(row) for row in everyone.list()] == [*before]
            assert everyone.count() == len(before)
            for refused in (lambda: everyone.create(given.data[0]), lambda: everyone.create_many(given.data)):
                with pytest.raises(OwnerRequiredError):
                    refused()
            assert given.stored() == before

    def test_an_owner_that_is_none_is_refused(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            with pytest.raises(UsageError):
                self.repository(given.session).owned_by(cast("OwnerT", None))  # as an untyped caller loses an id

    def test_an_owner_sees_no_other_rows(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            mine, ids = given.mine, given.in_order()
            theirs = given.is_(*given.their_ids)
            for id in given.their_ids:
                assert mine.get(id) is None
                with pytest.raises(NotFoundError):
                    mine.get_one(id)
            assert (mine.get_many(given.their_ids), mine.list(theirs)) == ({}, [])
            with pytest.raises(NotFoundError):
                mine.require_many([*ids, given.their_ids[0]])
            assert (mine.count(theirs), mine.exists(theirs), mine.first(theirs)) == (0, False, None)
            assert mine.one_or_none(given.is_(given.their_ids[0])) is None
            with pytest.raises(NotFoundError):
                mine.one(given.is_(given.their_ids[0]))
            page, cursor_page = mine.page(size=1000), mine.cursor_page(size=1000)
            with mine.stream() as rows:
                streamed = [row for row in rows]
            for seen in (mine.list(), page.items, cursor_page.items, streamed):
                assert [mine.id_of(row) for row in seen] == ids
            assert (page.total, mine.count(), cursor_page.next) == (len(ids), len(ids), None)

    def test_an_owner_touches_no_other_rows(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            theirs = {id: values for id, values in (given.stored()).items() if id in given.their_ids}
            for call in self._writes_of(given, given.mine, given.their_ids):
                with pytest.raises(NotFoundError):
                    call()
            their_rows = given.is_(*given.their_ids)
            assert given.mine.update_where(self.change, their_rows) == 0
            assert given.mine.delete_where(their_rows) == 0
            assert given.mine.delete_where(all_rows=True) == len(given.ids)
            assert given.stored() == theirs

    def test_a_foreign_and_an_absent_row_are_the_same_error(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            foreign, absent = given.their_ids[0], given.remove(given.their_ids[1])
            outcomes: list[list[object]] = []
            for id in (foreign, absent):
                calls = [*self._read_one(given.mine, id), *self._writes_of(given, given.mine, [id])]
                outcomes.append([self._outcome(given, call, id) for call in calls])
            assert outcomes[0] == outcomes[1]

    def test_the_cursor_of_another_owner_is_refused(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            page = given.theirs.cursor_page(size=1)
            with pytest.raises(InvalidCursorError):
                given.mine.cursor_page(cursor=page.next, size=1)

    def test_no_call_changes_the_owner(self, db: Database) -> None:
        with self._filled(db, owned=True) as given:
            assert given.entity.owner is not None
            attribute, id = given.entity.owner.attribute, given.their_ids[0]
            row = self.repository(given.session).every_owner().update(id, self.change)
            assert values_of(given.entity, row)[attribute] == self._owner(1)
            assert (given.stored())[id][attribute] == self._owner(1)

    def _outcome(
        self,
        given: Filled[ModelT, CreateT, UpdateT, IdT, OwnerT],
        call: Callable[[], object],
        id: IdT,
    ) -> tuple[object, ...]:
        """Return what a call of one id shows: the error without the id, and how many statements it took."""
        with round_trips(given.db) as trips, pytest.raises(NotFoundError) as raised:
            call()
        error = raised.value
        text = without_ids(error, given.entity.identity.values(id))
        return text, error.model, error.operation, error.fields, error.positions, error.outcome, [*trips]

    def _calls_of(
        self,
        given: Filled[ModelT, CreateT, UpdateT, IdT, OwnerT],
        repository: CRUDRepository[ModelT, CreateT, UpdateT, IdT, OwnerT],
        ids: list[IdT],
    ) -> list[Callable[[], object]]:
        return [
            *self._read_one(repository, ids[0]),
            lambda: repository.get(ids[0]),
            lambda: repository.get_many(ids),
            repository.list,
            repository.first,
            repository.one_or_none,
            repository.count,
            repository.exists,
            repository.page,
            repository.cursor_page,
            lambda: repository.update_where(self.change, given.is_(ids[0])),
            lambda: repository.delete_where(given.is_(ids[0])),
        ]

    def _read_one(
        self, repository: CRUDRepository[ModelT, CreateT, UpdateT, IdT, OwnerT], id: IdT
    ) -> list[Callable[[], object]]:
        return [lambda: repository.get_one(id), lambda: repository.require_many([id])]

    def _writes_of(
        self,
        given: Filled[ModelT, CreateT, UpdateT, IdT, OwnerT],
        repository: CRUDRepository[ModelT, CreateT, UpdateT, IdT, OwnerT],
        ids: list[IdT],
    ) -> list[Callable[[], object]]:
        calls: list[Callable[[], object]] = [
            lambda: repository.update(ids[0], self.change),
            lambda: repository.delete(ids[0]),
            lambda: repository.update_many([(id, self.change) for id in ids]),
            lambda: repository.delete_many(ids),
        ]
        calls += [lambda: repository.update_many(self._unchanged(ids))] if self._nothing() is not None else []
        if given.entity.version is not None:
            version = given.version_of(given.their_rows[0])
            calls.append(lambda: repository.update(ids[0], self.change, expected=version))
            calls.append(lambda: repository.delete(ids[0], expected=version))
        return calls
