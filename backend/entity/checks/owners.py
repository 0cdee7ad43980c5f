"""Whether the owner's column tells owners apart: one whose type takes two texts as equal makes one owner of two."""

import re
from typing import Final

from sqlalchemy import Column, Uuid
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlmodel import SQLModel

from backend.entity.columns import database_type, declared_type
from backend.entity.entity import Entity
from backend.errors import DefinitionError

_LOOSE: Final = re.compile(r"citext\b|bpchar\b|n?char(acter)?\b(?! varying)", re.IGNORECASE)
"""Types whose comparison passes over case, or over spaces at the end."""

_EXACT_COLLATIONS: Final = ("", "C", "POSIX", "default")


def check_owner_type(entity: Entity[SQLModel]) -> None:
    """Raises `DefinitionError` for an owner of a type that compares loosely, or of a collation that may do so."""
    column = entity.owner_column
    if column is None:
        return
    declared, _, collation = _declared(column).partition(" COLLATE ")
    if _LOOSE.match(declared) and not isinstance(database_type(column), Uuid):
        raise DefinitionError(
            f"{entity.name}.{entity.owner} is the owner and {declared}, which takes different texts as equal and makes "
            "one owner of two: give it sa_type=String or Text"
        )
    if collation.strip('"') not in _EXACT_COLLATIONS:
        raise DefinitionError(
            f"{entity.name}.{entity.owner} is the owner and has the collation {collation}, which may take different "
            "texts as equal: remove it, or make it 'C'"
        )


def _declared(column: Column[object]) -> str:
    kind: object = database_type(column)
    while isinstance(kind, DOMAIN):
        if kind.collation:
            return f"{declared_type(kind.data_type)} COLLATE {kind.collation}"
        kind = kind.data_type
    return declared_type(kind)
