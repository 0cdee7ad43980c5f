"""The contracts of the calls that write many rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, Literal, overload

from backend.entity.entity import CreateT, IdT, ModelT, UpdateT
from backend.input.patch import Patch
from backend.repository._async.conditional import AsyncWhereCalls
from backend.repository.batches import Progress
from backend.repository.calls import creating, deleting, updating


class AsyncBulkCalls(AsyncWhereCalls[ModelT, UpdateT, IdT], Generic[ModelT, CreateT, UpdateT, IdT]):
    """The calls that write many rows, all or nothing.

    Up to 10 000 rows are one statement and one round trip. More are a transaction of such statements, or a savepoint of
    the session's: their data is taken from the iterable as it is written, and a generator is never held as a whole.
    `progress` is called after each statement with the number of rows written by then. No rows: nothing is sent.
    """

    @overload
    async def create_many(
        self, data: Iterable[CreateT], *, returning: Literal[True] = True, progress: Progress | None = None
    ) -> Sequence[ModelT]: ...
    @overload
    async def create_many(
        self, data: Iterable[CreateT], *, returning: Literal[False], progress: Progress | None = None
    ) -> int: ...
    @overload
    async def create_many(
        self, data: Iterable[CreateT], *, returning: bool, progress: Progress | None = None
    ) -> Sequence[ModelT] | int: ...
    async def create_many(
        self, data: Iterable[CreateT], *, returning: bool = True, progress: Progress | None = None
    ) -> Sequence[ModelT] | int:
        """Insert a row for each item, as `create`, and return the rows in this order.

        With `returning=False` return their number and fetch nothing. The items may set different fields: what is unset
        has the database's default. Rows with keys of their own are inserted in the order of the key.

        Raises `InvalidDataError` for every invalid item of a statement, with its position as the first part of each
        problem's location, and for a primary key that two items of a statement give, with both positions. The same
        for a unique key of whole numbers, UUIDs or text, but after the server has refused the statement: a transaction
        has to be rolled back then. Raises a `ConstraintViolationError` if the table refuses a row, or a trigger skips
        one; `OwnerRequiredError` as `create`; `UsageError` for a key, or a column that only some items set, whose value
        the server gives in a way that the model does not declare.
        """
        if returning:
            return await self._call(creating.create_many, data, progress)
        return await self._call(creating.count_created, data, progress)

    async def update_many(
        self,
        patches: Mapping[IdT, UpdateT] | Iterable[tuple[IdT, UpdateT] | Patch[UpdateT, IdT]],
        *,
        progress: Progress | None = None,
    ) -> Sequence[ModelT]:
        """Write exactly the fields that were set for each row, as `update`, and return the rows in this order.

        The rows may set different fields; a row for which none is set is returned unchanged. `Patch(…, expected=…)`
        gives the version that a row is expected to have. The rows are locked in the order of their keys.

        If one is missing or stale nothing is written: `NotFoundError` or `StaleError` have the `positions` of all such
        rows (above 10 000 rows, of those in the same statement). Raises `InvalidDataError` as `create_many`, also for a
        row that is named twice; a `ConstraintViolationError` if the table refuses a row, or a trigger skips one.
        """
        return await self._call(updating.update_many, patches, progress)

    async def delete_many(self, ids: Iterable[IdT], *, progress: Progress | None = None) -> Sequence[ModelT]:
        """Delete the rows with these ids and return them as they were, in this order, as transient entities.

        The rows are locked in the order of their keys. If one is missing nothing is deleted: `NotFoundError` has the
        `positions` of all such ids. Raises `InvalidDataError` for an id that is given twice,
        `ForeignKeyViolationError` if another row refers to one, `ConstraintViolationError` if a trigger skips one.
        """
        return await self._call(deleting.delete_many, ids, progress)
