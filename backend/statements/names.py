"""Names in a statement that are not those of the application."""

from typing import Any

from sqlalchemy import Table

from backend.entity.entity import Entity


def unused_name(entity: Entity[Any], name: str) -> str:  # of any model
    """Return the name, ending with underscores if need be, so that neither the table nor a column has it."""
    table: Table = entity.table
    taken = {table.name, *(column.name for column in table.columns), *table.columns.keys()}
    while name in taken:
        name += "_"
    return name
