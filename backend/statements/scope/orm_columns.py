"""Columns and tables that the ORM adds to a SELECT of entities, which no traversal of the SELECT visits. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from sqlalchemy import ColumnElement, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.util import AliasedInsp
from sqlalchemy.sql.annotation import Annotated
from sqlalchemy.sql.elements import ColumnClause

from backend.statements.scope.from_clauses import AnySelect

_JOINED: Final = ("joined", False)
"""The two values of `relationship.lazy` that load by a join."""


def computed_columns(statement: AnySelect) -> Iterator[ColumnElement[object]]:
    """Yield each selected attribute that renders an expression of its own, in which no owner can be bound.

    The ORM renders the expression that the attribute was declared with, even if a copy of the statement replaces it.
    """
    seen = {id(child) for child in statement.get_children()}
    for column in statement.selected_columns:
        is_as_seen = id(column) in seen and not isinstance(column, Annotated)
        is_column = isinstance(column, ColumnClause) and not column.is_literal
        if not is_column and not is_as_seen:
            yield column


def joins_eagerly(statement: AnySelect) -> bool:
    """Return whether a relationship of a selected entity adds tables to FROM."""
    return any(relationship.lazy in _JOINED for mapper in _mappers(statement) for relationship in mapper.relationships)


def is_of_models(statement: AnySelect) -> bool:
    """Return whether the SELECT is of mapped classes: the descriptions of its columns then name their entity."""
    described = _descriptions(statement)
    return described is None or any("entity" in column for column in described)


def _descriptions(statement: AnySelect) -> Sequence[Mapping[str, object]] | None:
    try:
        described: Sequence[Mapping[str, object]] = statement.column_descriptions
    except AttributeError:  # EXISTS over a model's columns has no description yet
        return None
    return described


def _mappers(statement: AnySelect) -> Iterator[Mapper[object]]:
    for column in _descriptions(statement) or ():
        entity: object = inspect(column["expr"])
        if isinstance(entity, Mapper | AliasedInsp):
            yield cast("Mapper[object]", entity.mapper)  # of whichever model
