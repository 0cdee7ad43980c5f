"""The contracts of the calls that return the row before beside the row after."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic

from backend.entity.entity import CreateT, IdT, ModelT, UpdateT
from backend.input.patch import Patch
from backend.repository._async.calls import AsyncCalls
from backend.repository.batches import Progress
from backend.repository.calls import with_before
from backend.results.entities import RowAndBefore
from backend.results.upserted import Updated, UpsertedWithBefore
from backend.statements.conflict_targets import UniqueKey, Updates


class AsyncWithBefore(AsyncCalls[RowAndBefore[ModelT]], Generic[ModelT, CreateT, UpdateT, IdT]):
    """The calls that change rows and return each row as it was before, beside the row as it is now.

    They need PostgreSQL 18 or newer: on an older server each raises `UsageError`, and reads and writes nothing. Each
    does what the repository's call of the same name does, in as many round trips, with the same errors. `before` is
    the row that the statement itself replaced, also where other transactions write the same row. Where nothing was
    set, `before` equals `row`. A method with which a subclass of the repository replaces such a call is not called.
    """

    async def update(self, id: IdT, data: UpdateT, *, expected: datetime | int | None = None) -> Updated[ModelT]:
        """Update a row as `AsyncCRUDRepository.update`."""
        return await self._call(with_before.update, id, data, expected)

    async def update_many(
        self,
        patches: Mapping[IdT, UpdateT] | Iterable[tuple[IdT, UpdateT] | Patch[UpdateT, IdT]],
        *,
        progress: Progress | None = None,
    ) -> Sequence[Updated[ModelT]]:
        """Update many rows as `AsyncCRUDRepository.update_many`, and return them in the order of the patches."""
        return await self._call(with_before.update_many, patches, progress)

    async def upsert(self, data: CreateT, *, on: UniqueKey, update: Updates = "set") -> UpsertedWithBefore[ModelT]:
        """Upsert a row as `AsyncCRUDRepository.upsert`; `before` is `None` for a row that was inserted."""
        return await self._call(with_before.upsert, data, on, update)

    async def upsert_many(
        self, data: Iterable[CreateT], *, on: UniqueKey, update: Updates = "set", progress: Progress | None = None
    ) -> Sequence[UpsertedWithBefore[ModelT]]:
        """Upsert many rows as `AsyncCRUDRepository.upsert_many`, and return them in the order of the data."""
        return await self._call(with_before.upsert_many, data, on, update, progress)
