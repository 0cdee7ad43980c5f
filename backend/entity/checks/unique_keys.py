"""Check of unique keys: one whose value a client may choose contains the owner, or the class shares it.

A unique key without the owner shows one owner that another has a value; no filter can hide that.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnClause, ColumnElement, UnaryExpression
from sqlalchemy.sql.visitors import iterate
from sqlmodel import SQLModel

from backend.entity.entity import Entity
from backend.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class Key:
    """The attributes of a unique or exclusion constraint, or of a unique index."""

    attributes: frozenset[str]
    contains_owner: bool
    """Whether values are compared among the rows of one owner only."""
    is_readable: bool = True
    """Whether its columns are known; false for SQL in a string."""


def check_keys(name: str, entity: Entity[SQLModel]) -> None:
    """Raise `DefinitionError` for a key of all owners that `shared_keys` lacks, and for a name there of no such key."""
    across = _keys_across_owners(entity)
    for key in across:
        _check_key(name, entity, key)
    compared = frozenset(attribute for key in across for attribute in key.attributes)
    for attribute in sorted(entity.shared_keys - compared - _foreign_key_attributes(entity)):
        raise DefinitionError(
            f"{name} names {entity.name}.{attribute} in shared_keys, which is in no key that all owners share: "
            "remove it"
        )


def unshared_keys(entity: Entity[SQLModel]) -> Iterator[frozenset[str]]:
    """Return the attributes of each key that all owners share and that the class does not name in `shared_keys`."""
    return (key.attributes for key in _keys_across_owners(entity) if not key.attributes <= entity.shared_keys)


def suggested_shared_keys(model: str, attributes: Collection[str]) -> str:
    """Return the keyword that shares a key of these attributes, as a class has it: `shared_keys=(col(Book.isbn),)`."""
    columns = [f"col({model}.{attribute})" for attribute in sorted(attributes)]
    return f"shared_keys=({', '.join(columns)}{',' * (len(columns) == 1)})"


def writable_attributes(entity: Entity[SQLModel]) -> frozenset[str]:
    """Return the attributes that a client sets through a schema, and those that the database computes from others."""
    computed = (key for key, column in entity.columns.items() if column.computed is not None)
    return frozenset((*entity.create.model_fields, *entity.update.model_fields, *computed))


def attributes_of(entity: Entity[SQLModel], columns: Collection[Column[object]]) -> frozenset[str]:
    """Return the attributes that these columns of the entity's table are mapped to."""
    return frozenset(key for key, mapped in entity.columns.items() if any(mapped is column for column in columns))


def _keys_across_owners(entity: Entity[SQLModel]) -> list[Key]:
    return [] if entity.owner is None else [key for key in _unique_keys(entity) if not key.contains_owner]


def _check_key(name: str, entity: Entity[SQLModel], key: Key) -> None:
    if not key.is_readable:
        raise DefinitionError(
            f"a unique key of {entity.name} is SQL in a string, so that its columns cannot be seen: "
            "write it with columns and func"
        )
    if key.attributes <= entity.shared_keys or not key.attributes & writable_attributes(entity):
        return
    listed, shared = ", ".join(sorted(key.attributes)), suggested_shared_keys(entity.name, key.attributes)
    raise DefinitionError(
        f"the key ({listed}) of {entity.name} is shared by all owners, so one owner can find out which values another "
        f"has: {_with_owner(entity, key)}, or name it in {shared} of {name}"
    )


def _with_owner(entity: Entity[SQLModel], key: Key) -> str:
    """Return how to add the owner to the key."""
    owner, columns = entity.owner_column, [entity.columns[attribute] for attribute in key.attributes]
    if owner is not None and len(columns) == 1 and columns[0].unique:
        return f'replace unique=True by UniqueConstraint("{owner.name}", "{columns[0].name}")'
    return f"add {entity.required_owner().attribute} to it"


def _unique_keys(entity: Entity[SQLModel]) -> Iterator[Key]:
    table, owner = entity.table, entity.owner_column
    for constraint in table.constraints:
        match constraint:
            case PrimaryKeyConstraint() | UniqueConstraint():
                columns = list(constraint.columns)  # SQLAlchemy resolves each by name
                yield Key(attributes_of(entity, columns), any(column is owner for column in columns))
            case ExcludeConstraint():
                compared_columns = [_resolved(column, table) for column in constraint.columns]
                compared = cast("Mapping[str, object]", constraint.operators)  # untyped, by column name
                by_owner = owner is not None and compared.get(owner.name) == "="
                known = [column for column in compared_columns if column is not None]
                yield Key(attributes_of(entity, known), by_owner, bool(known) and len(known) == len(compared_columns))
            case _:
                pass
    for index in table.indexes:
        if index.unique:
            yield _index_key(entity, index, owner)


def _index_key(entity: Entity[SQLModel], index: Index, owner: Column[object] | None) -> Key:
    expressions: list[object] = list(index.expressions)
    elements = [cast("ColumnElement[object]", one) for one in expressions if isinstance(one, ColumnElement)]  # of any
    parts: list[object] = [part for element in elements for part in iterate(element)]
    columns = [cast("ColumnClause[object]", part) for part in parts if isinstance(part, ColumnClause)]  # of any type
    named = [_resolved(column, entity.table) for column in columns]
    known = [column for column in named if column is not None]
    return Key(
        attributes_of(entity, known),
        any(_is_column(expression, owner, entity.table) for expression in elements),
        len(elements) == len(expressions) and len(known) == len(named),
    )


def _is_column(expression: ColumnElement[object], column: Column[object] | None, table: Table) -> bool:
    """Return whether an index expression is the column, with any sort order."""
    if isinstance(expression, UnaryExpression) and expression.modifier in _ORDERS:
        return _is_column(expression.element, column, table)
    return column is not None and isinstance(expression, ColumnClause) and _resolved(expression, table) is column


def _resolved(column: ColumnClause[Any], table: Table) -> Column[Any] | None:  # of whichever type
    """Return the table's column that this is, or that `column("name")` names; `None` for another."""
    if column.table is None:
        return table.columns.get(column.name)
    return column if isinstance(column, Column) and column.table is table else None


def _foreign_key_attributes(entity: Entity[SQLModel]) -> frozenset[str]:
    """Return the attributes of all foreign keys: their targets may be registered as owned later."""
    table: Table = entity.table
    return frozenset(
        attribute
        for constraint in table.foreign_key_constraints
        for attribute in attributes_of(entity, list(constraint.columns))
    )


_ORDERS = (operators.asc_op, operators.desc_op, operators.nulls_first_op, operators.nulls_last_op)
