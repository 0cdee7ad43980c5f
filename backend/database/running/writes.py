"""Whether a transaction may have written: every statement but a SELECT that calls nothing unknown counts."""

from typing import Final, Protocol, TypeAlias

from sqlalchemy import Connection, Function, event
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate

from backend.statements.reads import is_select

Statement: TypeAlias = ExternallyTraversible | None
"""What was compiled and sent; none for SQL that was given as a string."""


class _Compiled(Protocol):
    @property
    def statement(self) -> Statement: ...


class _Context(Protocol):
    """The part of SQLAlchemy's execution context that is read here."""

    @property
    def compiled(self) -> _Compiled | None: ...


class Writes:
    """Watches the statements of a session's next transaction, whoever sends them."""

    def __init__(self, session: Session) -> None:
        self.possible: bool = False
        """Whether something may have been written so far."""
        self._harmless: set[Statement] = set()
        event.listen(session, "after_begin", self._began)

    def _began(self, _session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
        event.listen(connection, "before_cursor_execute", self._note)

    def _note(self, _on: Connection, _cursor: object, _sql: str, _values: object, context: _Context, _: bool) -> None:
        if self.possible:
            return
        statement = None if context.compiled is None else context.compiled.statement
        if statement not in self._harmless:
            self.possible = may_write(statement)
            self._harmless.add(statement)


_KNOWN: Final = "sqlalchemy."
"""Where the functions are defined that are known to read only: `count`, `sum`, `coalesce`, `now`, …"""


def may_write(statement: Statement) -> bool:
    """Whether running it can change a row: by a CTE that writes or a function that SQLAlchemy does not know, too."""
    if not is_select(statement):
        return True
    return any(isinstance(part, UpdateBase) or _is_unknown_function(part) for part in iterate(statement))


def _is_unknown_function(part: object) -> bool:
    kind = type(part)
    return isinstance(part, Function) and (kind is Function or not kind.__module__.startswith(_KNOWN))
