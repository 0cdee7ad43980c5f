"""Calls that insert rows, or change those that have their keys."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from pydantic import BaseModel
from sqlalchemy.sql.elements import Null

from backend.database.operations import OperationKind
from backend.errors import ErrorDetails, InvalidDataError, InvalidStatementError
from backend.input.many import read_many
from backend.input.values import ColumnValues
from backend.repository.batches import Progress, run_on_each, write_in_batches
from backend.repository.bound import Bound, RowT
from backend.repository.calls.writing import require_owner
from backend.repository.execution import Rows, run
from backend.results.upserted import Upserted, UpsertOutcome
from backend.statements.column_defaults import python_onupdates, with_python_defaults
from backend.statements.conflict_targets import UniqueKey, Updates, Upsert
from backend.statements.row_arrays import set_names
from backend.statements.upsert_shape import UpsertShape

_UPSERT: Final = OperationKind("upsert", writes=True, schema="create")
_UPSERT_MANY: Final = OperationKind("upsert_many", writes=True, schema="create")
_GET_OR_CREATE: Final = OperationKind("get_or_create", writes=True, schema="create")

_SECOND_CHANGE: Final = "21000"
"""The server's error for two rows of one INSERT with one key."""

_Row = tuple[ColumnValues, frozenset[str]]
"""The values of a row, and the columns that it changes where its key is taken."""


def upsert(bound: Bound[RowT], data: BaseModel, on: UniqueKey, update: Updates) -> Upserted[RowT]:
    """Insert a row, or change the row that has its key."""
    return _upsert_one(bound, data, on, update, _UPSERT)


def get_or_create(bound: Bound[RowT], data: BaseModel, on: UniqueKey) -> Upserted[RowT]:
    """Insert a row, or return the row that has its key as it is."""
    return _upsert_one(bound, data, on, "nothing", _GET_OR_CREATE)


def upsert_many(
    bound: Bound[RowT], data: Iterable[BaseModel], on: UniqueKey, update: Updates, progress: Progress | None
) -> Sequence[Upserted[RowT]]:
    """Insert a row for each item, or change the row that has its key, and return the rows in this order."""
    statements, details = bound.write_statements, bound.metadata.operation(_UPSERT_MANY).details
    require_owner(bound, _UPSERT_MANY)
    plan = statements.upsert(on, update)
    positions: dict[tuple[object, ...], int] = {}

    def write(bound: Bound[RowT], position: int, items: Sequence[BaseModel]) -> Sequence[Upserted[RowT]]:
        rows = read_many(items, lambda item: _read(bound, item, plan, _UPSERT_MANY), position, details)
        _require_distinct(bound, rows, plan, position, positions)
        return _upsert_rows(bound, rows, plan, _UPSERT_MANY)

    batches = write_in_batches(bound, _UPSERT_MANY, data, write, progress)
    return [row for batch in batches for row in batch]


def _upsert_one(
    bound: Bound[RowT], data: BaseModel, on: UniqueKey, update: Updates, kind: OperationKind
) -> Upserted[RowT]:
    statements = bound.write_statements
    require_owner(bound, kind)
    plan = statements.upsert(on, update)
    values, changed = _read(bound, data, plan, kind)
    if not plan.target.nulls_conflict and any(_is_null(values[name]) for name in _key(bound, plan)):
        rows = run(bound, statements.insert, values, kind)  # no row can have this key
        if not rows:
            raise bound.metadata.suppressed_error(kind)
        return Upserted(bound.build(rows)[0], "inserted")
    if plan.target.is_shared or not changed:
        return _upsert_rows(bound, [(values, changed)], plan, kind)[0]
    parameters = {**values, **python_onupdates(bound.metadata.entity.table, values)}
    rows = run(bound, statements.upsert_one(plan, changed), parameters, kind)
    if not rows:
        raise bound.metadata.suppressed_error(kind)
    return _upserted(bound, rows, [changed])[0]


def _read(bound: Bound[RowT], data: BaseModel, plan: Upsert, kind: OperationKind) -> _Row:
    reader = bound.metadata.new_row_reader(kind.name)
    values = reader.insert_values(data, bound.owner)
    reader.require_values(plan.target.attributes, values)
    return values, plan.changeable.intersection(reader.set_columns(data), values)


def _upsert_rows(
    bound: Bound[RowT], rows: Sequence[_Row], plan: Upsert, kind: OperationKind
) -> Sequence[Upserted[RowT]]:
    table = bound.metadata.entity.table
    values = with_python_defaults(table, [row for row, _ in rows])
    shape = _shape(bound, values, [changed for _, changed in rows], plan)
    statement = bound.write_statements.upsert_many(plan, shape)
    sent = [
        {**row, **{flag: is_set(changed) for flag, is_set in shape.flags.items()}}
        for row, (_, changed) in zip(values, rows, strict=True)
    ]
    parameters = {**statement.arrays.parameters(sent), **python_onupdates(table, values[0])}
    try:
        written = run_on_each(bound, statement.statement, parameters, kind, count=len(rows))
    except InvalidStatementError as error:
        if error.sqlstate != _SECOND_CHANGE:
            raise
        raise _equal_keys_error(bound, plan, kind) from None
    return _upserted(bound, written, [changed for _, changed in rows])


def _shape(
    bound: Bound[RowT], rows: Sequence[Mapping[str, object]], changed: Sequence[frozenset[str]], plan: Upsert
) -> UpsertShape:
    names, key = bound.metadata.entity.table.columns.keys(), _key(bound, plan)
    by_any, by_all = frozenset[str]().union(*changed), changed[0].intersection(*changed)
    return UpsertShape(
        *set_names(rows, names),
        tuple(name for name in names if name in by_any),
        by_any - by_all,
        not all(changed),
        any(_is_null(row[name]) for row in rows for name in key),
    )


def _key(bound: Bound[RowT], plan: Upsert) -> Sequence[str]:
    """Return the columns of the key that the data has: without the owner."""
    return [column.key for column in plan.target.columns if column is not bound.metadata.entity.owner_column]


def _is_null(value: object) -> bool:
    return value is None or isinstance(value, Null)


def _require_distinct(
    bound: Bound[RowT], rows: Sequence[_Row], plan: Upsert, position: int, first: dict[tuple[object, ...], int]
) -> None:
    """Raise `InvalidDataError` if two rows of the call have one key, as far as Python compares as the server does.

    `first` has the position of each key that the call was given before.
    """
    keys = _key(bound, plan)
    for at, (row, _) in enumerate(rows, position):
        key = tuple(row[name] for name in keys)
        if not plan.target.nulls_conflict and any(map(_is_null, key)):
            continue
        try:
            before = first.setdefault(key, at)
        except TypeError:  # a value without a hash: the server compares
            return
        if before != at:
            raise bound.metadata.repeated_error(before, at, _UPSERT_MANY, plan.target.attributes)


def _equal_keys_error(bound: Bound[RowT], plan: Upsert, kind: OperationKind) -> InvalidDataError:
    """Return the error for two rows with keys that differ in Python, and that the database takes as equal."""
    name, fields = bound.metadata.entity.name, plan.target.attributes
    return InvalidDataError(
        f"two of the data name the same {name}, for the database takes their {', '.join(fields)} as equal: "
        "give each row once",
        ErrorDetails(name, kind.name, fields=fields),
    )


def _upserted(bound: Bound[RowT], rows: Rows, changed: Sequence[Collection[str]]) -> Sequence[Upserted[RowT]]:
    """Return the results of the rows, whose last value says whether they are new."""
    outcomes: list[UpsertOutcome] = [
        "inserted" if row[-1] else "updated" if set_there else "unchanged"
        for row, set_there in zip(rows, changed, strict=True)
    ]
    return [*map(Upserted, bound.build(rows), outcomes)]
