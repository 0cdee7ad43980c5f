"""Sets the isolation level of a run's transaction, and keeps it open until the run itself commits it."""

from typing import Literal, get_args

from sqlalchemy.orm import Session

from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.database.sessions.state import ensure_state
from backend.errors import UsageError, shown

Isolation = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

_LEVELS = get_args(Isolation)


def guard_transaction(session: Session, isolation: Isolation | None) -> None:
    """Set the isolation level of the session's transaction, and refuse every commit of it until it is released.

    Setting a level checks out the connection without sending anything. If none is given, the work may check it out
    with its own options. Raises `UsageError` for a level that is not one of `Isolation`.
    """
    if isolation not in (None, *_LEVELS):
        raise UsageError(f"isolation is {shown(isolation)}, expected one of {', '.join(map(repr, _LEVELS))}")
    ensure_state(session).guarded = session.get_transaction()
    if isolation is not None:
        with translate_errors(Operation("run"), "connect"):
            session.connection(execution_options={"isolation_level": isolation})
