"""Calls that write one row."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel

from backend.database.operations import OperationKind
from backend.errors import ErrorDetails, OwnerRequiredError
from backend.repository.bound import Bound, Parameters, RowT
from backend.repository.calls.reading import select_by_id, select_unwritten
from backend.repository.execution import run
from backend.results.entities import ModelRow
from backend.statements.scope.scoped import ScopedStatement

_CREATE: Final = OperationKind("create", writes=True, schema="create")
_UPDATE: Final = OperationKind("update", writes=True, schema="update")
_UPDATE_NOTHING: Final = OperationKind("update")
_DELETE: Final = OperationKind("delete", writes=True)


def create(bound: Bound[RowT], data: BaseModel) -> RowT:
    """Insert a row: every field of `data` that has a value, and the owner of the scope."""
    metadata, statement = bound.metadata, bound.write_statements.insert
    require_owner(bound, _CREATE)
    values = metadata.create_reader.insert_values(data, bound.owner)
    rows = run(bound, statement, values, _CREATE)
    if not rows:
        raise metadata.suppressed_error(_CREATE)
    return bound.build(rows)[0]


def require_owner(bound: Bound[RowT], kind: OperationKind) -> None:
    """Raise `OwnerRequiredError` if a new row needs an owner and the scope is every owner's."""
    metadata = bound.metadata
    if metadata.entity.owner is not None and not bound.scope:
        raise OwnerRequiredError(
            f"a new {metadata.entity.name} needs an owner, every_owner() has none to give it: "
            f"use {metadata.name}(session).owned_by(owner)",
            ErrorDetails(metadata.entity.name, kind.name),
        )


def update(bound: Bound[RowT], id: object, data: BaseModel, expected: datetime | int | None) -> RowT:
    """Write exactly the fields that were set in `data`, and return the row."""
    statements = bound.write_statements
    values = bound.metadata.update_reader.update_values(data)
    if not values:
        return _update_nothing(bound, id, expected)
    statement = statements.update if expected is None else statements.update_expected
    return bound.build((_write_by_id(bound, _UPDATE, statement, id, expected, values=values),))[0]


def delete(bound: Bound[RowT], id: object, expected: datetime | int | None) -> RowT:
    """Delete the row, and return it as it was."""
    statements = bound.write_statements
    statement = statements.delete if expected is None else statements.delete_expected
    return bound.build_transient((_write_by_id(bound, _DELETE, statement, id, expected),))[0]


def _write_by_id(
    bound: Bound[RowT],
    kind: OperationKind,
    statement: ScopedStatement,
    id: object,
    expected: datetime | int | None,
    *,
    values: Parameters = {},  # noqa: B006 - never changed
) -> ModelRow:
    """Run a statement on the row with this id, and return the row. Raises the error that says why it did not."""
    metadata, entity = bound.metadata, bound.metadata.entity
    if not entity.identity.fits(id):
        raise metadata.not_found_error(id, kind)
    parameters = {**values, **entity.identity.parameters(id)}
    is_possible = True
    if expected is not None:
        version = entity.required_version()
        is_possible = version.fits(expected)
        parameters |= version.parameters(expected)
    if is_possible and (rows := run(bound, statement, parameters, kind)):
        return rows[0]
    raise metadata.unwritten_error(id, kind, select_unwritten(bound, id, kind, statement), expected)


def _update_nothing(bound: Bound[RowT], id: object, expected: datetime | int | None) -> RowT:
    metadata = bound.metadata
    if expected is not None:
        metadata.entity.required_version().fits(expected)  # raises for a value of another type
    row = select_by_id(bound, id, _UPDATE_NOTHING)
    if row is None or (expected is not None and not metadata.entity.required_version().equals(row, expected)):
        raise metadata.unwritten_error(id, _UPDATE, row, expected)
    return bound.build((row,))[0]
