"""Calls that insert many rows."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final, cast

from pydantic import BaseModel

from backend.database.operations import OperationKind
from backend.errors import UniqueViolationError
from backend.input.many import read_many
from backend.repository.batches import Progress, run_on_each, write_in_batches
from backend.repository.bound import Bound, RowT
from backend.repository.calls.writing import require_owner
from backend.repository.execution import Rows
from backend.statements.column_defaults import with_python_defaults
from backend.statements.conflict_targets import is_unique_key
from backend.statements.row_arrays import set_names

_CREATE_MANY: Final = OperationKind("create_many", writes=True, schema="create")


def create_many(bound: Bound[RowT], data: Iterable[BaseModel], progress: Progress | None) -> Sequence[RowT]:
    """Insert a row for each item, and return the rows in this order."""
    batches = _insert(bound, data, progress, returning=True)
    return [row for rows in batches for row in bound.build(rows)]


def count_created(bound: Bound[RowT], data: Iterable[BaseModel], progress: Progress | None) -> int:
    """Insert a row for each item, and return how many there are. It fetches no row."""
    batches = _insert(bound, data, progress, returning=False)
    return sum(cast("int", rows[0][0]) for rows in batches)  # its one row has the number


def _insert(
    bound: Bound[RowT], data: Iterable[BaseModel], progress: Progress | None, *, returning: bool
) -> Sequence[Rows]:
    statements, details = bound.write_statements, bound.metadata.operation(_CREATE_MANY).details
    require_owner(bound, _CREATE_MANY)
    entity, reader = bound.metadata.entity, bound.metadata.create_reader
    key = entity.identity.attributes

    def insert(bound: Bound[RowT], position: int, items: Sequence[BaseModel]) -> Rows:
        values = read_many(items, partial(reader.insert_values, owner=bound.owner), position, details)
        rows = with_python_defaults(entity.table, values)
        if _keys_of(bound, key) <= rows[0].keys():
            _require_distinct(bound, rows, position, key)
        statement = statements.insert_many(*set_names(rows, entity.table.columns.keys()), returning=returning)
        parameters = statement.arrays.parameters(rows)
        try:
            return run_on_each(bound, statement.statement, parameters, _CREATE_MANY, count=len(rows))
        except UniqueViolationError as error:
            if is_unique_key(entity, error.fields):
                _require_distinct(bound, rows, position, error.fields)
            raise

    return write_in_batches(bound, _CREATE_MANY, data, insert, progress)


def _require_distinct(
    bound: Bound[RowT], rows: Sequence[Mapping[str, object]], position: int, key: tuple[str, ...]
) -> None:
    """Raise `InvalidDataError` if two rows have the same values of these attributes, which are a unique key."""
    names = _keys_of(bound, key)
    first: dict[tuple[object, ...], int] = {}
    for at, row in enumerate(rows, position):
        values = tuple(row.get(name) for name in names)
        if all(value is not None for value in values) and (before := first.setdefault(values, at)) != at:
            raise bound.metadata.repeated_error(before, at, _CREATE_MANY, key) from None


def _keys_of(bound: Bound[RowT], attributes: Sequence[str]) -> frozenset[str]:
    """Return the keys of the columns of these attributes, without the owner, which is the same in each row."""
    entity = bound.metadata.entity
    return frozenset(entity.columns[attribute].key for attribute in attributes if not entity.is_owner(attribute))
