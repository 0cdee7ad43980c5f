"""Calls that delete many rows."""

from collections.abc import Iterable, Sequence
from typing import Final

from backend.database.operations import OperationKind
from backend.repository.batches import Progress, write_in_batches
from backend.repository.bound import Bound, RowT
from backend.repository.calls.named_rows import NamedRowsCall
from backend.repository.execution import Rows

_DELETE_MANY: Final = OperationKind("delete_many", writes=True)


def delete_many(bound: Bound[RowT], ids: Iterable[object], progress: Progress | None) -> Sequence[RowT]:
    """Delete the rows with these ids, and return them as they were, in the order of the ids."""
    statement = bound.write_statements.delete_many
    call = NamedRowsCall(bound, _DELETE_MANY)

    def delete(bound: Bound[RowT], position: int, ids: Sequence[object]) -> Rows:
        rows = call.named(ids, position)
        call.require_distinct(rows)
        return call.run(bound, statement, rows, _DELETE_MANY, count=len(ids))

    batches = write_in_batches(bound, _DELETE_MANY, ids, delete, progress)
    return [row for rows in batches for row in bound.build_transient(rows)]
