"""What `on=` and `update=` of an upsert name: a unique key of the table, and what may change where it is taken."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from sqlalchemy import Column, ColumnElement, Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnClause, UnaryExpression

from backend.entity.column_types import compares_as_python
from backend.entity.entity import Entity
from backend.errors import UsageError, described

UniqueKey: TypeAlias = Mapped[Any] | tuple[Mapped[Any], ...]  # of columns of whatever types
"""The columns of a unique key, in any order: `col(Book.isbn)`, `(col(Book.shelf), col(Book.place))`."""

Updates: TypeAlias = UniqueKey | Literal["set", "nothing"]
"""What may change where the key is taken: the fields that are set, nothing, or those of these columns that are set."""


@dataclass(frozen=True, slots=True, eq=False)
class ConflictTarget:
    """A unique key of the table that an INSERT may conflict with."""

    columns: tuple[Column[object], ...]
    """The owner's included."""
    attributes: tuple[str, ...]
    """Those that the data has: without the owner."""
    where: ColumnElement[bool] | None = None
    """The rows that a partial index holds."""
    is_shared: bool = False
    """Whether all owners share it."""
    nulls_conflict: bool = False
    """Whether NULL equals NULL in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Upsert:
    """A conflict target, and the columns that a row may change where its key is taken."""

    target: ConflictTarget
    changeable: frozenset[str]
    """By the column's key."""


@dataclass(frozen=True, slots=True, eq=False)
class _Key:
    """A unique key of the table, or one that only looks so."""

    attributes: frozenset[str]
    where: ColumnElement[bool] | None = None
    nulls_conflict: bool = False
    refusal: str = ""
    """Why PostgreSQL takes it for no conflict target."""


def resolve_upsert(entity: Entity[Any], on: UniqueKey, update: Updates) -> Upsert:
    """Return what `on=` and `update=` name. Raises `UsageError` for no unique key, and for what may not change."""
    target = _target(entity, _attributes(entity, "on", on))
    fixed = frozenset((*entity.not_settable, *target.attributes))
    if isinstance(update, str) and update in ("set", "nothing"):
        named = [name for name in entity.create.model_fields if name not in fixed and update == "set"]
    else:
        named = [*_attributes(entity, "update", update, ' or "set" or "nothing"')]
        if wrong := sorted(fixed & frozenset(named)):
            raise UsageError(
                f"update= names {entity.name}.{wrong[0]}, and no upsert changes the primary key, the key of on=, owner "
                "or version: leave it out"
            )
    _require_fields(entity, "update", named)
    return Upsert(target, frozenset(entity.columns[name].key for name in named))


def is_unique_key(entity: Entity[Any], attributes: Collection[str]) -> bool:
    """Return whether no two rows can have the same values of these attributes, as Python compares them."""
    keys = (key for key in _unique_keys(entity) if key.where is None and not key.refusal)
    is_key = any(key.attributes == frozenset(attributes) for key in keys)
    return is_key and all(compares_as_python(entity.columns[name]) for name in attributes)


def _target(entity: Entity[Any], attributes: Collection[str]) -> ConflictTarget:
    wanted = frozenset(attributes)
    owner = frozenset(() if entity.owner is None else (entity.owner.attribute,))
    keys = [key for key in _unique_keys(entity) if key.attributes in (wanted, wanted | owner)]
    keys.sort(key=lambda key: (bool(key.refusal), not owner <= key.attributes, key.where is not None))
    if not keys or keys[0].refusal:
        refusal = f"which {keys[0].refusal}" if keys else "which is no unique key"
        raise UsageError(f"on= names {_listed(wanted)} of {entity.name}, {refusal}: {_choices(entity, owner)}")
    key = keys[0]
    if key.where is not None and len([one for one in keys if one.attributes == key.attributes]) > 1:
        raise UsageError(
            f"on= names {_listed(wanted)} of {entity.name}, which several partial indexes have: "
            "make one of them a unique constraint, or give them different columns"
        )
    named = tuple(name for name in entity.columns if name in key.attributes - owner)
    _require_fields(entity, "on", named)
    return ConflictTarget(
        tuple(column for name, column in entity.columns.items() if name in key.attributes),
        named,
        key.where,
        not owner <= key.attributes,
        key.nulls_conflict,
    )


def _unique_keys(entity: Entity[Any]) -> Iterator[_Key]:
    for constraint in entity.table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            nulls = constraint.dialect_options["postgresql"].get("nulls_not_distinct")
            refusal = "is deferrable: PostgreSQL does not upsert by it" if constraint.deferrable else ""
            yield _Key(_names(entity, [*constraint.columns]), None, bool(nulls), refusal)
    for index in entity.table.indexes:
        if index.unique:
            yield _index_key(entity, index)


def _index_key(entity: Entity[Any], index: Index) -> _Key:
    options = index.dialect_options["postgresql"]
    columns = [_column(expression) for expression in cast("Sequence[object]", index.expressions)]  # untyped
    names = _names(entity, [column for column in columns if column is not None])
    is_plain = len(names) == len(columns)
    refusal = "" if is_plain else "is an index of expressions: upsert by a key of columns"
    where = cast("ColumnElement[bool] | None", options.get("where"))  # untyped
    return _Key(names, where, bool(options.get("nulls_not_distinct")), refusal)


def _column(expression: object) -> object:
    """Return the column that an index expression is, with any sort order; `None` for another expression."""
    if isinstance(expression, UnaryExpression):
        return _column(expression.element) if expression.modifier in _ORDERS else None
    return cast("object", expression) if isinstance(expression, ColumnClause) else None  # of any type


def _names(entity: Entity[Any], columns: Sequence[object]) -> frozenset[str]:
    """Return the attributes of these columns, also of `column("name")`."""
    names = {getattr(column, "name", None) for column in columns}
    return frozenset(name for name, column in entity.columns.items() if column.name in names)


def _attributes(entity: Entity[Any], keyword: str, given: object, otherwise: str = "") -> Sequence[str]:
    """Return the attributes of the columns that a keyword names."""
    columns: tuple[object, ...] = cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)  # of any
    names = [_attribute(entity, column) for column in columns]
    known = [name for name in names if name is not None]
    if not known or len(known) < len(names):
        wrong = next((column for column, name in zip(columns, names, strict=True) if name is None), columns)
        raise UsageError(
            f"{keyword}= is {_shown(wrong)}, expected a column of {entity.name} or a tuple of them: "
            f"{keyword}=col({entity.name}.field){otherwise}"
        )
    return known


def _shown(wrong: object) -> str:
    """Return the name of another model's column, or the kind of another value, as a message shows it."""
    model, attribute = getattr(wrong, "class_", None), getattr(wrong, "key", None)
    return f"{model.__name__}.{attribute}" if isinstance(model, type) else described(wrong)


def _attribute(entity: Entity[Any], column: object) -> str | None:
    for name, own in entity.columns.items():
        if column is own or (getattr(column, "class_", None), getattr(column, "key", None)) == (entity.model, name):
            return name
    return None


def _require_fields(entity: Entity[Any], keyword: str, attributes: Collection[str]) -> None:
    """Raise `UsageError` for an attribute that no data has."""
    for name in attributes:
        if name not in entity.create.model_fields:
            schema = entity.create.__name__
            raise UsageError(f"{keyword}= names {entity.name}.{name}, which {schema} lacks: upserts write a {schema}")


def _choices(entity: Entity[Any], owner: frozenset[str]) -> str:
    """Return a list of the keys that `on=` can name."""
    keys = [key.attributes - owner for key in _unique_keys(entity) if not key.refusal]
    possible = [key for key in keys if key and key <= entity.create.model_fields.keys()]
    listed = ", ".join(sorted({_listed(key) for key in possible}))
    return f"its unique keys are {listed}" if listed else f"no unique key of {entity.name} is in its create schema"


def _listed(names: Collection[str]) -> str:
    return f"({', '.join(sorted(names))})"


_ORDERS = (operators.asc_op, operators.desc_op, operators.nulls_first_op, operators.nulls_last_op)
