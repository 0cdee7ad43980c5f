"""Imports the modules of an application that `--models` names, and finds the models and repositories in them."""

import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TypeGuard

from sqlalchemy import FromClause, Table, inspect
from sqlalchemy.exc import NoReferenceError, SQLAlchemyError
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from backend import AsyncCRUDRepository, CRUDRepository
from backend.entity.checks import ClassOptions
from backend.entity.entity import Entity
from backend.entity.type_arguments import is_unbound, type_arguments
from backend.errors import DefinitionError, UsageError
from backend.repository.metadata import RepositoryMetadata, required_metadata


@dataclass(frozen=True, slots=True)
class Application:
    """What was found in the modules."""

    entities: Sequence[tuple[str, Entity[SQLModel]]]
    """Each repository class by name, with its entity."""
    mappers: Sequence[Mapper[SQLModel]]
    """Those of the models in the modules, and of the repositories' models."""
    tables: Sequence[Table]
    """Those of these models, and the tables that they refer to or that relate them, sorted by name."""


def import_application(names: Sequence[str]) -> Application:
    """Import these modules, of a package all that are below it, and return what they hold.

    Raises `UsageError` for a module that cannot be imported, and for modules without models. It shows the text of a
    `DefinitionError`, but of no other error, which may hold a secret.
    """
    with redirect_stdout(sys.stderr):  # what a module prints is no part of a report
        modules = {module.__name__ for name in names for module in _import_all(name)}
    entities = [*_entities(modules)]
    models = [entity.model for _, entity in entities]
    found: set[type[SQLModel]] = {one for one in _subclasses(SQLModel) if one.__module__ in modules}
    mappers = [mapper for model in {*models, *found} if (mapper := _mapper(model)) is not None]
    if not mappers:
        raise UsageError(f"no model is in {', '.join(names)}: name the modules that hold models and repositories")
    return Application(entities, mappers, sorted(_tables(mappers), key=lambda table: table.fullname))


def _import_all(name: str) -> Iterator[ModuleType]:
    module = _import(name)
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if not found.name.endswith(".__main__"):  # a program
            yield from _import_all(found.name)


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except DefinitionError as error:
        raise UsageError(f"the module {name} cannot be imported: {error}") from None
    except ModuleNotFoundError as error:
        if f"{name}.".startswith(f"{error.name}."):
            raise UsageError(f"the module {name} does not exist: name one that can be imported from here") from None
        raise UsageError(
            f"the module {name} cannot be imported: it imports {error.name}, which does not exist"
        ) from None
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the module {name} cannot be imported: {type(error).__name__}, "
            f"which python -c 'import {name}' shows: name the modules that hold models and repositories"
        ) from None


def _entities(modules: set[str]) -> Iterator[tuple[str, Entity[SQLModel]]]:
    for root in (CRUDRepository, AsyncCRUDRepository):
        for cls in _subclasses(root):
            if cls.__module__ in modules and (metadata := _metadata(cls, root)) is not None:
                yield cls.__name__, metadata.entity


def _metadata(cls: type, root: type) -> RepositoryMetadata[SQLModel] | None:
    """Return the metadata of a repository class; `None` for a generic base, which holds nothing yet."""
    if any(map(is_unbound, type_arguments(cls, root)[:3])):
        return None
    known: RepositoryMetadata[SQLModel] | None = vars(cls).get("_class_metadata")
    options: ClassOptions = getattr(cls, "_options", ClassOptions())
    return required_metadata(cls, root, options) if known is None else known


def _subclasses(cls: type) -> Iterable[type]:
    """Return each subclass once, those of a class before their own."""
    found: dict[type, None] = {}
    one: type
    for one in cls.__subclasses__():
        found |= {one: None, **dict.fromkeys(_subclasses(one))}
    return found


def _mapper(model: type[SQLModel]) -> Mapper[SQLModel] | None:
    mapper: Mapper[SQLModel] | None = inspect(model, raiseerr=False)
    return mapper


def _tables(mappers: Iterable[Mapper[SQLModel]]) -> Iterable[Table]:
    try:
        secondary = [one.secondary for mapper in mappers for one in mapper.relationships]
    except SQLAlchemyError as error:  # a relationship to a name that does not exist
        raise UsageError(f"the models' relationships cannot be resolved: {str(error).splitlines()[0]}") from None
    to_add: list[FromClause | None] = [*(table for mapper in mappers for table in mapper.tables), *secondary]
    found: dict[Table, None] = {}
    while to_add:
        table = to_add.pop()
        if _is_table(table) and table not in found:
            found[table] = None
            to_add.extend(_referred(table))
    return found


def _is_table(source: object) -> TypeGuard[Table]:
    return isinstance(source, Table)


def _referred(table: Table) -> Iterator[Table]:
    for constraint in table.foreign_key_constraints:
        try:
            yield constraint.referred_table
        except NoReferenceError:
            target = constraint.elements[0].target_fullname.rpartition(".")[0]
            raise UsageError(
                f"{table.fullname} refers to {target}, whose model was not imported: name its module as well"
            ) from None
