"""Calls that write the rows that meet conditions."""

from collections.abc import Sequence
from typing import Final, cast

from pydantic import BaseModel

from backend.database.operations import OperationKind
from backend.errors import UsageError
from backend.repository.batches import run_on_each
from backend.repository.bound import Bound, Parameters, RowT
from backend.repository.execution import Rows, run
from backend.statements.change import Change
from backend.statements.conditions import Where

_UPDATE: Final = OperationKind("update_where", writes=True, schema="update")
_UPDATE_RETURNING: Final = OperationKind("update_where_returning", writes=True, schema="update")
_CHANGE: Final = OperationKind("change_where", writes=True)
_DELETE: Final = OperationKind("delete_where", writes=True)
_DELETE_RETURNING: Final = OperationKind("delete_where_returning", writes=True)


def update_where(bound: Bound[RowT], data: BaseModel | Change, where: Sequence[Where], all_rows: object) -> int:
    """Write the set fields to each row that meets every condition, and return how many do."""
    _require_conditions(bound, _UPDATE, where, all_rows)
    return _number(_update(bound, _UPDATE, data, where, returning=False))


def update_where_returning(
    bound: Bound[RowT], data: BaseModel | Change, where: Sequence[Where], all_rows: object
) -> Sequence[RowT]:
    """Write the set fields to each row that meets every condition, and return these rows in the order of their keys."""
    _require_conditions(bound, _UPDATE_RETURNING, where, all_rows)
    return bound.build(_update(bound, _UPDATE_RETURNING, data, where, returning=True))


def change_where(bound: Bound[RowT], change: Change, where: Sequence[Where], parameters: Parameters) -> int:
    """Run a `Change` of each row that meets its condition and these, and return how many do."""
    _require_conditions(bound, _CHANGE, where if change.where is None else (change.where,), all_rows=False)
    statement = bound.write_statements.change_where(change, where, parameters, returning=False)
    return _number(run_on_each(bound, statement, parameters, _CHANGE, wrote=_has_number))


def delete_where(bound: Bound[RowT], where: Sequence[Where], all_rows: object) -> int:
    """Delete each row that meets every condition, and return how many do."""
    _require_conditions(bound, _DELETE, where, all_rows)
    statement = bound.write_statements.delete_where(where, returning=False)
    return _number(run_on_each(bound, statement, {}, _DELETE, wrote=_has_number))


def delete_where_returning(bound: Bound[RowT], where: Sequence[Where], all_rows: object) -> Sequence[RowT]:
    """Delete each row that meets every condition, and return these rows as they were, in the order of their keys."""
    _require_conditions(bound, _DELETE_RETURNING, where, all_rows)
    statement = bound.write_statements.delete_where(where, returning=True)
    return bound.build_transient(run_on_each(bound, statement, {}, _DELETE_RETURNING))


def _update(
    bound: Bound[RowT], kind: OperationKind, data: BaseModel | Change, where: Sequence[Where], *, returning: bool
) -> Rows:
    statements, wrote = bound.write_statements, bool if returning else _has_number
    if isinstance(data, Change):
        statement = statements.change_where(data, where, {}, returning=returning)
        return run_on_each(bound, statement, {}, OperationKind(kind.name, writes=True), wrote=wrote)
    values = bound.metadata.update_reader.update_values(data)
    if not values:
        statement = statements.list(where, (), None, 0) if returning else statements.count(where)
        return run(bound, statement, {}, OperationKind(kind.name))
    statement = statements.update_where(values, where, returning=returning)
    return run_on_each(bound, statement, {}, kind, wrote=wrote)


def _require_conditions(bound: Bound[RowT], kind: OperationKind, where: Sequence[Where], all_rows: object) -> None:
    """Raise `UsageError` for no condition, unless all rows are meant, and for both."""
    _ = bound.write_statements  # raises without a scope first
    operation = bound.metadata.operation(kind)
    if where and all_rows:
        raise UsageError(f"{operation} has conditions and all_rows=True: leave out one of them", operation.details)
    if not where and all_rows is not True:
        how = "pass a condition" if kind is _CHANGE else "pass a condition, or all_rows=True"
        raise UsageError(f"{operation} without a condition would write every row: {how}", operation.details)


def _number(rows: Rows) -> int:
    return cast("int", rows[0][0])  # the statement is SELECT count(*)


def _has_number(rows: Rows) -> bool:
    return _number(rows) > 0
