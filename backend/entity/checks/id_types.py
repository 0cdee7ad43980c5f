"""The primary key and the type of its ids: a class for one column, a `NamedTuple` or a plain tuple for several."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final, TypeAlias, TypeGuard, cast, get_args, get_origin, get_type_hints

from sqlalchemy import Column, Table
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from backend.entity.checks.resolving import argument_name, python_class, refused_class, require_class
from backend.entity.column_types import python_type
from backend.entity.field_types import resolve_aliases
from backend.entity.identity import CompositeIdentity, Identity, Key, KeyColumn, ScalarIdentity
from backend.entity.type_arguments import Argument
from backend.errors import DefinitionError

_Columns: TypeAlias = Mapping[str, Column[object]]
"""Columns by attribute."""

_FOURTH: Final = "as the fourth type argument"


def identity(name: str, mapper: Mapper[SQLModel], columns: _Columns, id_type: Argument) -> Identity:
    """Return the primary key with the type of its ids. Raises `DefinitionError` if the two do not fit."""
    model, key = mapper.class_.__name__, _key(mapper, columns)
    if len(key) == 1:
        kind = python_class(name, "id", id_type)
        (part,) = _key_columns(key, columns, [kind])
        require_class(name, "id", kind, f"{model}.{part.attribute}", part.column)
        return ScalarIdentity(model, part)
    if _is_named_tuple(id_type):
        return CompositeIdentity(model, _key_columns(key, columns, _field_classes(model, key, id_type)), id_type)
    if get_origin(id_type) is tuple:
        return CompositeIdentity(model, _key_columns(key, columns, _part_classes(name, model, key, id_type)), tuple)
    raise DefinitionError(
        f"{model} has the primary key ({', '.join(key)}), {name} has {argument_name(id_type)} as its id type: "
        f"{_suggested_class(model, key)}, and name it {_FOURTH}"
    )


def _key(mapper: Mapper[SQLModel], columns: _Columns) -> _Columns:
    """Return the columns of the table's primary key, in its order."""
    table = cast("Table", mapper.local_table)  # `table_mapper` refuses every other mapping
    attributes = {column: attribute for attribute, column in columns.items()}
    key = {attributes.get(column, ""): column for column in table.primary_key.columns}
    if not key or "" in key:
        fault = "a primary key that is mapped in part: map it" if key else "no primary key: declare primary_key=True"
        raise DefinitionError(f"the table of {mapper.class_.__name__} has {fault}")
    return key


def _key_columns(key: _Columns, columns: _Columns, kinds: Sequence[type]) -> list[KeyColumn]:
    positions = {attribute: position for position, attribute in enumerate(columns)}
    return [
        KeyColumn(attribute, column, kind, positions[attribute])
        for (attribute, column), kind in zip(key.items(), kinds, strict=True)
    ]


def _field_classes(model: str, key: _Columns, id_type: type[Key]) -> list[type]:
    """Return the class of each part of the key. The fields of a `NamedTuple` have the key's names, in any order."""
    name = id_type.__name__
    fields: tuple[str, ...] = getattr(id_type, "_fields", ())
    if {*fields} != {*key}:
        raise DefinitionError(
            f"{name} has the fields ({', '.join(fields)}), the primary key of {model} is ({', '.join(key)}): "
            f"declare the fields {_suggested_fields(key)}"
        )
    try:
        hints = get_type_hints(id_type)
    except NameError as error:
        raise DefinitionError(f"{name} names {error.name}, which is not defined: define it before the class") from None
    kinds: list[type] = []
    for attribute, column in key.items():
        kind, held = resolve_aliases(hints.get(attribute)), _class_name(column)
        if not isinstance(kind, type) or refused_class(column, kind) is not None:
            shown = f"is {argument_name(kind)}" if attribute in hints else "has no type"
            raise DefinitionError(f"{name}.{attribute} {shown}, {model}.{attribute} holds {held}: declare it {held}")
        kinds.append(kind)
    return kinds


def _part_classes(name: str, model: str, key: _Columns, id_type: Argument) -> list[type]:
    """Return the class of each part of the key. The parts of a plain tuple are in the key's order."""
    kinds = [kind for kind in map(resolve_aliases, get_args(id_type)) if isinstance(kind, type)]
    shown = f"{name} has {_tuple_name(get_args(id_type))} as its id type"
    if len(kinds) != len(key) or any(map(refused_class, key.values(), kinds)):
        raise DefinitionError(
            f"{shown}, the primary key of {model} is ({_suggested_fields(key)}): {_suggested_class(model, key)}, and "
            f"name it {_FOURTH}"
        )
    for (one, kind), (other, other_kind) in combinations(zip(key, kinds, strict=True), 2):
        if issubclass(kind, other_kind) or issubclass(other_kind, kind):
            raise DefinitionError(
                f"{shown}, in which {one} and {other} of {model} could be swapped unnoticed: "
                f"{_suggested_class(model, key)}, and name it {_FOURTH}"
            )
    return kinds


def _is_named_tuple(id_type: Argument) -> TypeGuard[type[Key]]:
    return isinstance(id_type, type) and hasattr(id_type, "_fields") and issubclass(id_type, tuple)


def _suggested_class(model: str, key: _Columns) -> str:
    return f"declare class {model}Id(NamedTuple) with the fields {_suggested_fields(key)}"


def _suggested_fields(key: _Columns) -> str:
    return ", ".join(f"{attribute}: {_class_name(column)}" for attribute, column in key.items())


def _class_name(column: Column[object]) -> str:
    held = python_type(column.type)
    return "…" if held is None else held.__name__


def _tuple_name(parts: Sequence[object]) -> str:
    return f"tuple[{', '.join('...' if part is ... else argument_name(part) for part in parts)}]"
