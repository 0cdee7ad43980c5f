# Generated from backend/repository/_async/reading.py by `python -m tools.generate_sync`: edit that one.
"""The contracts of the calls that read."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from typing import Generic

from backend.entity.entity import IdT
from backend.repository._sync.calls import Calls
from backend.repository.bound import RowT_co
from backend.repository.calls import aggregating, by_ids, keyset, paging, reading
from backend.repository.calls.keyset import START, Batch
from backend.results.cursors import Cursor, CursorPage
from backend.results.pages import Page
from backend.statements.conditions import Where
from backend.statements.locks import Lock
from backend.statements.ordering import Order


class Reads(Calls[RowT_co], Generic[RowT_co, IdT]):
    """Every call that reads. As a parameter's type it accepts any repository of these rows and ids.

    A repository is one of its model's rows; its `as_(View)` returns one of a view.
    """

    def get(self, id: IdT, *, lock: Lock | None = None) -> RowT_co | None:
        """Return the row with this id, or `None`. Always asks the database.

        An id that the column cannot hold is absent. With `lock` the row stays locked until the transaction ends;
        without a transaction that is a `UsageError`. Raises `LockNotAvailableError` for a lock that does not wait, or
        waits longer than the server's lock_timeout.
        """
        return self._call(reading.get, id, lock)

    def get_one(self, id: IdT, *, lock: Lock | None = None) -> RowT_co:
        """Return the row with this id, with `lock` as `get`. Raises `NotFoundError`."""
        return self._call(reading.get_one, id, lock)

    def get_many(self, ids: Iterable[IdT]) -> dict[IdT, RowT_co]:
        """Return the rows with these ids by id, in the order of the ids.

        An id without a row, or that the column cannot hold, is left out. No ids: nothing is sent. One round trip,
        however many ids. Raises `UsageError` for an id of another type, with its position.
        """
        return self._call(by_ids.get_many, ids)

    def require_many(self, ids: Iterable[IdT]) -> Sequence[RowT_co]:
        """Return the row of each id, in the order of the ids, as `get_many`; an id given twice gives its row twice.

        Raises `NotFoundError` if one has no row: its `positions` say which have none.
        """
        return self._call(by_ids.require_many, ids)

    def list(
        self,
        *where: Where,
        order_by: Order = (),
        limit: int | None = None,
        offset: int = 0,
        lock: Lock | None = None,
    ) -> Sequence[RowT_co]:
        """Return the rows that meet every condition, sorted by `order_by` and then by the primary key.

        All of them unless `limit` is given: each is held in memory. NULLs sort as PostgreSQL sorts them.

        With `lock`, as `get`, each returned row is locked; `if_locked="skip"` leaves out those that another transaction
        has locked, so that workers get different rows. The rows are sorted before they are locked: at READ COMMITTED a
        row that changed while its lock was awaited is returned as it is now, out of order if what it is sorted by
        changed, and left out, the list shorter than `limit`, if it no longer meets the conditions.
        """
        return self._call(reading.list_all, where, order_by, limit, offset, lock=lock)

    def first(self, *where: Where, order_by: Order = (), lock: Lock | None = None) -> RowT_co | None:
        """Return the first row that meets every condition, in the order of `list`, or `None`.

        With `lock` as `list` with a limit of 1: it can be `None` where another transaction changed the row meanwhile.
        """
        return self._call(reading.first, where, order_by, lock)

    def page(self, *where: Where, order_by: Order = (), page: int = 1, size: int = 20) -> Page[RowT_co]:
        """Return one page of the rows that meet every condition, in the order of `list`, and their number.

        One round trip: the rows and the total are of one moment. Pages count from 1. Past the end a page is empty, with
        the right total. The server counts every row and reads every row before the page: for long lists use cursors.
        Raises `UsageError` for a size that is not from 1 to 1000.
        """
        return self._call(paging.page, where, order_by, page, size)

    def one(self, *where: Where) -> RowT_co:
        """Return the only row that meets every condition.

        Raises `NotFoundError` for none, `MultipleFoundError` for more.
        """
        return self._call(reading.one, where)

    def one_or_none(self, *where: Where) -> RowT_co | None:
        """Return the only row that meets every condition, or `None`. Raises `MultipleFoundError` for more."""
        return self._call(reading.one_or_none, where)

    def count(self, *where: Where) -> int:
        """Return how many rows meet every condition."""
        return self._call(aggregating.count, where)

    def exists(self, *where: Where) -> bool:
        """Return whether a row meets every condition."""
        return self._call(aggregating.exists, where)

    def cursor_page(
        self, *where: Where, order_by: Order = (), cursor: Cursor = None, size: int = 20
    ) -> CursorPage[RowT_co]:
        """Return the page of `size` rows (1 to 1000) at the cursor: the first page without one.

        `cursor` is `next` or `previous` of a page of the same order, or `LAST_PAGE`, from which the walk goes
        backwards. The items are in the direction of the order either way. Conditions and size may change between two
        pages, and the row of the cursor may be gone; a row whose sort value changes meanwhile may be missed or returned
        twice. One round trip, however deep the page: an index on the owner, the columns of the order and the primary
        key, in their directions, is read without a sort.

        Raises `InvalidCursorError`, before anything is sent, for the cursor of another model, order or owner, and for a
        changed one; `UsageError` for an order whose values may change from call to call, such as `func.random()`.
        """
        return self._call(keyset.cursor_page, where, order_by, cursor, size)

    @contextmanager
    def stream(self, *where: Where, order_by: Order = (), batch: int = 1000) -> Generator[Generator[RowT_co]]:
        """Iterate over the rows that meet every condition, in the order of `list`, one batch in memory at a time.

            with repository.stream(…) as rows:
                for row in rows: ...

        One round trip for each batch of up to `batch` rows (1 to 100 000), the first on entering. Between two batches
        no connection, cursor or transaction is held, so it works behind a transaction pooler, other calls can use the
        session, and the loop can be left at any row. Each batch sees what is committed when it is read: for one state
        of all rows, stream in a transaction at REPEATABLE READ. Raises `UsageError` for an order as `cursor_page` does.
        """
        first = self._call(keyset.next_batch, where, order_by, batch, START)
        with closing(self._rows_from(first, where, order_by, batch)) as rows:
            yield rows

    def _rows_from(
        self, current: Batch[RowT_co], where: Sequence[Where], order_by: Order, batch: int
    ) -> Generator[RowT_co]:
        while True:
            for row in current.rows:
                yield row
            if current.following is None:
                return
            current = self._call(keyset.next_batch, where, order_by, batch, current.following)
