# Generated from backend/repository/_async/upserting.py by `python -m tools.generate_sync`: edit that one.
"""The contracts of the calls that insert rows, or change those that have their keys."""

from collections.abc import Iterable, Sequence
from typing import Generic

from backend.entity.entity import CreateT, IdT, ModelT, UpdateT
from backend.repository._sync.bulk import BulkCalls
from backend.repository.batches import Progress
from backend.repository.calls import upserting
from backend.results.upserted import Upserted
from backend.statements.conflict_targets import UniqueKey, Updates


class UpsertCalls(BulkCalls[ModelT, CreateT, UpdateT, IdT], Generic[ModelT, CreateT, UpdateT, IdT]):
    """The calls that insert rows, or change those that have their keys.

    `on` is a unique key of the table: a column, or a tuple of columns in any order, `(col(Book.shelf),
    col(Book.place))`; the owner is added to it. The key may be the primary key, a unique constraint, a unique index of
    columns, or a partial one; a deferrable one is refused. NULL equals no key, unless it is NULLS NOT DISTINCT.

    Each raises `UsageError` for an `on` that is no such key, `OwnerRequiredError` as `create`; `UniqueViolationError`,
    and nothing is written, for another unique key that is taken, and for a shared key of another owner's row;
    `SerializationError` at REPEATABLE READ and above for a row that the transaction cannot see.
    """

    def upsert(self, data: CreateT, *, on: UniqueKey, update: Updates = "set") -> Upserted[ModelT]:
        """Insert a row as `create`; if its key is taken, set the fields that were set in `data`, and return the row.

        A field that was not set stays as it is, a schema's default included. `update` names what may change: the fields
        that were set, `"nothing"`, or those columns of a tuple that were set. The primary key, the key of `on`, owner
        and version never change. Something to set: the row is `"updated"`, and its version moves; nothing to set: it is
        returned `"unchanged"`, not written, and not locked unless the key is partial.

        One statement, one round trip. Raises `InvalidDataError` and a `ConstraintViolationError` as `create`;
        `UsageError` for columns of `update` that may not change.
        """
        return self._call(upserting.upsert, data, on, update)

    def upsert_many(
        self, data: Iterable[CreateT], *, on: UniqueKey, update: Updates = "set", progress: Progress | None = None
    ) -> Sequence[Upserted[ModelT]]:
        """Upsert each item as `upsert`, all or nothing, and return the rows in this order.

        The items may set different fields. The rows are locked or inserted in the order of the key of `on`, so that two
        such statements do not deadlock. `progress` is as in `create_many`.

        Raises what `upsert` raises; `InvalidDataError` for every invalid item of a statement, with its position as the
        first part of each problem's location, and for a key that two items have, with both positions unless only the
        database takes the two as equal; `UsageError` for a column that only some items set, whose default the model
        does not declare.
        """
        return self._call(upserting.upsert_many, data, on, update, progress)

    def get_or_create(self, data: CreateT, *, on: UniqueKey) -> Upserted[ModelT]:
        """Return the row that has the key of `data` as it is, `"unchanged"`; if there is none, insert one.

        The data is validated also when the row is there. That row is read without a lock, unless the key is partial.
        One statement, one round trip.

        Raises what `upsert` raises.
        """
        return self._call(upserting.get_or_create, data, on)
