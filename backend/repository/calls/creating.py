"""Calls that insert many rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from pydantic import BaseModel

from backend.database.operations import OperationKind
from backend.input.many import read_many
from backend.repository.batches import Progress, run_on_each, write_in_batches
from backend.repository.bound import Bound, RowT
from backend.repository.calls.writing import require_owner
from backend.repository.execution import Rows
from backend.statements.column_defaults import with_python_defaults
from backend.statements.row_arrays import set_names

_CREATE_MANY: Final = OperationKind("create_many", writes=True, schema="create")


def create_many(bound: Bound[RowT], data: Iterable[BaseModel], progress: Progress | None) -> Sequence[RowT]:
    """Insert a row for each item, and return the rows in this order."""
    batches = _insert(bound, data, progress, returning=True)
    return [bound.build(row) for rows in batches for row in rows]


def count_created(bound: Bound[RowT], data: Iterable[BaseModel], progress: Progress | None) -> int:
    """Insert a row for each item, and return how many there are. It fetches no row."""
    batches = _insert(bound, data, progress, returning=False)
    return sum(cast("int", rows[0][0]) for rows in batches)  # its one row has the number


def _insert(
    bound: Bound[RowT], data: Iterable[BaseModel], progress: Progress | None, *, returning: bool
) -> Sequence[Rows]:
    statements, details = bound.write_statements, bound.metadata.operation(_CREATE_MANY).details
    require_owner(bound, _CREATE_MANY)
    table, reader = bound.metadata.entity.table, bound.metadata.create_reader

    def insert(bound: Bound[RowT], position: int, items: Sequence[BaseModel]) -> Rows:
        values = read_many(items, lambda item: reader.insert_values(item, bound.owner), position, details)
        rows = with_python_defaults(table, values)
        _require_distinct_keys(bound, rows, position)
        statement = statements.insert_many(*set_names(rows, table.columns.keys()), returning=returning)
        return run_on_each(bound, statement.statement, statement.arrays.parameters(rows), _CREATE_MANY, count=len(rows))

    return write_in_batches(bound, _CREATE_MANY, data, insert, progress)


def _require_distinct_keys(bound: Bound[RowT], rows: Sequence[Mapping[str, object]], position: int) -> None:
    """Raise `InvalidDataError` if two rows have one primary key, chosen by the caller."""
    keys = [column.key for column in bound.metadata.entity.table.primary_key.columns]
    if not all(key in rows[0] for key in keys):
        return
    first: dict[tuple[object, ...], int] = {}
    for at, row in enumerate(rows, position):
        key = tuple(row[key] for key in keys)
        if (before := first.setdefault(key, at)) != at:
            raise bound.metadata.repeated_error(before, at, _CREATE_MANY)
