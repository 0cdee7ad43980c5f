"""The isolation level of one transaction, which the engine's own gives way to."""

from typing import Literal

from sqlalchemy.orm import Session

from backend.database.failures import Work, translating

Isolation = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


def isolate(session: Session, isolation: Isolation) -> None:
    """Begins the session's transaction at this level: it takes a connection, and sends nothing yet."""
    with translating(Work("run"), "connect"):
        session.connection(execution_options={"isolation_level": isolation})
