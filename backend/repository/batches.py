"""Runs a call on many rows: in one statement as any call, or in several, all or nothing."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from backend.database.connections.checkout import is_autocommit
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation, OperationKind
from backend.database.sessions.transactions import commit_or_rollback, join
from backend.entity.parameters import COUNT_PARAMETER
from backend.errors import InvalidDataError, UsageError, described
from backend.repository.bound import Bound, Parameters, RowT
from backend.repository.execution import Rows, require_usable, run
from backend.statements.row_counts import WRONG_COUNT_SQLSTATE
from backend.statements.scope.scoped import ScopedStatement

T = TypeVar("T")
ResultT = TypeVar("ResultT")

Progress: TypeAlias = Callable[[int], None]
"""A function that is called after each statement with the number of rows that are written by then."""

MAX_ROWS: Final = 10_000
"""Rows of one statement: some megabytes of parameters, written in a fraction of a second."""


def write_in_batches(
    bound: Bound[RowT],
    kind: OperationKind,
    items: Iterable[T],
    write: Callable[[Bound[RowT], int, Sequence[T]], ResultT],
    progress: Progress | None,
) -> Sequence[ResultT]:
    """Write the items in as few statements as possible, and return the result of each.

    `write` gets the position of its first item. More than one statement: a transaction, or a savepoint of the
    session's; the items are taken from the iterable as they are written.
    """
    batches = _batches(bound, kind, items)
    first, second = next(batches, ()), next(batches, ())
    if not second:
        return [_written(bound, 0, first, write, progress)] if first else []
    results: list[ResultT] = []
    position = 0
    with _transaction(bound, kind) as own:
        for batch in chain((first, second), batches):
            results.append(_written(own, position, batch, write, progress))
            position += len(batch)
    return results


def run_on_each(
    bound: Bound[RowT],
    statement: ScopedStatement,
    parameters: Parameters,
    kind: OperationKind,
    *,
    count: int | None = None,
    wrote: Callable[[Rows], bool] = bool,
) -> Rows:
    """Run a statement that fails unless it writes `count` rows, or as many as it finds.

    Raises the error for a row that is skipped then.

    `wrote` as for `run`.
    """
    try:
        given = parameters if count is None else {**parameters, COUNT_PARAMETER: count}
        return run(bound, statement, given, kind, wrote=wrote)
    except InvalidDataError as error:
        if error.sqlstate != WRONG_COUNT_SQLSTATE:
            raise
    raise bound.metadata.suppressed_error(kind)


def _written(
    bound: Bound[RowT],
    position: int,
    batch: Sequence[T],
    write: Callable[[Bound[RowT], int, Sequence[T]], ResultT],
    progress: Progress | None,
) -> ResultT:
    result = write(bound, position, batch)
    if progress is not None:
        progress(position + len(batch))
    return result


def _batches(bound: Bound[RowT], kind: OperationKind, items: Iterable[T]) -> Iterator[Sequence[T]]:
    if isinstance(items, str | bytes | bytearray | BaseModel) or not isinstance(items, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        operation = bound.metadata.operation(kind)
        raise UsageError(f"{operation} takes several, got {described(items)}: pass a list of them", operation.details)
    remaining = iter(items)
    while batch := [*islice(remaining, MAX_ROWS)]:
        yield batch


@contextmanager
def _transaction(bound: Bound[RowT], kind: OperationKind) -> Generator[Bound[RowT]]:
    """Return what several statements run on. Raises `UsageError` at AUTOCOMMIT, where each would commit itself."""
    session, operation = bound.session, bound.metadata.operation(kind)
    arguments: dict[str, Any] = {"mapper": bound.metadata.entity.mapper, "clause": bound.metadata.entity.table}
    if session.in_transaction():
        if session.autoflush:
            session.flush()
        with _savepoint(_connection(session, arguments, operation), operation):
            yield bound
        return
    require_usable(session, operation)
    bind, mode = session.get_bind(**arguments), session.join_transaction_mode
    with Session(bind, join_transaction_mode=mode) as own, commit_or_rollback(own.begin(), operation):
        _connection(own, arguments, operation)
        yield replace(bound, session=own)


def _connection(
    session: Session, bind_arguments: dict[str, Any], operation: Operation
) -> Connection:  # as SQLAlchemy types them
    connection = join(session, bind_arguments, operation)
    if is_autocommit(connection):
        raise UsageError(
            f"{operation} of more than {MAX_ROWS} rows takes several statements, and at AUTOCOMMIT each would commit "
            "itself: leave the isolation level of the engine as it is by default",
            operation.details,
        )
    return connection


@contextmanager
def _savepoint(connection: Connection, operation: Operation) -> Generator[None]:
    with translate_errors(operation, "statement"):
        savepoint = connection.begin_nested()
    with commit_or_rollback(savepoint, operation):
        yield
