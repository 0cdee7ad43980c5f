"""Rows to entities: detached, fully loaded, never expired. Public interfaces of SQLAlchemy only."""

from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import Row
from sqlalchemy.orm import make_transient_to_detached

from backend.statements.entity import Entity, ModelT

ModelRow: TypeAlias = Row[*tuple[object, ...]]
"""A row whose columns stand in the order of `Entity.columns`."""

Builder: TypeAlias = Callable[[ModelRow], ModelT]
"""Makes one entity of one row."""


def detached_builder(entity: Entity[ModelT]) -> Builder[ModelT]:
    """Makes entities that a session takes as the rows they are: `session.add(entity)` attaches, and inserts nothing."""
    transient = transient_builder(entity)

    def build(row: ModelRow) -> ModelT:
        instance = transient(row)
        make_transient_to_detached(instance)
        return instance

    return build


def transient_builder(entity: Entity[ModelT]) -> Builder[ModelT]:
    """Makes entities that no row stands behind: what `delete` returns."""
    entity.mapper.registry.configure()  # at the first row, when every relationship's target has been imported
    new_instance = entity.mapper.class_manager.new_instance
    names = tuple(entity.columns)

    def build(row: ModelRow) -> ModelT:
        instance = new_instance()
        vars(instance).update(zip(names, row, strict=True))
        return instance

    return build
