"""What compares across owners: a key that a client may choose contains the owner, or the class says that it is shared.

A unique key without the owner tells one owner that another has a value; no filter can hide that.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnElement, UnaryExpression
from sqlmodel import SQLModel

from backend.entity.entity import Entity
from backend.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class Key:
    """Columns that no two rows share, by attribute, and whether each owner has values of its own."""

    attributes: frozenset[str]
    contains_owner: bool
    is_readable: bool = True


def check_keys(name: str, entity: Entity[SQLModel]) -> None:
    """Raises `DefinitionError` if a key lets one owner learn of another, or `shared_keys` names what is no key."""
    across = _across_owners(entity)
    for key in across:
        _check_key(name, entity, key)
    compared = frozenset(one for key in across for one in key.attributes)
    for one in sorted(entity.shared_keys - compared - _foreign_key_attributes(entity)):
        raise DefinitionError(
            f"{name} names {entity.name}.{one} in shared_keys, which is in no key that compares across owners: "
            "remove it"
        )


def unshared_keys(entity: Entity[SQLModel]) -> Iterator[frozenset[str]]:
    """The attributes of each unique key that compares across owners, and that the entity's class does not share."""
    return (key.attributes for key in _across_owners(entity) if not key.attributes <= entity.shared_keys)


def writable_attributes(entity: Entity[SQLModel]) -> frozenset[str]:
    """The attributes that a client gives, by one of the schemas, and those that the database computes from others."""
    computed = (key for key, column in entity.columns.items() if column.computed is not None)
    return frozenset((*entity.create.model_fields, *entity.update.model_fields, *computed))


def attributes_of(entity: Entity[SQLModel], columns: Collection[Column[object]]) -> frozenset[str]:
    """The attributes that these columns of the entity's table are mapped to."""
    return frozenset(key for key, column in entity.columns.items() if any(column is one for one in columns))


def _across_owners(entity: Entity[SQLModel]) -> list[Key]:
    return [] if entity.owner is None else [key for key in _keys(entity) if not key.contains_owner]


def _check_key(name: str, entity: Entity[SQLModel], key: Key) -> None:
    if not key.is_readable:
        raise DefinitionError(
            f"a unique key of {entity.name} is SQL in a string, so that its columns cannot be seen: "
            "write it with columns and func"
        )
    if key.attributes <= entity.shared_keys or not key.attributes & writable_attributes(entity):
        return
    listed = ", ".join(sorted(key.attributes))
    raise DefinitionError(
        f"the key ({listed}) of {entity.name} compares across owners and lets one see that another has a value: "
        f"add {entity.owner} to it, or name it in shared_keys=(…) of {name}"
    )


def _keys(entity: Entity[SQLModel]) -> Iterator[Key]:
    table, owner = entity.table, entity.owner_column
    for constraint in table.constraints:
        match constraint:
            case PrimaryKeyConstraint() | UniqueConstraint():
                columns = list(constraint.columns)
                yield Key(attributes_of(entity, columns), any(column is owner for column in columns))
            case ExcludeConstraint():
                columns = list(constraint.columns)
                compared = cast("Mapping[str, object]", constraint.operators)  # untyped: by the column's name
                by_owner = owner is not None and compared.get(owner.name) == "="
                yield Key(attributes_of(entity, columns), by_owner, bool(columns))
            case _:
                pass
    for index in table.indexes:
        if index.unique:
            yield _index_key(entity, index, owner)


def _index_key(entity: Entity[SQLModel], index: Index, owner: Column[object] | None) -> Key:
    expressions: list[object] = list(index.expressions)
    return Key(
        attributes_of(entity, list(index.columns)),
        any(_is(one, owner) for one in expressions),
        all(isinstance(one, ColumnElement) for one in expressions),
    )


def _is(expression: object, column: Column[object] | None) -> bool:
    """Whether the expression is the column, in whichever order it is sorted."""
    if isinstance(expression, UnaryExpression) and expression.modifier in _ORDERS:
        return _is(cast("object", expression.element), column)  # of whichever type
    return expression is column


def _foreign_key_attributes(entity: Entity[SQLModel]) -> frozenset[str]:
    """The attributes of foreign keys: what they refer to may be named as owned later."""
    table: Table = entity.table
    return frozenset(
        one for constraint in table.foreign_key_constraints for one in attributes_of(entity, list(constraint.columns))
    )


_ORDERS = (operators.asc_op, operators.desc_op, operators.nulls_first_op, operators.nulls_last_op)
