"""The relationships that a caller may load: paths from a model to its related ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import Table
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlalchemy.orm.attributes import QueryableAttribute
from sqlmodel import SQLModel

from backend.errors import UsageError, described

Related: TypeAlias = SQLModel | Sequence[SQLModel] | None
"""What a relationship's attribute is typed as, to one or to many."""

Relationship: TypeAlias = RelationshipProperty[Any]
"""A relationship of whichever models."""

Loads: TypeAlias = Mapping[Relationship, "Loads"]
"""The relationships to load, each with those to load of its target."""

_QUERIES: Final = ("dynamic", "write_only")
"""The values of `relationship.lazy` whose attribute is a query, not rows."""


def checked_path(mapper: Mapper[SQLModel], path: object) -> Sequence[Relationship]:
    """Return the steps of a path that begins at a model. Raises `UsageError` for a path that cannot be loaded."""
    steps = cast("tuple[object, ...]", path) if isinstance(path, tuple) else (path,)  # of whatever was given
    if not steps:
        raise UsageError(f"a path of loading is empty: name {_choices(mapper)}")
    found: list[Relationship] = []
    for step in steps:
        relationship = _relationship(mapper, step, f"after {found[-1]} a path" if found else "loading")
        found.append(relationship)
        mapper = relationship.mapper
    return found


def add_path(loads: Loads, path: Sequence[Relationship]) -> Loads:
    """Return the loads and those of a path; the steps that they share are loaded once."""
    if not path:
        return loads
    first, *rest = path
    return {**loads, first: add_path(loads.get(first, {}), rest)}


def _relationship(mapper: Mapper[SQLModel], step: object, taker: str) -> Relationship:
    for relationship in mapper.relationships:
        if getattr(mapper.class_, relationship.key) is step:
            _require_loadable(relationship)
            return relationship
    raise UsageError(
        f"{taker} takes a relationship of {mapper.class_.__name__}, got {_shown(mapper, step)}: name {_choices(mapper)}"
    )


def _shown(mapper: Mapper[SQLModel], step: object) -> str:
    if not isinstance(step, QueryableAttribute):
        return described(step)
    model = step.parent.mapper.class_
    name = f"{model.__name__}.{step.key}"
    if model is not mapper.class_:
        return f"{name} of another model"
    return f"{name} with an alias, of_type() or and_()" if step.key in mapper.relationships else f"the column {name}"


def _choices(mapper: Mapper[SQLModel]) -> str:
    return " or ".join(map(str, mapper.relationships)) or "none, it has no relationships"


def _require_loadable(relationship: Relationship) -> None:
    target = relationship.mapper
    if relationship.lazy in _QUERIES:
        raise UsageError(
            f"{relationship} is lazy={relationship.lazy!r}, a query and not rows: declare another relationship "
            f"without it, or read {target.class_.__name__} with its own repository"
        )
    if relationship.entity is not target:
        name = target.class_.__name__
        raise UsageError(
            f"{relationship} leads to an alias of {name}, expected {name} itself: declare another relationship to "
            f"{name}, with the alias's condition in its primaryjoin"
        )
    if not isinstance(target.local_table, Table) or target.inherits or target.polymorphic_on is not None:
        raise UsageError(
            f"{relationship} leads to {target.class_.__name__}, which is mapped by inheritance, expected one class for "
            "one table: read it with session.add(…) in a transaction"
        )
    tables = (*relationship.parent.tables, *target.tables, relationship.secondary)
    if len({table.metadata for table in tables if isinstance(table, Table)}) > 1:
        raise UsageError(
            f"{relationship} leads to a table of another metadata than that of "
            f"{relationship.parent.class_.__name__}: declare both models on one metadata"
        )
