"""Runs one statement on a session: here, and only here, is decided which transaction a call is in.

    session in a transaction    the call joins it, on its connection; the caller commits
    session bound to an engine  the call is its own transaction: one round trip on an AUTOCOMMIT connection, or
                                BEGIN, statement, COMMIT where the engine is set to another level or to read only
    bound to a connection       the call is a transaction of that connection, as its join_transaction_mode says

Never two connections for one session, and never a transaction left open.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic

from sqlalchemy import Connection, Engine, Executable, Select
from sqlalchemy.orm import Session
from sqlmodel import SQLModel
from typing_extensions import TypeVar

from backend.database.checkout import autocommitting, is_autocommitting
from backend.database.failures import Phase, Work, translated, translating
from backend.database.sessions import TransactionSession
from backend.database.transactions import committing, join, wrote
from backend.errors import UsageError
from backend.statements.rows import ModelRow

T = TypeVar("T")
ExecutableT = TypeVar("ExecutableT", bound=Executable)
Rows = Sequence[ModelRow]
Parameters = Mapping[str, object]


class Call(Generic[ExecutableT, T]):
    """One statement with its parameters, how it is sent and its answer taken (`rows`, `entities`), and what for."""

    __slots__ = ("_send", "answered", "parameters", "statement", "work")

    def __init__(
        self,
        send: "Callable[[Call[ExecutableT, T], Connection], T]",
        statement: ExecutableT,
        parameters: Parameters,
        work: Work,
    ) -> None:
        self._send = send
        self.statement: ExecutableT = statement
        self.parameters: Parameters = parameters
        self.work: Work = work
        self.answered: bool = False
        """Whether the whole answer has come and is being read."""

    def on(self, connection: Connection, *, own_transaction: bool = False) -> T:
        """The whole answer, from this connection; `own_transaction` says that the statement commits itself."""
        try:
            return self._send(self, connection)
        except Exception as error:
            phase: Phase = "answer" if self.answered else "statement"
            made = translated(
                error, self.work, phase, connection, statement=self.statement, own_transaction=own_transaction
            )
            if made is error:
                raise
            raise made from None


def rows(call: Call[Executable, Rows], connection: Connection) -> Rows:
    """The rows of a statement."""
    result = connection.execute(call.statement, call.parameters)
    call.answered = True
    return result.all()


def entities(call: Call[Select[T], Sequence[T]], connection: Connection) -> Sequence[T]:
    """The entities of a SELECT: SQLAlchemy loads them, in a session of their own that touches no other's."""
    with Session(connection, autoflush=False, join_transaction_mode="rollback_only") as own:
        result = own.execute(call.statement, call.parameters)
        call.answered = True
        found = result.scalars().all()
        own.expunge_all()
        return found


def run(session: Session, model: type[SQLModel], call: Call[ExecutableT, T]) -> T:
    """The answer to a call. Raises the errors of `backend.errors`; one of the caller's own flush passes as it is."""
    if session.in_transaction():
        return _joining(session, model, call)
    if isinstance(session, TransactionSession):
        raise UsageError(
            f"{call.work} on the session of a transaction that has ended: "
            "make the call within its block, or on one of db.session()",
            call.work.facts,
        )
    bind = session.get_bind(mapper=model)
    if isinstance(bind, Connection):
        if call.work.locks and (not bind.in_transaction() or is_autocommitting(bind)):
            raise _lock_without_transaction(call.work)
        return _on_connection(session, bind, call)
    if call.work.locks:
        raise _lock_without_transaction(call.work)
    return _alone(bind, call)


def _joining(session: Session, model: type[SQLModel], call: Call[ExecutableT, T]) -> T:
    if session.autoflush:
        session.flush()
    with translating(call.work, "connect"):
        connection = session.connection(bind_arguments={"mapper": model})
        own_transaction = is_autocommitting(connection)  # an AUTOCOMMIT engine's: what the session is in is none
    if call.work.locks and own_transaction:
        raise _lock_without_transaction(call.work)
    join(session, connection)
    answer = call.on(connection, own_transaction=own_transaction)
    if call.work.writes and answer:  # no row came back: nothing was written
        wrote(session)
    return answer


def _lock_without_transaction(work: Work) -> UsageError:
    return UsageError(
        f"{work} with a lock, which lasts as long as its transaction, and this session is in none: "
        "use db.transaction(), db.run() or session.begin()",
        work.facts,
    )


def _alone(engine: Engine, call: Call[ExecutableT, T]) -> T:
    with translating(call.work, "connect"):
        connection = autocommitting(engine)
    try:
        if _may_autocommit(connection):
            if not is_autocommitting(connection):
                with translating(call.work, "connect"):
                    connection.execution_options(isolation_level="AUTOCOMMIT")
            return call.on(connection, own_transaction=True)
    finally:
        connection.close()
    with translating(call.work, "connect"):
        connection = engine.connect()
    with connection, committing(connection.begin(), call.work):
        return call.on(connection)


def _on_connection(session: Session, bind: Connection, call: Call[ExecutableT, T]) -> T:
    mode = session.join_transaction_mode
    commits = not bind.in_transaction() or (mode == "control_fully" and not bind.in_nested_transaction())
    phase: Phase = "commit" if commits else "statement"
    with Session(bind, join_transaction_mode=mode) as own, committing(own.begin(), call.work, phase):
        with translating(call.work, "statement"):  # it may send a SAVEPOINT
            connection = own.connection()
        return call.on(connection, own_transaction=is_autocommitting(connection))


def _may_autocommit(connection: Connection) -> bool:
    options = connection.get_execution_options()
    if options.get("postgresql_readonly") or options.get("postgresql_deferrable"):
        return False
    return options.get("isolation_level", connection.default_isolation_level) in (
        "READ COMMITTED",
        "AUTOCOMMIT",
    )
