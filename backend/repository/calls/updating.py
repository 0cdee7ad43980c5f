"""Calls that update many rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from pydantic import BaseModel

from backend.database.operations import OperationKind
from backend.entity.parameters import EXPECTED_PARAMETER
from backend.input.many import read_many
from backend.input.patch import Patch, checked_patch
from backend.repository.batches import Progress, write_in_batches
from backend.repository.bound import Bound, RowT
from backend.repository.calls.named_rows import NamedRowsCall
from backend.repository.execution import Rows
from backend.statements.column_defaults import with_python_onupdates
from backend.statements.row_arrays import set_names

_UPDATE_MANY: Final = OperationKind("update_many", writes=True, schema="update")
_UPDATE_NOTHING: Final = OperationKind("update_many")


def update_many(
    bound: Bound[RowT], patches: Mapping[object, object] | Iterable[object], progress: Progress | None
) -> Sequence[RowT]:
    """Write exactly the fields that were set in each patch, and return the rows in the order of the patches."""
    statements, entity = bound.write_statements, bound.metadata.entity
    call = NamedRowsCall(bound, _UPDATE_MANY)

    def update(bound: Bound[RowT], position: int, items: Sequence[object]) -> Rows:
        patches = [checked_patch(item, at, entity.name, entity.update) for at, item in enumerate(items, position)]
        rows = call.named([patch.id for patch in patches], position)
        _add_expected(bound, rows.values, patches)
        changes = _changes(bound, patches, position)
        call.require_distinct(rows)
        for row, change in zip(rows.values, changes, strict=True):
            row.update(change)
        count = sum(map(bool, changes))
        names, partial = set_names(rows.values, statements.named_columns)
        statement = statements.update_many(names, partial, some_set_nothing=count < len(patches))
        return call.run(bound, statement, rows, _UPDATE_MANY if count else _UPDATE_NOTHING, count=count)

    batches = write_in_batches(bound, _UPDATE_MANY, _items(patches), update, progress)
    return [row for rows in batches for row in bound.build(rows)]


def _items(patches: Mapping[object, object] | Iterable[object]) -> Iterable[object]:
    if isinstance(patches, Mapping):
        return cast("Mapping[object, object]", patches).items()  # of any types
    return patches


def _add_expected(
    bound: Bound[RowT], rows: Sequence[dict[str, object]], patches: Sequence[Patch[BaseModel, object]]
) -> None:
    """Add the expected versions: NULL, which no row has, for one that the column cannot hold."""
    for row, patch in zip(rows, patches, strict=True):
        if patch.expected is not None:
            fits = bound.metadata.entity.required_version().fits(patch.expected)
            row[EXPECTED_PARAMETER] = patch.expected if fits else None


def _changes(
    bound: Bound[RowT], patches: Sequence[Patch[BaseModel, object]], position: int
) -> Sequence[Mapping[str, object]]:
    """Return the values that each patch sets, by column."""
    metadata = bound.metadata
    data = [patch.data for patch in patches]
    values = read_many(data, metadata.update_reader.update_values, position, metadata.operation(_UPDATE_MANY).details)
    changes = iter(with_python_onupdates(metadata.entity.table, [one for one in values if one]))
    return [next(changes) if one else one for one in values]
