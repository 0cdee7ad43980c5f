# Generated from backend/testing/_async/transactions.py by `python -m tools.generate_sync`: edit that one.
"""What a call promises in a transaction of its session."""

from collections.abc import Callable
from typing import Generic

import pytest
from sqlalchemy.pool import QueuePool

from backend.database import Database
from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.errors import NotFoundError, UsageError
from backend.statements.locks import Lock
from backend.testing._sync.given import ContractData, Filled
from backend.testing.trips import round_trips


class TransactionContract(
    ContractData[ModelT, CreateT, UpdateT, IdT, OwnerT], Generic[ModelT, CreateT, UpdateT, IdT, OwnerT]
):
    """The checks of calls in a transaction."""

    def test_a_write_joins_the_transaction(self, db: Database) -> None:
        """It is rolled back with it, and seen by nobody else before it commits."""
        with self._filled(db) as given:
            given.remove(given.ids[2])
            before = given.stored()
            for write in self._joining_writes(given):
                with given.session.begin() as transaction:
                    write()
                    assert given.stored() == before, "a write is seen before its transaction commits"
                    transaction.rollback()
                assert given.stored() == before, "a write is kept though its transaction was rolled back"

    def test_a_write_is_committed_with_the_transaction(self, db: Database) -> None:
        with self._filled(db, changed=True) as given:
            before = given.stored()
            with given.session.begin():
                given.mine.update(given.ids[0], self.change)
                given.mine.delete(given.ids[1])
                assert given.mine.get(given.ids[1]) is None  # the transaction sees its own writes
            after = given.stored()
            assert after[given.ids[0]] != before[given.ids[0]]
            assert given.ids[1] not in after

    def test_every_read_joins_the_transaction(self, db: Database) -> None:
        """It sees what the transaction has written."""
        with self._filled(db) as given:
            mine, gone = given.mine, given.ids[0]
            which, left = given.is_(gone), [id for id in given.in_order() if id != gone]
            with given.session.begin() as transaction:
                mine.delete(gone)
                page, cursor_page = mine.page(size=1000), mine.cursor_page(size=1000)
                with mine.stream() as rows:
                    streamed = [row for row in rows]
                for seen in (mine.list(), page.items, cursor_page.items, streamed):
                    assert [mine.id_of(row) for row in seen] == left
                assert (mine.get(gone), mine.get_many([gone])) == (None, {})
                assert (mine.first(which), mine.one_or_none(which)) == (None, None)
                assert (page.total, mine.count(), mine.exists(which)) == (len(left), len(left), False)
                transaction.rollback()

    def test_a_transaction_takes_two_more_round_trips(self, db: Database) -> None:
        """BEGIN and COMMIT, on one connection."""
        with self._filled(db) as given:
            given.remove(given.ids[2])
            calls = self._joining_writes(given)
            with round_trips(db, expected=len(calls) + 3):
                with given.session.begin():
                    given.mine.list()
                    for call in calls:
                        call()
                        pool = db.engine.pool
                        assert not isinstance(pool, QueuePool) or pool.checkedout() == 1
            given.require_idle()

    def test_an_error_leaves_no_transaction_open(self, db: Database) -> None:
        with self._filled(db) as given:
            absent = given.remove(given.ids[0])
            calls: list[Callable[[], object]] = [
                lambda: given.mine.get_one(absent),
                lambda: given.mine.update(absent, self.change),
                lambda: given.mine.delete(absent),
            ]
            for call in calls:
                with pytest.raises(NotFoundError):
                    call()
                given.require_idle()

    def test_a_transaction_goes_on_after_a_row_was_not_found(self, db: Database) -> None:
        with self._filled(db) as given:
            absent = given.remove(given.ids[0])
            with given.session.begin():
                with pytest.raises(NotFoundError):
                    given.mine.update(absent, self.change)
                given.mine.delete(given.ids[1])
            assert given.ids[1] not in given.stored()

    def test_a_lock_lasts_until_the_transaction_ends(self, db: Database) -> None:
        with self._filled(db) as given:
            with pytest.raises(UsageError):
                given.mine.get(given.ids[0], lock=Lock())
            with given.session.begin(), db.session() as other:
                locked = given.mine.get_one(given.ids[0], lock=Lock())
                rest = self.repository(other)
                rest = rest if given.entity.owner is None else rest.owned_by(self._owner(0))
                with other.begin():
                    free = [rest.id_of(row) for row in rest.list(lock=Lock(if_locked="skip"))]
                assert sorted(map(str, [*free, given.mine.id_of(locked)])) == sorted(map(str, given.ids))

    def _joining_writes(self, given: Filled[ModelT, CreateT, UpdateT, IdT, OwnerT]) -> list[Callable[[], object]]:
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
