"""Builds the entities of a call's rows, and loads the relationships that `loading(…)` named."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel

from backend.database.operations import OperationKind
from backend.errors import ErrorDetails, MultipleFoundError, UnreadableRowError
from backend.repository.bound import Bound, RowT
from backend.repository.execution import run
from backend.statements.load_paths import Loads, Relationship, add_path, checked_path

_LOADING: Final = OperationKind("loading")

_Key: TypeAlias = tuple[object, ...]
_Known: TypeAlias = dict[tuple[type[SQLModel], _Key], SQLModel]
"""Every entity of one call, so that a row is one instance."""


def build(bound: Bound[RowT], rows: Sequence[Sequence[object]], kind: OperationKind) -> Sequence[RowT]:
    """Return the entities of the rows, with their relationships loaded, for every call that reads."""
    try:
        built = bound.build(rows)
    except UnreadableRowError as error:  # of a view, which does not know the call
        error.details = replace(error.details, operation=kind.name)
        raise
    if bound.loads and built:
        parents: Any = built  # loads are of a repository of models
        _load(bound, parents, bound.loads, {(type(one), _key(one)): one for one in parents})
    return built


def with_loads(bound: Bound[RowT], paths: Iterable[object]) -> Bound[RowT]:
    """Return the same with more loads. Sends nothing. Raises `OwnerRequiredError` and `UsageError`."""
    statements, loads = bound.statements, bound.loads
    for path in paths:
        steps = checked_path(bound.metadata.entity.mapper, path)
        for relationship in steps:
            statements.load(relationship)
        loads = add_path(loads, steps)
    return replace(bound, loads=loads)


def _load(bound: Bound[Any], parents: Sequence[SQLModel], loads: Loads, known: _Known) -> None:
    for relationship, further in loads.items():
        related = _load_step(bound, parents, relationship, known)
        if further and related:
            _load(bound, related, further, known)


def _load_step(
    bound: Bound[Any], parents: Sequence[SQLModel], relationship: Relationship, known: _Known
) -> Sequence[SQLModel]:
    """Load one relationship of the parents, and return the related entities, each once."""
    load = bound.statements.load(relationship)
    links = [*map(load.link_of, parents)]
    related: dict[_Key, dict[_Key, SQLModel]] = {link: {} for link in links}
    given = [link for link in related if None not in link]
    model, length = load.target.class_, load.link_length
    found: dict[_Key, SQLModel] = {}
    for row in run(bound, load.statement, load.parameters(given), _LOADING) if given else ():
        values = row[length:]
        key = load.key_of(values)
        entity = known.get((model, key))
        if entity is None:
            entity = known[model, key] = load.build((values,))[0]
        related[row[:length]][key] = found[key] = entity
    for parent, link in zip(parents, links, strict=True):
        entities = [*related[link].values()]
        set_committed_value(
            parent, relationship.key, entities if relationship.uselist else _only(entities, relationship)
        )
    return [*found.values()]


def _only(entities: Sequence[SQLModel], relationship: Relationship) -> SQLModel | None:
    """Return the only related entity, or `None`. Raises `MultipleFoundError`."""
    if len(entities) > 1:
        raise MultipleFoundError(
            f"{relationship} leads to more than one row: declare it as a list, or narrow its primaryjoin",
            ErrorDetails(relationship.parent.class_.__name__, _LOADING.name),
        )
    return entities[0] if entities else None


def _key(entity: SQLModel) -> _Key:
    key: _Key = inspect(entity).identity
    return key
