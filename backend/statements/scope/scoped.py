"""The type of every statement that a call runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Executable


@dataclass(frozen=True, slots=True, eq=False)
class ScopedStatement:
    """A statement that was checked against the scope of its repository. Only a `StatementFamily` makes one.

    In the scope of an owner it binds the owner for every owned table. In that of every owner, or of a model without an
    owner, it reads and writes every row.
    """

    statement: Executable
    before_18: Executable | None = None
    """The same for a server before PostgreSQL 18, if it needs another text."""
    needs_18: bool = False
    """Whether a server before PostgreSQL 18 cannot run it."""
    values: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """The parameters that are known with the statement: the values of conditions and order, and those to write."""
