"""Whether a transaction may have written: every statement but a SELECT of known elements counts."""

from typing import Final, Protocol, TypeAlias

from sqlalchemy import Connection, Function, TextClause, event
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ColumnClause
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
        if statement in self._harmless:
            return
        if may_write(statement):
            self.possible = True
        else:
            self._harmless.add(statement)


_KNOWN: Final = ("sqlalchemy.", "sqlmodel.")
"""Where the elements and functions are defined that are known to read only: `count`, `sum`, `coalesce`, `now`, …"""


def may_write(statement: Statement) -> bool:
    """Whether running it can change a row: by a CTE that writes, a function that is not known, SQL in a string, too."""
    return not is_select(statement) or any(map(_is_unknown, iterate(statement)))


def _is_unknown(part: object) -> bool:
    kind = type(part)
    if kind is Function or not kind.__module__.startswith(_KNOWN):
        return True
    if isinstance(part, ColumnClause):
        return part.is_literal and part.name != "*"  # count(*)
    return isinstance(part, UpdateBase | TextClause)
