"""What the classes of one table, and those of models that refer to one another, must agree on.

A forgotten keyword must not open a table: all classes of a model, and of another model that is mapped to the same
table, name the same owner and the same version. A foreign key to an owned model contains the owner, whichever of the
two models is defined first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import cast
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Table, inspect
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from backend.entity.checks.references import OwnedModel, Reference, check_references, references_of
from backend.entity.entity import Entity
from backend.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class _Registration:
    """The first class of a model that was accepted, by which the others are measured."""

    name: str
    table: Table
    owner: Column[object] | None
    version: Column[object] | None
    references: tuple[Reference, ...]


class _Registry:
    """What was declared so far."""

    def __init__(self) -> None:
        self.lock = Lock()
        """Held while a class is compared with those before it and noted."""
        self.by_model: WeakKeyDictionary[type[SQLModel], _Registration] = WeakKeyDictionary()
        self.announced: WeakKeyDictionary[Table, tuple[str, Column[object]]] = WeakKeyDictionary()
        """The owners of classes that cannot be defined yet, with the first such class of each table."""
        self.owner_columns: Mapping[str, Column[object]] = {}
        """Replaced as a whole, so that statements in other threads read it meanwhile."""


_registry = _Registry()


def register(name: str, entity: Entity[SQLModel]) -> None:
    """Notes what the class declares, if it agrees with those before it. Raises `DefinitionError`, and notes nothing."""
    with _registry.lock:
        _check_announced(name, entity.table, entity.owner_column)
        for one in _registry.by_model.values():
            if one.table is entity.table:
                _check_equal(name, entity.name, ("owner", entity.owner_column), (one.name, one.owner))
                _check_equal(name, entity.name, ("version", entity.version_column), (one.name, one.version))
        _forget_replaced(entity.table)
        references = tuple(references_of(name, entity))
        own = [(entity.name, column) for column in (entity.owner_column,) if column is not None]
        check_references(references, [*owned_models(), *own])
        first = _registry.by_model.get(entity.model)
        if first is None:
            check_references([one for declared in _registry.by_model.values() for one in declared.references], own)
            first = _Registration(name, entity.table, entity.owner_column, entity.version_column, ())
        _registry.by_model[entity.model] = replace(first, references=(*first.references, *references))
        _publish()


def announce(name: str, owner: object) -> None:
    """Notes the owner of a class whose type arguments are not all known yet, so that its table is known as owned.

    Raises `DefinitionError` if another class of the table has another owner, and notes nothing.
    """
    column = _column_of(owner)
    if column is None:  # refused when the class is defined
        return
    table: Table = column.table
    with _registry.lock:
        _check_announced(name, table, column)
        for one in _registry.by_model.values():
            if one.table is table:
                _check_equal(name, table.name, ("owner", column), (one.name, one.owner))
        check_references(
            [one for declared in _registry.by_model.values() for one in declared.references], [(table.name, column)]
        )
        _forget_replaced(table)
        _registry.announced.setdefault(table, (name, column))
        _publish()


def owned_models() -> list[OwnedModel]:
    """The owner's column of each owned table that is known, with the name of a model or table."""
    announced = [(table.name, column) for table, (_, column) in _registry.announced.items()]
    declared = [(model.__name__, one.owner) for model, one in _registry.by_model.items() if one.owner is not None]
    return [*announced, *declared]


def owner_columns() -> Mapping[str, Column[object]]:
    """The owner's column of each table whose model a repository class names as owned, by the table's full name.

    Another mapping once a class was defined: what was held to its owners before is to be held anew then.
    """
    return _registry.owner_columns


def _publish() -> None:
    _registry.owner_columns = {column.table.fullname: column for _, column in owned_models()}


def _column_of(owner: object) -> Column[object] | None:
    """The column of a table that `owner=` names, as a column or as a model's attribute."""
    mapper: object = inspect(getattr(owner, "class_", None), raiseerr=False)
    if isinstance(mapper, Mapper):
        owner = cast("Mapper[object]", mapper).columns.get(str(getattr(owner, "key", "")))  # of whichever model
    if not isinstance(owner, Column):
        return None
    column = cast("Column[object]", owner)  # of whichever type
    return column if hasattr(column, "table") else None


def _forget_replaced(table: Table) -> None:
    """Forgets a model whose columns another model has replaced, `extend_existing`: a notebook's cell that ran again."""
    for model, one in [*_registry.by_model.items()]:
        if one.table is table and _is_replaced(one.owner, one.version):
            del _registry.by_model[model]
    if table in _registry.announced and _is_replaced(_registry.announced[table][1]):
        del _registry.announced[table]


def _is_replaced(*columns: Column[object] | None) -> bool:
    return any(column is not None and column.table.c.get(column.key) is not column for column in columns)


def _check_announced(name: str, table: Table, owner: Column[object] | None) -> None:
    if table in _registry.announced:
        _check_equal(name, table.name, ("owner", owner), _registry.announced[table])


def _check_equal(
    name: str, model: str, mine: tuple[str, Column[object] | None], theirs: tuple[str, Column[object] | None]
) -> None:
    what, column = mine
    other, first = theirs
    if _key(column) != _key(first):  # of one table; its columns are others once a model has replaced them
        raise DefinitionError(
            f"{name} has {what} {_shown(column)} for {model}, {other} has {_shown(first)}: "
            "all repositories of one table name the same"
        )


def _key(column: Column[object] | None) -> str | None:
    return None if column is None else column.key


def _shown(column: Column[object] | None) -> str:
    return "none" if column is None else column.name
