"""What the classes of one table, and those of models that refer to one another, must agree on.

A forgotten keyword must not open a table: all classes of a model, and of another model that is mapped to the same
table, name the same owner and the same version. A foreign key to an owned model contains the owner, whichever of the
two models is defined first.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Table
from sqlalchemy.exc import NoReferenceError
from sqlmodel import SQLModel

from backend.errors import DefinitionError
from backend.statements.definition.keys import attributes_of, client_chosen
from backend.statements.entity import Entity


@dataclass(frozen=True, slots=True)
class _Declared:
    """The first class of a model that was accepted, by which the others are measured."""

    name: str
    table: Table
    owner: Column[object] | None
    version: Column[object] | None
    references: tuple["_Reference", ...]


@dataclass(frozen=True, slots=True)
class _Reference:
    """A foreign key that a client may choose, and that no class shares."""

    name: str
    """The class whose schemas let a client choose it."""
    model: str
    listed: str
    constraint: ForeignKeyConstraint
    owner: Column[object] | None


_Owned: TypeAlias = tuple[str, Column[object]]
"""A model's name and its owner's column."""


class _Known:
    """What was declared so far."""

    def __init__(self) -> None:
        self.lock = Lock()
        """Held while a class is compared with those before it and noted."""
        self.by_model: WeakKeyDictionary[type[SQLModel], _Declared] = WeakKeyDictionary()
        self.owner_columns: Mapping[str, Column[object]] = {}
        """Replaced as a whole, so that statements in other threads read it meanwhile."""


_known = _Known()


def agree(name: str, entity: Entity[SQLModel], shared: frozenset[str]) -> None:
    """Notes what the class declares, if it agrees with those before it. Raises `DefinitionError`, and notes nothing."""
    with _known.lock:
        for one in _known.by_model.values():
            if one.table is entity.table:
                _check_equal(name, entity, one)
        references = tuple(_references(name, entity, shared))
        own = [(entity.name, column) for column in (entity.owner_column,) if column is not None]
        _check_references(references, [*_owned(), *own])
        first = _known.by_model.get(entity.model)
        if first is None:
            _check_references([one for declared in _known.by_model.values() for one in declared.references], own)
            first = _Declared(name, entity.table, entity.owner_column, entity.version_column, ())
        _known.by_model[entity.model] = replace(first, references=(*first.references, *references))
        _known.owner_columns = {column.table.fullname: column for _, column in _owned()}


def owner_columns() -> Mapping[str, Column[object]]:
    """The owner's column of each table whose model a repository class names as owned, by the table's full name.

    Another mapping once a class was defined: what was held to its owners before is to be held anew then.
    """
    return _known.owner_columns


def _owned() -> list[_Owned]:
    return [(model.__name__, one.owner) for model, one in _known.by_model.items() if one.owner is not None]


def _check_equal(name: str, entity: Entity[SQLModel], first: _Declared) -> None:
    pairs = (("owner", entity.owner_column, first.owner), ("version", entity.version_column, first.version))
    for what, mine, theirs in pairs:
        if mine is not theirs:
            raise DefinitionError(
                f"{name} has {what} {_shown(mine)} for {entity.name}, {first.name} has {_shown(theirs)}: "
                "all repositories of one table name the same"
            )


def _shown(column: Column[object] | None) -> str:
    return "none" if column is None else column.name


def _references(name: str, entity: Entity[SQLModel], shared: frozenset[str]) -> Iterator[_Reference]:
    for constraint in entity.table.foreign_key_constraints:
        keys = attributes_of(entity, list(constraint.columns))
        if keys & client_chosen(entity) and not keys <= shared:
            yield _Reference(name, entity.name, ", ".join(sorted(keys)), constraint, entity.owner_column)


def _check_references(references: Iterable[_Reference], owned: Iterable[_Owned]) -> None:
    for reference in references:
        for model, owner in owned:
            if _reaches_other_owners(reference, owner):
                raise DefinitionError(
                    f"the foreign key ({reference.listed}) of {reference.model} refers to {model}, which has owners, "
                    f"and lets one see that another has a row: {_mend(reference, model, owner)}, "
                    f"or name it in shared_keys=(…) of {reference.name}"
                )


def _mend(reference: _Reference, model: str, owner: Column[object]) -> str:
    """The foreign key that pairs owner with owner, and the unique key that it needs."""
    own = "an owner column" if reference.owner is None else repr(reference.owner.name)
    elements = reference.constraint.elements
    here = ", ".join([*(repr(one.parent.name) for one in elements), own])
    target = [one.target_fullname.rpartition(".") for one in elements]
    there = ", ".join(repr(f"{table}.{name}") for table, _, name in [*target, (target[0][0], ".", owner.name)])
    unique = ", ".join(repr(name) for name in (*(name for _, _, name in target), owner.name))
    return f"make it ForeignKeyConstraint([{here}], [{there}]), with UniqueConstraint({unique}) on {model}"


def _reaches_other_owners(reference: _Reference, owner: Column[object]) -> bool:
    pairs = [(element.parent, _target(element)) for element in reference.constraint.elements]
    if not any(target is not None and target.table is owner.table for _, target in pairs):
        return False
    return not any(parent is reference.owner and target is owner for parent, target in pairs)


def _target(element: ForeignKey) -> Column[object] | None:
    """The column that is referred to; `None` while its table does not exist."""
    try:
        return element.column
    except NoReferenceError:
        return None
