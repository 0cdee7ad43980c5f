"""Which columns PostgreSQL compares as Python compares their values."""

import re
from typing import Final

from sqlalchemy import Column, Enum, Integer, String, Uuid
from sqlalchemy.dialects.postgresql import DOMAIN

from backend.entity.column_types.declared import database_type, declared_type, undecorated_type

_INEXACT_TYPES: Final = re.compile(r"citext\b|bpchar\b|n?char(acter)?\b(?! varying)", re.IGNORECASE)
"""Types whose comparison ignores case or trailing spaces."""

_EXACT_COLLATIONS: Final = ("", "C", "POSIX", "default")


def inexact_type(column: Column[object]) -> str | None:
    """Return the column's declared type if it takes different texts as equal."""
    declared, _, _ = _declared_with_collation(column).partition(" COLLATE ")
    is_inexact = _INEXACT_TYPES.match(declared) and not isinstance(database_type(column), Uuid)
    return declared if is_inexact else None


def inexact_collation(column: Column[object]) -> str | None:
    """Return the column's collation if it may take different texts as equal."""
    _, _, collation = _declared_with_collation(column).partition(" COLLATE ")
    return None if collation.strip('"') in _EXACT_COLLATIONS else collation


def compares_as_python(column: Column[object]) -> bool:
    """Return whether two values are equal in PostgreSQL exactly if they are in Python, in the form they come back."""
    kind = undecorated_type(column.type)
    if isinstance(kind, String) and not isinstance(kind, Enum):
        return inexact_type(column) is None and inexact_collation(column) is None
    return isinstance(kind, Integer) or (isinstance(kind, Uuid) and kind.as_uuid)


def _declared_with_collation(column: Column[object]) -> str:
    stored = database_type(column)
    while isinstance(stored, DOMAIN):
        if stored.collation:
            return f"{declared_type(stored.data_type)} COLLATE {stored.collation}"
        stored = stored.data_type
    return declared_type(stored)
