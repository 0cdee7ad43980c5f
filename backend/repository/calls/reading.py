"""Calls that read entities."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from backend.database.operations import OperationKind
from backend.errors import ErrorDetails, MultipleFoundError, NotFoundError, UsageError, described
from backend.repository.bound import Bound, RowT
from backend.repository.calls.loading import build
from backend.repository.execution import Rows, run
from backend.results.entities import ModelRow
from backend.statements.conditions import Where
from backend.statements.locks import Lock
from backend.statements.ordering import Order
from backend.statements.scope.scoped import ScopedStatement

_GET: Final = OperationKind("get")
_GET_ONE: Final = OperationKind("get_one")
_LIST: Final = OperationKind("list")
_LIST_LOCKED: Final = OperationKind("list", locks=True)
_FIRST: Final = OperationKind("first")
_FIRST_LOCKED: Final = OperationKind("first", locks=True)
_ONE: Final = OperationKind("one")
_ONE_OR_NONE: Final = OperationKind("one_or_none")


def get(bound: Bound[RowT], id: object, lock: Lock | None) -> RowT | None:
    """Return the row with this id, or `None`."""
    row = select_by_id(bound, id, _GET, lock)
    return None if row is None else build(bound, (row,), _GET)[0]


def get_one(bound: Bound[RowT], id: object, lock: Lock | None) -> RowT:
    """Return the row with this id. Raises `NotFoundError`."""
    row = select_by_id(bound, id, _GET_ONE, lock)
    if row is None:
        raise bound.metadata.not_found_error(id, _GET_ONE)
    return build(bound, (row,), _GET_ONE)[0]


def list_all(
    bound: Bound[RowT],
    where: Sequence[Where],
    order_by: Order,
    limit: int | None,
    offset: int,
    *,
    lock: Lock | None = None,
) -> Sequence[RowT]:
    """Return the rows that meet every condition, in a total order, locked if a lock is given."""
    statements = bound.statements
    statement = statements.list(where, order_by, limit, offset, checked_lock(lock))
    rows = run(bound, statement, statements.list_parameters(limit, offset), _LIST if lock is None else _LIST_LOCKED)
    return build(bound, rows, _LIST)


def first(bound: Bound[RowT], where: Sequence[Where], order_by: Order, lock: Lock | None = None) -> RowT | None:
    """Return the first row that meets every condition, locked if a lock is given, or `None`."""
    statements = bound.statements
    statement = statements.list(where, order_by, 1, 0, checked_lock(lock))
    rows = run(bound, statement, statements.list_parameters(1, 0), _FIRST if lock is None else _FIRST_LOCKED)
    return build(bound, rows, _FIRST)[0] if rows else None


def one(bound: Bound[RowT], where: Sequence[Where]) -> RowT:
    """Return the only row that meets every condition. Raises `NotFoundError` and `MultipleFoundError`."""
    row = _at_most_one(bound, where, _ONE)
    if row is None:
        name = bound.metadata.entity.name
        raise NotFoundError(f"no {name} meets the conditions", ErrorDetails(name, _ONE.name))
    return build(bound, (row,), _ONE)[0]


def one_or_none(bound: Bound[RowT], where: Sequence[Where]) -> RowT | None:
    """Return the only row that meets every condition, or `None`. Raises `MultipleFoundError`."""
    row = _at_most_one(bound, where, _ONE_OR_NONE)
    return None if row is None else build(bound, (row,), _ONE_OR_NONE)[0]


def select_by_id(bound: Bound[RowT], id: object, kind: OperationKind, lock: Lock | None = None) -> ModelRow | None:
    """Return the row with this id, locked if a lock is given, or `None`."""
    statements = bound.statements
    if checked_lock(lock) is not None:
        kind = replace(kind, locks=True)
    identity = bound.metadata.entity.identity
    if not identity.fits(id):
        return None
    statement = statements.select_by_id if lock is None else statements.select_by_id_for_update(lock)
    rows = run(bound, statement, identity.parameters(id), kind)
    return rows[0] if rows else None


def select_unwritten(bound: Bound[RowT], id: object, kind: OperationKind, written: ScopedStatement) -> ModelRow | None:
    """Return the row that a statement did not write, read where that statement was sent, or `None`."""
    parameters = bound.metadata.entity.identity.parameters(id)
    rows = run(bound, bound.statements.select_by_id, parameters, OperationKind(kind.name), routed_as=written)
    return rows[0] if rows else None


def at_most_one(bound: Bound[RowT], rows: Rows, kind: OperationKind) -> ModelRow | None:
    """Return the only row, or `None`. Raises `MultipleFoundError`."""
    if len(rows) > 1:
        name = bound.metadata.entity.name
        raise MultipleFoundError(f"more than one {name} meets the conditions", ErrorDetails(name, kind.name))
    return rows[0] if rows else None


def checked_lock(lock: Lock | None) -> Lock | None:
    """Return the lock, unchanged. Raises `UsageError` for a value of another type."""
    if lock is not None and not isinstance(lock, Lock):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        raise UsageError(f"lock is {described(lock)}, expected a Lock: lock=Lock()")
    return lock


def _at_most_one(bound: Bound[RowT], where: Sequence[Where], kind: OperationKind) -> ModelRow | None:
    statements = bound.statements
    rows = run(bound, statements.list(where, (), 2, 0), statements.list_parameters(2, 0), kind)
    return at_most_one(bound, rows, kind)
