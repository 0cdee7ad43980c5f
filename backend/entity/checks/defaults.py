"""Check of column defaults: a SELECT in one is part of every INSERT or UPDATE, and no scope binds the owner in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import TableClause
from sqlalchemy.sql.visitors import iterate
from sqlmodel import SQLModel

from backend.entity.checks.references import OwnedModel
from backend.entity.entity import Entity
from backend.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class ReadingDefault:
    """A column's `default` or `onupdate` that reads tables."""

    name: str
    """`the onupdate of Task.rank`."""
    tables: frozenset[str]


def reading_defaults(entity: Entity[SQLModel]) -> Iterator[ReadingDefault]:
    """Yield each default of the table's columns that reads tables."""
    for column in entity.table.columns:
        for role in ("default", "onupdate"):
            argument: object = getattr(getattr(column, role), "arg", None)
            if isinstance(argument, ClauseElement):
                tables = {part.fullname for part in iterate(argument) if isinstance(part, TableClause)}
                yield ReadingDefault(f"the {role} of {entity.name}.{column.key}", frozenset(tables))


def check_defaults(defaults: Iterable[ReadingDefault], owned: Iterable[OwnedModel]) -> None:
    """Raise `DefinitionError` for a default that reads a table with owners."""
    owned_tables = {owner.table.fullname for _, owner in owned}
    for default in defaults:
        for table in sorted(default.tables & owned_tables):
            raise DefinitionError(
                f"{default.name} reads {table}, which has owners, for all of them: "
                "set it by a trigger, or read the value with a repository and write it"
            )
