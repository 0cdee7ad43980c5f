"""The relationships that a caller may load, and the statement of one step: the related rows of several rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeGuard, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Join,
    Select,
    Table,
    select,
)
from sqlalchemy.orm import Mapper, RelationshipProperty, aliased, join
from sqlalchemy.orm.attributes import QueryableAttribute
from sqlalchemy.sql.visitors import replacement_traverse
from sqlmodel import SQLModel

from backend.entity.checks import mapped_columns, owner_columns
from backend.entity.entity import ModelT
from backend.entity.identity import Key, is_given, key_parameters
from backend.entity.lazy import lazy
from backend.errors import UsageError, described
from backend.results.entities import Builder, detached_builder, key_reader
from backend.statements.family import StatementFamily
from backend.statements.scope.scoped import ScopedStatement

Related: TypeAlias = SQLModel | Sequence[SQLModel] | None
"""What a relationship's attribute is typed as, to one or to many."""

Relationship: TypeAlias = RelationshipProperty[Any]
"""A relationship of whichever models."""

Loads: TypeAlias = Mapping[Relationship, "Loads"]
"""The relationships to load, each with those to load of its target."""

_QUERIES: Final = ("dynamic", "write_only")
"""The values of `relationship.lazy` whose attribute is a query, not rows."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadStatement:
    """The SELECT of the rows that one relationship leads to: the key of a parent, then the columns of a related row."""

    statement: ScopedStatement
    target: Mapper[SQLModel]
    build: Builder[SQLModel]
    """Builds the related entity from its columns."""
    key_of: Callable[[Sequence[object]], Key]
    """Returns the key of the related row from its columns."""
    key_length: int
    """How many columns the parent's key has."""

    def parameters(self, keys: Collection[Key]) -> dict[str, object]:
        """Return the parameters for the parents with these keys."""
        return key_parameters(keys, self.key_length)


class LoadStatements(StatementFamily[ModelT], Generic[ModelT]):
    """Statements that read the rows that relationships lead to, each built once."""

    def load(self, relationship: Relationship) -> LoadStatement:
        """Return the statement of a relationship.

        Raises `OwnerRequiredError` if a model without an owner reaches one that has owners, `UsageError` if the join
        cannot be restricted to the owner.
        """
        owners = owner_columns()
        built = self._loads.get(relationship)
        if built is None or built[0] is not owners:  # since then, a table that it reads may have got an owner
            built = self._loads[relationship] = (owners, self._build_load(relationship))
        return built[1]

    @lazy
    def _loads(self) -> dict[Relationship, tuple[Mapping[str, Column[object]], LoadStatement]]:
        return {}

    def _build_load(self, relationship: Relationship) -> LoadStatement:
        target: Mapper[SQLModel] = relationship.mapper
        columns = mapped_columns(target)
        return LoadStatement(
            self._scoped_related(_select_related(relationship, columns)),
            target,
            detached_builder(target, columns),
            key_reader(target, columns),
            len(relationship.parent.primary_key),
        )


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


def _select_related(relationship: Relationship, columns: Mapping[str, Column[object]]) -> Select[*tuple[object, ...]]:
    """Return the SELECT of each parent's key with a related row, in the order of the relationship, then of the key."""
    target: Mapper[SQLModel] = relationship.mapper
    table: FromClause = relationship.parent.local_table
    source = table.alias()
    parent = aliased(relationship.parent.class_, source)
    joined = join(parent, target.class_, getattr(parent, relationship.key))
    keys: list[ColumnElement[object]] = [source.c[str(key.key)] for key in relationship.parent.primary_key]
    return (
        select(*keys, *columns.values())
        .select_from(joined)
        .where(*is_given(keys))
        .order_by(*_order(relationship, joined), *target.primary_key)
    )


def _order(relationship: Relationship, joined: Join) -> Sequence[ColumnElement[object]]:
    """Return the relationship's own order; SQLAlchemy joins an alias of its secondary table."""
    order: Sequence[ColumnElement[object]] = relationship.order_by or ()
    left = joined.left
    secondary = left.right if relationship.secondary is not None and isinstance(left, Join) else None
    if secondary is None:
        return order

    def aliased_column(element: object, **_: object) -> object:
        return secondary.corresponding_column(element) if _is_column(element) else None

    return [replacement_traverse(expression, {}, aliased_column) for expression in order]


def _is_column(element: object) -> TypeGuard[Column[object]]:
    return isinstance(element, Column)
