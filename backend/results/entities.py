"""Rows to entities: detached, fully loaded, never expired.

Every call builds its entities here, so that all behave alike; SQLAlchemy's `load` event fires for each.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Column, Row
from sqlalchemy.orm import InstanceState, LoaderCallableStatus, Mapper, PassiveFlag, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state

from backend.entity.entity import ModelT
from backend.errors import UsageError

ModelRow: TypeAlias = Row[*tuple[object, ...]]
"""A row whose columns are in the order of `Entity.columns`."""

RowT = TypeVar("RowT")

Builder: TypeAlias = Callable[[Sequence[Sequence[object]]], list[RowT]]
"""A function that builds what is returned from each row, whose values are in the order of the columns."""

Fill: TypeAlias = Callable[[Sequence[Sequence[object]], bool], list[ModelT]]
"""A function that makes an instance of each row, and assigns the key if its second argument says so."""

RowAndBefore: TypeAlias = tuple[RowT, RowT | None]
"""An entity as it is now, and as it was before: `None` if it was not there."""

Columns: TypeAlias = Mapping[str, Column[object]]
"""The columns of a row by attribute name, in the row's order."""


def detached_builder(mapper: Mapper[ModelT], columns: Columns) -> Builder[ModelT]:
    """Return a builder of entities that exist as rows: `session.add(entity)` attaches one and inserts nothing."""
    return _builder(mapper, columns, has_row=True)


def transient_builder(mapper: Mapper[ModelT], columns: Columns) -> Builder[ModelT]:
    """Return a builder of entities without a row: the result of `delete`."""
    return _builder(mapper, columns, has_row=False)


def row_and_before_builder(
    build: Builder[ModelT], mapper: Mapper[ModelT], columns: Columns
) -> Builder[RowAndBefore[ModelT]]:
    """Return a builder of entities and of what they were before: the old values follow the new ones in the row."""
    width, key_of = len(columns), key_reader(mapper, columns)

    def build_both(rows: Sequence[Sequence[object]]) -> list[RowAndBefore[ModelT]]:
        old = [row[width:] for row in rows]
        before = iter(build([row for row in old if None not in key_of(row)]))
        return [(new, None if None in key_of(row) else next(before)) for new, row in zip(build(rows), old, strict=True)]

    return build_both


def keeps_state(fill: Fill[ModelT], row: Sequence[object]) -> bool:
    """Return whether assigning the key leaves the state that the public way leaves.

    It does not for a model with mapped columns that its table lacks, which the public way expires, and may not with a
    new SQLAlchemy.
    """
    try:
        (keyed,), (public,) = fill((row,), True), fill((row,), False)
        make_transient_to_detached(public)
        one, other = instance_state(keyed), instance_state(public)
        held = {*vars(one), *vars(other), "committed_state", "expired_attributes"}
        return all(getattr(one, name) == getattr(other, name) for name in held)
    except AttributeError:
        return False


def key_reader(mapper: Mapper[ModelT], columns: Columns) -> Callable[[Sequence[object]], tuple[object, ...]]:
    """Return a function that returns the primary key of a row."""
    selected = [*columns.values()]
    positions = [next(at for at, column in enumerate(selected) if column is key) for key in mapper.primary_key]
    if len(positions) == 1:
        (position,) = positions
        return itemgetter(slice(position, position + 1))
    return itemgetter(*positions)


def _builder(mapper: Mapper[ModelT], columns: Columns, *, has_row: bool) -> Builder[ModelT]:
    mapper.registry.configure()  # at the first row, when every relationship's target has been imported
    fill, manager = _filler(mapper, columns), mapper.class_manager
    loaders: dict[str, Any] = {  # SQLAlchemy types them as functions of this model's state
        relationship.key: partial(_load_if_attached, key=relationship.key) for relationship in mapper.relationships
    }
    is_keyed: bool | None = None  # decided by the first row

    def build(rows: Sequence[Sequence[object]]) -> list[ModelT]:
        nonlocal is_keyed
        if is_keyed is None and rows:
            is_keyed = has_row and keeps_state(fill, rows[0])
        instances = fill(rows, bool(is_keyed))
        if has_row and not is_keyed:
            for instance in instances:
                make_transient_to_detached(instance)
        if loaders:
            for instance in instances:
                instance_state(instance).callables = dict(loaders)
        if manager.dispatch.load:
            for instance in instances:
                manager.dispatch.load(instance_state(instance), None)
        return instances

    return build


def _filler(mapper: Mapper[ModelT], columns: Columns) -> Fill[ModelT]:
    """Return the one function that assigns `InstanceState.key`, which SQLAlchemy documents for reading."""
    new_instance, names, key_of = mapper.class_manager.new_instance, tuple(columns), key_reader(mapper, columns)
    identity_class, _, token = mapper.identity_key_from_primary_key(())

    def fill(rows: Sequence[Sequence[object]], is_keyed: bool) -> list[ModelT]:
        instances: list[ModelT] = []
        for row in rows:
            instance = new_instance()
            vars(instance).update(zip(names, row, strict=False))  # other values may follow
            if is_keyed:
                instance_state(instance).key = (identity_class, key_of(row), token)
            instances.append(instance)
        return instances

    return fill


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
