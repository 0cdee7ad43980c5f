"""Check of the owner's column: a type that compares two different texts as equal would make two owners one."""

from sqlalchemy import JSON
from sqlmodel import SQLModel

from backend.entity.column_types import database_type, inexact_collation, inexact_type
from backend.entity.entity import Entity
from backend.errors import DefinitionError


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
    if (declared := inexact_type(owner.column)) is not None:
        raise DefinitionError(
            f"{entity.name}.{owner.attribute} is the owner and {declared}, which takes different texts as equal and "
            "makes one owner of two: give it sa_type=String or Text"
        )
    if (collation := inexact_collation(owner.column)) is not None:
        raise DefinitionError(
            f"{entity.name}.{owner.attribute} is the owner and has the collation {collation}, which may take different "
            "texts as equal: remove it, or make it 'C'"
        )
