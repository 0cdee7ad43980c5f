"""Sets the isolation level of a run's transaction, and keeps it open until the run itself commits it."""

from typing import Literal, get_args

from sqlalchemy import event
from sqlalchemy.orm import Session

from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.errors import UsageError, shown

Isolation = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

_LEVELS = get_args(Isolation)


class CommitGuard:
    """Sets the isolation level of the session's transaction, and refuses every commit of it before `release`.

    Setting a level checks out the connection without sending anything. If none is given, the work may check it out
    with its own options. Raises `UsageError` for a level that is not one of `Isolation`.
    """

    def __init__(self, session: Session, isolation: Isolation | None) -> None:
        if isolation not in (None, *_LEVELS):
            raise UsageError(f"isolation is {shown(isolation)}, expected one of {', '.join(map(repr, _LEVELS))}")
        self._is_guarded = True
        self._transaction = session.get_transaction()
        event.listen(session, "before_commit", self._refuse)
        if isolation is not None:
            with translate_errors(Operation("run"), "connect"):
                session.connection(execution_options={"isolation_level": isolation})

    def release(self, session: Session) -> None:
        """Allow the commit. Raises `UsageError` if the transaction is not the one that was begun."""
        if session.get_transaction() is not self._transaction:
            raise _transaction_ended()
        self._is_guarded = False

    def _refuse(self, session: Session) -> None:
        if self._is_guarded and not session.in_nested_transaction():
            raise _transaction_ended()


def _transaction_ended() -> UsageError:
    return UsageError("the work of run() ended its transaction: leave commit and rollback to run()")
