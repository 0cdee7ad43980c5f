"""Joins and ends the transaction of a session, for a call, a block or a run.

If ROLLBACK fails too, the original error is raised: a connection that is lost has no transaction any more.
PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed, and neither psycopg nor
SQLAlchemy reports it: here that commit raises.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, Executable, Transaction
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session, SessionTransaction

from backend.database.failures.frames import raised_inside
from backend.database.failures.messages import shared_session
from backend.database.failures.translate import translate_error, translate_errors
from backend.database.operations import Operation
from backend.database.sessions.state import ensure_state, forget_writes, require_not_failed
from backend.errors import UsageError


def join(
    session: Session,
    bind_arguments: dict[str, Any],  # as SQLAlchemy types them
    operation: Operation,
) -> Connection:
    """Return the connection of the session's transaction, and record that the call uses it.

    Raises `UsageError` in a fork of the process that opened it, and if `close()` was called while this call connected.
    """
    connection = _connection_of(session, bind_arguments, operation)
    state = ensure_state(session)
    if state.close_was_refused:
        state.close_was_refused = False
        session.close()
        raise UsageError(shared_session(str(operation)))
    state.track(connection)
    return connection


def _connection_of(
    session: Session,
    bind_arguments: dict[str, Any],  # as SQLAlchemy types them
    operation: Operation,
) -> Connection:
    """Return the connection: the first call in the transaction checks it out.

    The first call in a savepoint sends SAVEPOINT here: if that fails, a statement failed and not a connect.
    """
    try:
        return session.connection(bind_arguments=bind_arguments)
    except Exception as error:
        if type(error) is InvalidRequestError and ensure_state(session).is_committing:
            raise UsageError(shared_session(str(operation)), operation.details) from None
        is_savepoint = session.in_nested_transaction() and isinstance(error, DBAPIError) and error.statement is not None
        translated = translate_error(error, operation, "statement" if is_savepoint else "connect")
        if translated is error:
            raise
        raise translated from None


_ENDS: Final = frozenset(end.__code__ for end in (Transaction.commit, Transaction.rollback, Transaction.close))


def end_of_savepoint(error: BaseException, operation: Operation) -> BaseException:
    """Translate an error of RELEASE or ROLLBACK TO; return any other unchanged.

    Of the commands that end a transaction, SQLAlchemy runs only these two as statements.
    """
    if isinstance(error, DBAPIError) and error.statement is not None and raised_inside(error, _ENDS):
        return translate_error(error, operation, "statement")
    return error


@contextmanager
def commit_or_rollback(
    transaction: Transaction | SessionTransaction,
    operation: Operation,
    statement: Executable | None = None,
) -> Generator[None]:
    """Commit when the block ends, roll back when it raises. `statement` describes an error of the commit.

    Of a savepoint, the commit is a statement that releases it, and its errors are those of a statement.
    """
    try:
        yield
    except BaseException:
        with suppress(DBAPIError):
            transaction.rollback()
        raise
    with translate_errors(operation, "commit", statement=statement):
        transaction.commit()


def flush_before_commit(session: Session, operation: Operation) -> None:
    """Flush first: if an answer is lost later, it is the answer to COMMIT.

    Raises `FailedTransactionError` if a statement failed before, and the errors of a statement.
    """
    require_not_failed(session)
    with translate_errors(operation, "statement"):
        session.flush()


def commit(session: Session, operation: Operation) -> None:
    """Flush, then commit. Raises the errors of `backend.errors`."""
    flush_before_commit(session, operation)
    with translate_errors(operation, "commit"):
        session.commit()


def rollback(session: Session) -> None:
    """Roll back before an error is raised."""
    forget_writes(session)  # the writes are lost, even if ROLLBACK gets no answer
    with suppress(DBAPIError):
        session.rollback()
