"""The statement of one step of `loading`: the related rows of several rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, TypeGuard

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Join,
    Select,
    and_,
    select,
)
from sqlalchemy.orm import Mapper, RelationshipDirection, aliased, join
from sqlalchemy.sql.visitors import replacement_traverse
from sqlmodel import SQLModel

from backend.entity.checks import mapped_columns, owner_columns
from backend.entity.entity import ModelT
from backend.entity.identity import Key, given_keys, is_given, key_parameters
from backend.entity.lazy import lazy
from backend.results.entities import Builder, detached_builder, key_reader
from backend.statements.family import StatementFamily
from backend.statements.load_paths import Relationship
from backend.statements.scope.scoped import ScopedStatement


@dataclass(frozen=True, slots=True, eq=False)
class LoadStatement:
    """The SELECT of the rows that one relationship leads to: the link of parents, then the columns of a related row."""

    statement: ScopedStatement
    link_of: Callable[[SQLModel], Key]
    """Returns the link of a parent: its foreign key where that alone leads to the row, else its primary key."""
    link_length: int
    """How many columns a link has."""
    target: Mapper[SQLModel]
    build: Builder[SQLModel]
    """Builds related entities from their columns."""
    key_of: Callable[[Sequence[object]], Key]
    """Returns the key of the related row from its columns."""

    def parameters(self, links: Collection[Key]) -> dict[str, object]:
        """Return the parameters for the parents with these links."""
        return key_parameters(links, self.link_length)


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
        references = _references(relationship)
        select = _select_referenced if references else _select_related
        return LoadStatement(
            self._scoped_related(select(relationship, columns)),
            _link_reader(relationship),
            len(references or relationship.parent.primary_key),
            target,
            detached_builder(target, columns),
            key_reader(target, columns),
        )


def _references(relationship: Relationship) -> Sequence[tuple[ColumnElement[Any], ColumnElement[Any]]]:
    """Return the columns of a foreign key, each with what it refers to, if their equality is the whole relationship."""
    pairs = relationship.local_remote_pairs or ()
    is_whole = relationship.primaryjoin.compare(and_(*(local == remote for local, remote in pairs)))
    return pairs if is_whole and relationship.direction is RelationshipDirection.MANYTOONE else ()


def _link_reader(relationship: Relationship) -> Callable[[SQLModel], Key]:
    mapper = relationship.parent
    keys = [local for local, _ in _references(relationship)] or mapper.primary_key
    names = [mapper.get_property_by_column(key).key for key in keys]
    if len(names) == 1:
        (name,) = names
        return lambda parent: (vars(parent)[name],)
    values = itemgetter(*names)
    return lambda parent: values(vars(parent))


def _select_referenced(
    relationship: Relationship, columns: Mapping[str, Column[object]]
) -> Select[*tuple[object, ...]]:
    """Return the SELECT of each foreign key with the row that it refers to, once for all parents that have it."""
    local, remote = zip(*_references(relationship), strict=True)
    given = given_keys(local)
    return (
        select(*given.columns, *columns.values())
        .where(*given.equal(remote))
        .order_by(*(relationship.order_by or ()), *relationship.mapper.primary_key)
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
