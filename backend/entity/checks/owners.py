"""Check of the owner's column: a type that compares two different texts as equal would make two owners one."""

import re
from typing import Final

from sqlalchemy import JSON, Column, Uuid
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlmodel import SQLModel

from backend.entity.column_types import database_type, declared_type
from backend.entity.entity import Entity
from backend.errors import DefinitionError

_INEXACT_TYPES: Final = re.compile(r"citext\b|bpchar\b|n?char(acter)?\b(?! varying)", re.IGNORECASE)
"""Types whose comparison ignores case or trailing spaces."""

_EXACT_COLLATIONS: Final = ("", "C", "POSIX", "default")


def check_owner_type(entity: Entity[SQLModel]) -> None:
    """Raise `DefinitionError` if the owner's type or collation may compare different owners as equal, or none."""
    owner = entity.owner
    if owner is None:
        return
    if isinstance(database_type(owner.column), JSON):
        raise DefinitionError(
            f"{entity.name}.{owner.attribute} is the owner and JSON, in which different owners may be equal, and no "
            "owner is if it is not JSONB: give it sa_type=String or Text"
        )
    declared, _, collation = _declared_with_collation(owner.column).partition(" COLLATE ")
    if _INEXACT_TYPES.match(declared) and not isinstance(database_type(owner.column), Uuid):
        raise DefinitionError(
            f"{entity.name}.{owner.attribute} is the owner and {declared}, which takes different texts as equal and "
            "makes one owner of two: give it sa_type=String or Text"
        )
    if collation.strip('"') not in _EXACT_COLLATIONS:
        raise DefinitionError(
            f"{entity.name}.{owner.attribute} is the owner and has the collation {collation}, which may take different "
            "texts as equal: remove it, or make it 'C'"
        )


def _declared_with_collation(column: Column[object]) -> str:
    stored = database_type(column)
    while isinstance(stored, DOMAIN):
        if stored.collation:
            return f"{declared_type(stored.data_type)} COLLATE {stored.collation}"
        stored = stored.data_type
    return declared_type(stored)
