"""Calls for subclasses: their own SELECT and their own change of one row, in scope."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Select, SQLColumnExpression

from backend.database.operations import OperationKind
from backend.repository.bound import Bound, Parameters, RowT
from backend.repository.calls.reading import at_most_one, select_unwritten
from backend.repository.execution import Rows, run
from backend.results.entities import ModelRow
from backend.statements.change import Change
from backend.statements.scope.from_clauses import AnySelect

_SELECT: Final = OperationKind("select")
_CHANGE: Final = OperationKind("change", writes=True)


def select(bound: Bound[RowT], columns: Sequence[SQLColumnExpression[object]]) -> Select[*tuple[object, ...]]:
    """Return a SELECT of these expressions over the rows in scope. Sends nothing."""
    return bound.statements.select(columns)


def fetch_all(bound: Bound[RowT], statement: AnySelect, parameters: Parameters) -> Rows:
    """Return the rows of a statement that `select` began."""
    return run(bound, bound.statements.bind_owner(statement, parameters), parameters, _SELECT)


def one_or_none(bound: Bound[RowT], statement: AnySelect, parameters: Parameters) -> ModelRow | None:
    """Return the only row of a statement that `select` began, or `None`. Raises `MultipleFoundError`."""
    return at_most_one(bound, fetch_all(bound, statement, parameters), _SELECT)


def scalar(bound: Bound[RowT], statement: AnySelect, parameters: Parameters) -> object:
    """Return the first column of the only row, or `None`. Raises `MultipleFoundError`."""
    row = one_or_none(bound, statement, parameters)
    return None if row is None else row[0]


def change(bound: Bound[RowT], id: object, change: Change, parameters: Parameters) -> RowT:
    """Run a `Change` of the row with this id, and return the row."""
    metadata, identity = bound.metadata, bound.metadata.entity.identity
    statement = bound.write_statements.change(change, parameters)
    conditions_given = change.where is not None
    if not identity.fits(id):
        raise metadata.not_found_error(id, _CHANGE, conditions_given=conditions_given)
    rows = run(bound, statement, {**parameters, **identity.parameters(id)}, _CHANGE)
    if rows:
        return bound.build(rows)[0]
    if not conditions_given and select_unwritten(bound, id, _CHANGE, statement) is not None:
        raise metadata.suppressed_error(_CHANGE)
    raise metadata.not_found_error(id, _CHANGE, conditions_given=conditions_given)
