"""Calls that change rows, and return each with what it was before."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from pydantic import BaseModel

from backend.repository.batches import Progress
from backend.repository.bound import Bound, RowT
from backend.repository.calls import updating, upserting, writing
from backend.results.entities import RowAndBefore
from backend.results.upserted import Updated, Upserted, UpsertedWithBefore
from backend.statements.conflict_targets import UniqueKey, Updates


def update(
    bound: Bound[RowAndBefore[RowT]], id: object, data: BaseModel, expected: datetime | int | None
) -> Updated[RowT]:
    """Write exactly the fields that were set in `data`."""
    return _updated(writing.update(bound, id, data, expected))


def update_many(
    bound: Bound[RowAndBefore[RowT]], patches: Mapping[object, object] | Iterable[object], progress: Progress | None
) -> Sequence[Updated[RowT]]:
    """Write exactly the fields that were set in each patch, and return the rows in the order of the patches."""
    return [_updated(rows) for rows in updating.update_many(bound, patches, progress)]


def upsert(
    bound: Bound[RowAndBefore[RowT]], data: BaseModel, on: UniqueKey, update: Updates
) -> UpsertedWithBefore[RowT]:
    """Insert a row, or change the row that has its key."""
    return _upserted(upserting.upsert(bound, data, on, update))


def upsert_many(
    bound: Bound[RowAndBefore[RowT]],
    data: Iterable[BaseModel],
    on: UniqueKey,
    update: Updates,
    progress: Progress | None,
) -> Sequence[UpsertedWithBefore[RowT]]:
    """Insert a row for each item, or change the row that has its key, and return the rows in this order."""
    return [_upserted(one) for one in upserting.upsert_many(bound, data, on, update, progress)]


def _updated(rows: RowAndBefore[RowT]) -> Updated[RowT]:
    row, before = rows
    return Updated(row, cast("RowT", before))  # an update changes a row that was there


def _upserted(upserted: Upserted[RowAndBefore[RowT]]) -> UpsertedWithBefore[RowT]:
    row, before = upserted.row
    return UpsertedWithBefore(row, upserted.outcome, before)
