"""Rows to entities: detached, fully loaded, never expired.

Every call builds its entities here, so that all behave alike; SQLAlchemy's `load` event fires for each.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Column, Row
from sqlalchemy.orm import InstanceState, LoaderCallableStatus, Mapper, PassiveFlag, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state

from backend.entity.entity import ModelT
from backend.errors import UsageError

ModelRow: TypeAlias = Row[*tuple[object, ...]]
"""A row whose columns are in the order of `Entity.columns`."""

Builder: TypeAlias = Callable[[Sequence[object]], ModelT]
"""A function that builds an entity from a row, whose values are in the order of the columns."""

Columns: TypeAlias = Mapping[str, Column[object]]
"""The columns of a row by attribute name, in the row's order."""


def detached_builder(mapper: Mapper[ModelT], columns: Columns) -> Builder[ModelT]:
    """Return a builder of entities that exist as rows: `session.add(entity)` attaches one and inserts nothing."""
    return _builder(mapper, columns, has_row=True)


def transient_builder(mapper: Mapper[ModelT], columns: Columns) -> Builder[ModelT]:
    """Return a builder of entities without a row: the result of `delete`."""
    return _builder(mapper, columns, has_row=False)


def key_reader(mapper: Mapper[ModelT], columns: Columns) -> Callable[[Sequence[object]], tuple[object, ...]]:
    """Return a function that returns the primary key of a row."""
    selected = [*columns.values()]
    positions = [next(at for at, column in enumerate(selected) if column is key) for key in mapper.primary_key]
    if len(positions) == 1:
        (position,) = positions
        return lambda row: (row[position],)
    return itemgetter(*positions)


def _builder(mapper: Mapper[ModelT], columns: Columns, *, has_row: bool) -> Builder[ModelT]:
    mapper.registry.configure()  # at the first row, when every relationship's target has been imported
    manager = mapper.class_manager
    names = tuple(columns)
    key_of = key_reader(mapper, columns)
    has_other_columns = any(column.key not in columns for column in mapper.column_attrs)
    loaders: dict[str, Any] = {  # SQLAlchemy types them as functions of this model's state
        relationship.key: partial(_load_if_attached, key=relationship.key) for relationship in mapper.relationships
    }

    def build(row: Sequence[object]) -> ModelT:
        instance = manager.new_instance()
        vars(instance).update(zip(names, row, strict=False))  # other values may follow
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
            f"{name}.{key} was not loaded with this {name}: read it with loading({name}.{key}), or with a path that "
            f"ends so, or attach the {name} with session.add(…) in a transaction and read it there"
        )
    state.callables.pop(key)
    if not passive & PassiveFlag.SQL_OK:
        return LoaderCallableStatus.PASSIVE_NO_RESULT
    getattr(state.obj(), key)
    return LoaderCallableStatus.ATTR_WAS_SET
