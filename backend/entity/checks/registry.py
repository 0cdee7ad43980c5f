"""The repository classes that were defined: classes of one table, or joined by a foreign key, must agree.

All classes of one table name the same owner and the same version, even through different models: a forgotten keyword
would give access to the rows of every owner. A foreign key to an owned model contains the owner, whichever of the two
models is defined first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import cast
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Table, inspect
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from backend.entity.checks.defaults import ReadingDefault, check_defaults, reading_defaults
from backend.entity.checks.references import OwnedModel, Reference, check_references, references_of
from backend.entity.entity import Entity
from backend.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class _Registration:
    """The first class defined for a model; later classes of its table must name the same owner and version."""

    name: str
    table: Table
    owner: Column[object] | None
    version: Column[object] | None
    references: tuple[Reference, ...]
    defaults: tuple[ReadingDefault, ...]


class _Registry:
    """The classes that were defined or announced so far."""

    def __init__(self) -> None:
        self.lock = Lock()
        """Held while a class is compared with earlier ones and registered."""
        self.by_model: WeakKeyDictionary[type[SQLModel], _Registration] = WeakKeyDictionary()
        self.announced: WeakKeyDictionary[Table, tuple[str, Column[object]]] = WeakKeyDictionary()
        """The owner's column of each table whose classes cannot be defined yet, with the first such class."""
        self.owner_columns: Mapping[str, Column[object]] = {}
        """Replaced, never changed: other threads read it without the lock."""


_registry = _Registry()


def register(name: str, entity: Entity[SQLModel]) -> None:
    """Register the class. Raises `DefinitionError`, and registers nothing, if it disagrees with an earlier one."""
    with _registry.lock:
        _check_announced(name, entity.table, entity.owner_column)
        for earlier in _registry.by_model.values():
            if earlier.table is entity.table:
                _check_equal(name, entity.name, ("owner", entity.owner_column), (earlier.name, earlier.owner))
                _check_equal(name, entity.name, ("version", entity.version_column), (earlier.name, earlier.version))
        _forget_replaced(entity.table)
        references = tuple(references_of(name, entity))
        own = [(entity.name, column) for column in (entity.owner_column,) if column is not None]
        defaults = tuple(reading_defaults(entity))
        check_references(references, [*owned_models(), *own])
        check_defaults(defaults, [*owned_models(), *own])
        first = _registry.by_model.get(entity.model)
        if first is None:
            _check_registered(own)
            first = _Registration(name, entity.table, entity.owner_column, entity.version_column, (), defaults)
        _registry.by_model[entity.model] = replace(first, references=(*first.references, *references))
        _publish()


def announce(name: str, owner: object) -> None:
    """Register the owner of a class whose type arguments are not all known yet, so that its table counts as owned.

    Raises `DefinitionError`, and registers nothing, if another class of the table names another owner.
    """
    column = _column_of(owner)
    if column is None:  # `define` raises the error
        return
    table: Table = column.table
    with _registry.lock:
        _check_announced(name, table, column)
        for earlier in _registry.by_model.values():
            if earlier.table is table:
                _check_equal(name, table.name, ("owner", column), (earlier.name, earlier.owner))
        _check_registered([(table.name, column)])
        _forget_replaced(table)
        _registry.announced.setdefault(table, (name, column))
        _publish()


def owned_models() -> list[OwnedModel]:
    """Return the owner's column of each owned table, with the name of its model or table."""
    announced = [(table.name, column) for table, (_, column) in _registry.announced.items()]
    registered = [(model.__name__, item.owner) for model, item in _registry.by_model.items() if item.owner is not None]
    return [*announced, *registered]


def owner_columns() -> Mapping[str, Column[object]]:
    """Return the owner's column of each owned table, by the table's full name.

    Each class definition replaces the mapping; statements cached for the old one must be rebuilt.
    """
    return _registry.owner_columns


def _check_registered(owned: Sequence[OwnedModel]) -> None:
    """Raise `DefinitionError` if a registered class reaches other owners of a table that is now owned."""
    for registered in _registry.by_model.values():
        check_references(registered.references, owned)
        check_defaults(registered.defaults, owned)


def _publish() -> None:
    _registry.owner_columns = {column.table.fullname: column for _, column in owned_models()}


def _column_of(owner: object) -> Column[object] | None:
    """Return the table's column that `owner=` names, as a column or as an attribute of a model."""
    mapper: object = inspect(getattr(owner, "class_", None), raiseerr=False)
    if isinstance(mapper, Mapper):
        owner = cast("Mapper[object]", mapper).columns.get(str(getattr(owner, "key", "")))  # of whichever model
    if not isinstance(owner, Column):
        return None
    column = cast("Column[object]", owner)  # of whichever type
    table: object = getattr(column, "table", None)  # None for one that no table has yet, as its type does not say
    return None if table is None else column


def _forget_replaced(table: Table) -> None:
    """Forget a model whose columns were replaced with `extend_existing`, as when a notebook's cell runs again."""
    for model, registered in [*_registry.by_model.items()]:
        if registered.table is table and _is_replaced(registered.owner, registered.version):
            del _registry.by_model[model]
    if table in _registry.announced and _is_replaced(_registry.announced[table][1]):
        del _registry.announced[table]


def _is_replaced(*columns: Column[object] | None) -> bool:
    return any(column is not None and column.table.c.get(column.key) is not column for column in columns)


def _check_announced(name: str, table: Table, owner: Column[object] | None) -> None:
    if table in _registry.announced:
        _check_equal(name, table.name, ("owner", owner), _registry.announced[table])


def _check_equal(
    name: str, model: str, own: tuple[str, Column[object] | None], earlier: tuple[str, Column[object] | None]
) -> None:
    role, column = own
    first_name, first = earlier
    if _key(column) != _key(first):  # keys, not columns: `extend_existing` replaces the columns
        raise DefinitionError(
            f"{name} has {role} {_column_name(column)} for {model}, {first_name} has {_column_name(first)}: "
            "all repositories of one table name the same"
        )


def _key(column: Column[object] | None) -> str | None:
    return None if column is None else column.key


def _column_name(column: Column[object] | None) -> str:
    return "none" if column is None else column.name
