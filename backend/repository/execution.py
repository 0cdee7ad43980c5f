"""Runs one statement on a session. Only this module decides which transaction a call is in.

    session in a transaction    the call joins it, on its connection; the caller commits
    session bound to an engine  the call is its own transaction: one round trip on an AUTOCOMMIT connection, or
                                BEGIN, statement, COMMIT where the engine is set to another level or to read only
    bound to a connection       the call is a transaction of that connection, as its join_transaction_mode says

Never two connections for one session, and never a transaction left open.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.orm import Mapper, Session

from backend.database.connections.checkout import connect_autocommit, is_autocommit, switch_to_autocommit
from backend.database.connections.forking import register_connection, require_opened_here
from backend.database.failures.sqlstates import is_stale_plan
from backend.database.failures.translate import Phase, translate_error, translate_errors
from backend.database.operations import Operation, OperationKind
from backend.database.sessions.sessions import TransactionSession
from backend.database.sessions.state import record_write
from backend.database.sessions.transactions import commit_or_rollback, join
from backend.errors import OwnerRequiredError, UsageError
from backend.repository.bound import Bound, Parameters, RowT
from backend.results.entities import ModelRow
from backend.statements.scope.scoped import ScopedStatement

Rows = Sequence[ModelRow]


@dataclass(slots=True, eq=False, repr=False)
class Execution:
    """One statement with its parameters and its operation."""

    mapper: Mapper[Any]  # of whichever model: a mapper is invariant in it
    scoped: ScopedStatement
    parameters: Parameters
    operation: Operation
    routed_as: Executable
    """The clause for `Session.get_bind`: the statement, or the one that it follows."""
    wrote: Callable[[Rows], bool] = bool
    """Whether its answer says that a row was written."""

    @property
    def statement(self) -> Executable:
        """Return the statement, as errors and warnings see it."""
        return self.scoped.statement

    @property
    def bind_arguments(self) -> dict[str, Any]:  # as SQLAlchemy types them
        """Return what SQLAlchemy passes to `Session.get_bind` for this statement, so that a session can route it."""
        return {"mapper": self.mapper, "clause": self.routed_as}

    def send(self, connection: Connection, *, own_transaction: bool = False) -> Rows:
        """Send the statement and return every row; `own_transaction` means that the statement commits itself."""
        phase: Phase = "statement"
        try:
            result = connection.execute(self._statement_for(connection), self.parameters)
            phase = "answer"
            return result.all()
        except Exception as error:
            translated = translate_error(
                error, self.operation, phase, connection, statement=self.statement, own_transaction=own_transaction
            )
            if own_transaction and is_stale_plan(error):  # in a transaction, psycopg forgets its plans at ROLLBACK
                connection.invalidate()
            if translated is error:
                raise
            raise translated from None

    def _statement_for(self, connection: Connection) -> Executable:
        version = connection.dialect.server_version_info or ()
        if version >= (18,):
            return self.scoped.statement
        if self.scoped.needs_18:
            raise UsageError(
                f"{self.operation} with the row before needs PostgreSQL 18, and this server is PostgreSQL "
                f"{'.'.join(map(str, version))}: read the row with a lock in a transaction, then call "
                f"{self.operation.name}()",
                self.operation.details,
            )
        return self.scoped.statement if self.scoped.before_18 is None else self.scoped.before_18


def run(
    bound: Bound[RowT],
    statement: ScopedStatement,
    parameters: Parameters,
    kind: OperationKind,
    *,
    routed_as: ScopedStatement | None = None,
    wrote: Callable[[Rows], bool] = bool,
) -> Rows:
    """Run a statement and return its rows; `Session.get_bind` is called with `routed_as`, if given.

    `wrote` says whether these mean that something was written: by default, any row does.

    Raises the errors of `backend.errors`; an error of the caller's own flush is not translated.
    """
    metadata, session = bound.metadata, bound.session
    if not isinstance(statement, ScopedStatement):  # pyright: ignore[reportUnnecessaryIsInstance]  # for untyped callers
        raise OwnerRequiredError(
            f"a statement on {metadata.entity.table.name} was not made with _select(): "
            "begin it with _select(…), and run it with _all, _one_or_none or _scalar"
        )
    routed = statement if routed_as is None else routed_as
    execution = Execution(
        metadata.entity.mapper,
        statement,
        {**parameters, **statement.values, **bound.scope},
        metadata.operation(kind),
        routed.statement,
        wrote,
    )
    if session.in_transaction():
        return _run_in_session_transaction(session, execution)
    require_usable(session, execution.operation)
    bind = session.get_bind(**execution.bind_arguments)
    if isinstance(bind, Connection):
        require_opened_here(bind)
        register_connection(bind)
        if execution.operation.locks and (not bind.in_transaction() or is_autocommit(bind)):
            raise _lock_without_transaction(execution.operation)
        return _run_on_bound_connection(session, bind, execution)
    if execution.operation.locks:
        raise _lock_without_transaction(execution.operation)
    return _run_in_own_transaction(bind, execution)


def require_usable(session: Session, operation: Operation) -> None:
    """Raise `UsageError` for a session that is in no transaction and may begin none."""
    if isinstance(session, TransactionSession):
        raise UsageError(
            f"{operation} on the session of a transaction that has ended: "
            "make the call within its block, or on one of db.session()",
            operation.details,
        )


def _run_in_session_transaction(session: Session, execution: Execution) -> Rows:
    if session.autoflush:
        session.flush()
    connection = join(session, execution.bind_arguments, execution.operation)
    with translate_errors(execution.operation, "connect"):
        own_transaction = is_autocommit(connection)  # of an AUTOCOMMIT engine: each statement commits
    if execution.operation.locks and own_transaction:
        raise _lock_without_transaction(execution.operation)
    answer = execution.send(connection, own_transaction=own_transaction)
    if execution.operation.writes and execution.wrote(answer):
        record_write(session)
    return answer


def _lock_without_transaction(operation: Operation) -> UsageError:
    return UsageError(
        f"{operation} with a lock, which lasts as long as its transaction, and this session is in none: "
        "use db.transaction(), db.run() or session.begin()",
        operation.details,
    )


def _run_in_own_transaction(engine: Engine, execution: Execution) -> Rows:
    with translate_errors(execution.operation, "connect"):
        connection = connect_autocommit(engine)
    try:
        if _may_autocommit(connection):
            if switch_to_autocommit(connection):
                return execution.send(connection, own_transaction=True)
            return _in_transaction(connection, execution)
    finally:
        connection.close()
    with translate_errors(execution.operation, "connect"):
        connection = engine.connect()
    with connection:
        return _in_transaction(connection, execution)


def _in_transaction(connection: Connection, execution: Execution) -> Rows:
    """Run the call in a transaction and commit it: a new one, or that of an `engine_connect` listener."""
    with commit_or_rollback(
        connection.get_transaction() or connection.begin(), execution.operation, execution.statement
    ):
        return execution.send(connection)


def _run_on_bound_connection(session: Session, bind: Connection, execution: Execution) -> Rows:
    mode = session.join_transaction_mode
    with (
        Session(bind, join_transaction_mode=mode) as own,
        commit_or_rollback(own.begin(), execution.operation, execution.statement),
    ):
        with translate_errors(execution.operation, "statement"):  # it may send a SAVEPOINT
            connection = own.connection()
        return execution.send(connection, own_transaction=is_autocommit(connection))


def _may_autocommit(connection: Connection) -> bool:
    options = connection.get_execution_options()
    if options.get("postgresql_readonly") or options.get("postgresql_deferrable"):
        return False
    return options.get("isolation_level", connection.default_isolation_level) in (
        "READ COMMITTED",
        "AUTOCOMMIT",
    )
