"""How a run's transaction begins and stays: at its isolation level, and open until the run itself commits it."""

from typing import Literal, get_args

from sqlalchemy import event
from sqlalchemy.orm import Session

from backend.database.failures import translate_errors
from backend.database.operations import Operation
from backend.errors import UsageError, shown

Isolation = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

_LEVELS = get_args(Isolation)


class CommitGuard:
    """Gives the session's transaction its isolation level, and refuses that anybody commits it until `release`.

    A level takes the connection, and sends nothing. Without one the work can take it with options of its own.
    Raises `UsageError` for a level that is none of `Isolation`.
    """

    def __init__(self, session: Session, isolation: Isolation | None) -> None:
        if isolation not in (None, *_LEVELS):
            raise UsageError(f"isolation is {shown(isolation)}, expected one of {', '.join(map(repr, _LEVELS))}")
        self._is_held = True
        self._transaction = session.get_transaction()
        event.listen(session, "before_commit", self._refuse)
        if isolation is not None:
            with translate_errors(Operation("run"), "connect"):
                session.connection(execution_options={"isolation_level": isolation})

    def release(self, session: Session) -> None:
        """Lets the transaction be committed. Raises `UsageError` if it is not the one that was begun."""
        if session.get_transaction() is not self._transaction:
            raise _ended()
        self._is_held = False

    def _refuse(self, session: Session) -> None:
        if self._is_held and not session.in_nested_transaction():
            raise _ended()


def _ended() -> UsageError:
    return UsageError("the work of run() ended its transaction: leave commit and rollback to run()")
