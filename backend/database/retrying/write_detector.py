"""Detects whether a run's transaction may have written, from every statement in it, whoever sends it."""

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from backend.database.failures.effects import may_write_sql


class WriteDetector:
    """Reads the statements of a session's next transaction."""

    def __init__(self, session: Session) -> None:
        self.may_have_written: bool = False
        """Whether a statement so far may have written."""
        event.listen(session, "after_begin", self._on_begin)

    def _on_begin(self, _session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
        event.listen(connection, "before_cursor_execute", self._on_execute)

    def _on_execute(
        self, _on: Connection, _cursor: object, sql: str, _values: object, _context: object, _: bool
    ) -> None:
        self.may_have_written = self.may_have_written or may_write_sql(sql)
