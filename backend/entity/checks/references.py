"""Check of foreign keys to owned models: what they reveal and change across owners.

A foreign key that does not pair owner with owner lets one owner see that another has a row. `shared_keys` permits
that, but no action: with ON DELETE CASCADE one owner's delete would delete rows of another owner.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint
from sqlalchemy.exc import NoReferenceError
from sqlmodel import SQLModel

from backend.entity.checks.unique_keys import attributes_of, suggested_shared_keys, writable_attributes
from backend.entity.entity import Entity
from backend.errors import DefinitionError

OwnedModel: TypeAlias = tuple[str, Column[object]]
"""A model's name and its owner's column."""

_ACTIONS_WITHOUT_CHANGE: Final = (None, "NO ACTION", "RESTRICT")


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key whose value a client may choose, or that its class shares."""

    name: str
    """The repository class."""
    model: str
    attributes: frozenset[str]
    constraint: ForeignKeyConstraint
    owner: Column[object] | None
    is_shared: bool
    """Whether the class names it in `shared_keys`."""


def references_of(name: str, entity: Entity[SQLModel]) -> Iterator[Reference]:
    """Yield the foreign keys whose value a client of the class `name` may choose, and those that it shares."""
    for reference in _all_references(name, entity):
        if reference.is_shared or reference.attributes & writable_attributes(entity):
            yield reference


def check_references(references: Iterable[Reference], owned: Iterable[OwnedModel]) -> None:
    """Raise `DefinitionError` for an unshared foreign key across owners, or a shared one that changes their rows."""
    for reference in references:
        for model, owner in owned:
            if not _reaches_other_owners(reference, owner):
                continue
            listed = ", ".join(sorted(reference.attributes))
            if not reference.is_shared:
                raise DefinitionError(
                    f"the foreign key ({listed}) of {reference.model} refers to {model}, which has owners, "
                    f"and lets one see that another has a row: {_suggested_foreign_key(reference, model, owner)}, "
                    f"or name it in {suggested_shared_keys(reference.model, reference.attributes)} of {reference.name}"
                )
            if reference.owner is not None and (action := _action(reference.constraint)):
                raise DefinitionError(
                    f"the foreign key ({listed}) of {reference.model}, which {reference.name} shares, has {action}, by "
                    f"which the owner of a {model} changes rows of other owners: remove it, or "
                    f"{_suggested_foreign_key(reference, model, owner)}"
                )


def unshared_references(entity: Entity[SQLModel], owned: Iterable[OwnedModel]) -> Iterator[frozenset[str]]:
    """Yield the attributes of each foreign key across owners that the entity's class does not share."""
    models = list(owned)
    for reference in _all_references("", entity):
        if not reference.is_shared and any(_reaches_other_owners(reference, owner) for _, owner in models):
            yield reference.attributes


def _all_references(name: str, entity: Entity[SQLModel]) -> Iterator[Reference]:
    for constraint in entity.table.foreign_key_constraints:
        keys = attributes_of(entity, list(constraint.columns))
        is_shared = bool(keys) and keys <= entity.shared_keys
        yield Reference(name, entity.name, keys, constraint, entity.owner_column, is_shared)


def _action(constraint: ForeignKeyConstraint) -> str:
    """Return what the database does to a referring row when its target is deleted or changes its key, or `""`."""
    for event, action in (("DELETE", constraint.ondelete), ("UPDATE", constraint.onupdate)):
        if action is not None and " ".join(action.upper().split()) not in _ACTIONS_WITHOUT_CHANGE:
            return f"ON {event} {action.upper()}"
    return ""


def _suggested_foreign_key(reference: Reference, model: str, owner: Column[object]) -> str:
    """Return the fix: a foreign key that pairs owner with owner, and the unique key that it needs."""
    own = "an owner column" if reference.owner is None else repr(reference.owner.name)
    elements = reference.constraint.elements
    referring = ", ".join([*(repr(element.parent.name) for element in elements), own])
    target = [element.target_fullname.rpartition(".") for element in elements]
    referred = ", ".join(repr(f"{table}.{name}") for table, _, name in [*target, (target[0][0], ".", owner.name)])
    unique = ", ".join(repr(name) for name in (*(name for _, _, name in target), owner.name))
    return f"make it ForeignKeyConstraint([{referring}], [{referred}]), with UniqueConstraint({unique}) on {model}"


def _reaches_other_owners(reference: Reference, owner: Column[object]) -> bool:
    pairs = [(element.parent, _target(element)) for element in reference.constraint.elements]
    if not any(target is not None and target.table is owner.table for _, target in pairs):
        return False
    return not any(parent is reference.owner and target is owner for parent, target in pairs)


def _target(element: ForeignKey) -> Column[object] | None:
    """Return the column that is referred to; `None` while its table is not defined."""
    try:
        return element.column
    except NoReferenceError:
        return None
