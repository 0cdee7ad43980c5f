"""Rows to entities: detached, fully loaded, never expired.

Every call builds its entities here, so that all behave alike; SQLAlchemy's `load` event fires for each.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import Row
from sqlalchemy.orm import InstanceState, LoaderCallableStatus, PassiveFlag, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state

from backend.entity.entity import Entity, ModelT
from backend.errors import UsageError

ModelRow: TypeAlias = Row[*tuple[object, ...]]
"""A row whose columns are in the order of `Entity.columns`."""

Builder: TypeAlias = Callable[[ModelRow], ModelT]
"""A function that builds an entity from a row."""


def detached_builder(entity: Entity[ModelT]) -> Builder[ModelT]:
    """Return a builder of entities that exist as rows: `session.add(entity)` attaches one and inserts nothing."""
    return _builder(entity, has_row=True)


def transient_builder(entity: Entity[ModelT]) -> Builder[ModelT]:
    """Return a builder of entities without a row: the result of `delete`."""
    return _builder(entity, has_row=False)


def _builder(entity: Entity[ModelT], *, has_row: bool) -> Builder[ModelT]:
    mapper = entity.mapper
    mapper.registry.configure()  # at the first row, when every relationship's target has been imported
    manager = mapper.class_manager
    names = tuple(entity.columns)
    key_of = entity.identity.of
    has_other_columns = any(column.key not in entity.columns for column in mapper.column_attrs)
    loaders: dict[str, Any] = {  # SQLAlchemy types them as functions of this model's state
        relationship.key: partial(_load_if_attached, key=relationship.key) for relationship in mapper.relationships
    }

    def build(row: ModelRow) -> ModelT:
        instance = manager.new_instance()
        vars(instance).update(zip(names, row, strict=True))
        state = instance_state(instance)
        if has_row and has_other_columns:
            make_transient_to_detached(instance)  # expires these columns: an attached entity loads them
        elif has_row:
            state.key = mapper.identity_key_from_primary_key(key_of(row))
        if loaders:
            state.callables = dict(loaders)
        if manager.dispatch.load:
            manager.dispatch.load(state, None)
        return instance

    return build


def _load_if_attached(state: InstanceState[object], passive: PassiveFlag, *, key: str) -> LoaderCallableStatus:
    """Load a relationship of an attached entity as SQLAlchemy does. Raises `UsageError` for a detached one."""
    if state.session is None:
        if not passive & PassiveFlag.SQL_OK:
            return LoaderCallableStatus.PASSIVE_NO_RESULT
        name = state.class_.__name__
        raise UsageError(
            f"{name}.{key} is a relationship, which a repository does not load: read the related rows with their own "
            f"repository, or attach the {name} with session.add(…) in a transaction and read it there"
        )
    state.callables.pop(key)
    if not passive & PassiveFlag.SQL_OK:
        return LoaderCallableStatus.PASSIVE_NO_RESULT
    getattr(state.obj(), key)
    return LoaderCallableStatus.ATTR_WAS_SET
