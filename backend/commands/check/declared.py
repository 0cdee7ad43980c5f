"""The indexes and unique keys that a model declares, as values that compare with those of the database."""

from collections.abc import Iterator
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy import Index as SQLAlchemyIndex
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ClauseElement, CollationClause, ColumnClause, UnaryExpression

from backend.commands.check.indexes import Index, IndexKey, expression_name, unless_default
from backend.commands.check.sql_words import sql_of


def unique_keys(table: Table) -> Iterator[Index]:
    """Yield the unique keys of a table, the primary key first."""
    constraints = sorted(table.constraints, key=lambda one: not isinstance(one, PrimaryKeyConstraint))
    for constraint in constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint) and len(constraint.columns):
            options = constraint.dialect_options["postgresql"]
            yield Index(
                str(constraint.name or ""),
                tuple(IndexKey(one.name) for one in constraint.columns),
                is_unique=True,
                is_deferrable=bool(constraint.deferrable),
                nulls_not_distinct=bool(options.get("nulls_not_distinct")),
            )
    yield from (index for index in _indexes(table) if index.is_unique)


def plain_indexes(table: Table) -> Iterator[Index]:
    """Yield the indexes of a table that are not unique."""
    return (index for index in _indexes(table) if not index.is_unique)


def _indexes(table: Table) -> Iterator[Index]:
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        options = cast("dict[str, Any]", index.dialect_options["postgresql"])  # untyped
        where: ClauseElement | None = options.get("where")
        classes: dict[str, str] = options.get("ops") or {}
        included: list[str | Column[object]] = options.get("include") or []
        yield Index(
            str(index.name or ""),
            tuple(_keys(index, classes)),
            str(options.get("using") or "btree").lower(),
            None if where is None else sql_of(where),
            frozenset(one if isinstance(one, str) else one.name for one in included),
            is_unique=bool(index.unique),
            nulls_not_distinct=bool(options.get("nulls_not_distinct")),
        )


def _keys(index: SQLAlchemyIndex, classes: dict[str, str]) -> Iterator[IndexKey]:
    for expression in cast("list[ColumnElement[Any]]", index.expressions):  # untyped
        descending, nulls_first = False, None
        key: ColumnElement[Any] = expression
        while isinstance(key, UnaryExpression) and key.modifier in _ORDERS:
            if key.modifier is operators.desc_op:
                descending = True
            elif key.modifier in _NULLS and nulls_first is None:
                nulls_first = key.modifier is operators.nulls_first_op
            key = key.element
        operator_class = unless_default(classes.get(str(getattr(key, "key", ""))))
        yield IndexKey(_name(key), descending, descending if nulls_first is None else nulls_first, operator_class)


def _name(key: ColumnElement[Any]) -> str:
    if isinstance(key, ColumnClause):
        return str(key.name)
    if isinstance(key, BinaryExpression) and isinstance(key.right, CollationClause):
        collation = sql_of(key.right).strip('"')
        return f"{_name(key.left)} collate {collation}"
    return expression_name(sql_of(key))


_NULLS = (operators.nulls_first_op, operators.nulls_last_op)
_ORDERS = (operators.asc_op, operators.desc_op, *_NULLS)
