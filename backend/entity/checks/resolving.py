"""Resolve what a repository class names: its table, columns, schemas and types. Each raises `DefinitionError`."""

import difflib
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import cast

from pydantic import BaseModel
from sqlalchemy import Column, Table, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from backend.entity.column_types import LOSSLESS_PYTHON_TYPES, python_type, value_classes
from backend.entity.field_types import resolve_aliases
from backend.entity.ownership import Ownership
from backend.entity.type_arguments import Argument
from backend.entity.version import Version
from backend.errors import DefinitionError


def table_mapper(name: str, model: Argument) -> Mapper[SQLModel]:
    """Return the mapper of a model that is the only class of its table: no inheritance."""
    shown = argument_name(model)
    if not isinstance(model, type) or not issubclass(model, SQLModel):
        raise DefinitionError(f"{name} is bound to {shown}, expected a SQLModel class with table=True")
    try:
        mapper: Mapper[SQLModel] = inspect(model)
    except NoInspectionAvailable:
        if model.model_config.get("table", False):  # SQLModel does not map a subclass of a table
            raise _inheritance_error(model) from None
        raise DefinitionError(f"{model.__name__} is no table: declare class {model.__name__}(…, table=True)") from None
    if not isinstance(mapper.local_table, Table) or mapper.inherits is not None or mapper.polymorphic_on is not None:
        raise _inheritance_error(model)
    return mapper


def mapped_columns(mapper: Mapper[SQLModel]) -> dict[str, Column[object]]:
    """Return the mapped columns by attribute name."""
    mapped: Mapping[str, object] = dict(mapper.columns.items())
    return {key: column for key, column in mapped.items() if isinstance(column, Column)}


def ownership(
    name: str, value: object, mapper: Mapper[SQLModel], columns: dict[str, Column[object]], owner_type: Argument
) -> Ownership | None:
    """Return the owner that the class names, if any."""
    kind = python_class(name, "owner", owner_type)
    key, model = _attribute(name, "owner", value, mapper, columns), mapper.class_.__name__
    if key is None:
        return None
    require_class(name, "owner", kind, f"{model}.{key}", columns[key])
    return Ownership(model, key, columns[key], kind)


def version(name: str, value: object, mapper: Mapper[SQLModel], columns: dict[str, Column[object]]) -> Version | None:
    """Return the version that the class names, if any."""
    key = _attribute(name, "version", value, mapper, columns)
    return None if key is None else Version(mapper.class_.__name__, key, columns[key], [*columns].index(key))


def schema_class(name: str, what: str, schema: Argument) -> type[BaseModel]:
    """Return the schema if it is a pydantic model whose constructor validates."""
    shown = argument_name(schema)
    if not isinstance(schema, type) or not issubclass(schema, BaseModel):
        raise DefinitionError(f"{name} has {shown} as its {what} schema, expected a pydantic model")
    if issubclass(schema, SQLModel) and schema.model_config.get("table", False):
        raise DefinitionError(
            f"{name} has the table {schema.__name__} as its {what} schema, whose constructor validates nothing: "
            "declare a class without table=True"
        )
    return schema


def shared_attributes(
    name: str, shared: object, mapper: Mapper[SQLModel], columns: dict[str, Column[object]]
) -> frozenset[str]:
    """Return the attributes whose columns `shared_keys` names."""
    if not isinstance(shared, tuple | list | set | frozenset):
        raise DefinitionError(f"{name} gives {shared!s} as shared_keys, expected a tuple: shared_keys=(col(…),)")
    values = cast("Iterable[object]", shared)  # `_attribute` checks each
    return frozenset(key for value in values if (key := _attribute(name, "a shared key", value, mapper, columns)))


def did_you_mean(field: str, columns: Iterable[str]) -> str:
    """Return a hint: the column most similar to a misspelt name, or all columns."""
    names = list(columns)
    similar = difflib.get_close_matches(field, names, n=1)
    return f"did you mean {similar[0]!r}?" if similar else f"its columns are {', '.join(names)}"


def python_class(name: str, what: str, argument: Argument) -> type:
    """Return the class that a type argument names, as the type of an id or owner."""
    kind = resolve_aliases(argument)
    if isinstance(kind, type):
        return kind
    raise DefinitionError(f"{name} has {argument_name(argument)} as its {what} type, expected a class")


def require_class(name: str, what: str, kind: type, shown: str, column: Column[object]) -> None:
    """Raise `DefinitionError` unless the values of the column `shown` are instances of the type of an id or owner."""
    if (held := refused_class(column, kind)) is not None:
        given, default = ("", int) if what == "id" else (", Id", str)
        raise DefinitionError(
            f"{shown} holds {held.__name__}, {name} has {kind.__name__} as its {what} type"
            f"{' (the default)' * (kind is default)}: "
            f"name its type arguments [{shown.partition('.')[0]}, Create, Update{given}, {held.__name__}]"
        )


def refused_class(column: Column[object], kind: type) -> type | None:
    """Return the class that the column holds if its values are no instances of `kind`; `None` if they are."""
    stored = python_type(column.type)
    if stored is None:
        return None
    classes = (stored,) if stored in LOSSLESS_PYTHON_TYPES else value_classes(column.type)
    is_other_enum = issubclass(kind, Enum) and kind is not stored  # its column gives back no member
    fits = issubclass(kind, classes) and not (is_other_enum and stored in LOSSLESS_PYTHON_TYPES)
    return None if fits else classes[0]


def argument_name(argument: object) -> str:
    """Return the name of a type argument as messages show it."""
    return str(getattr(argument, "__name__", argument))


def _attribute(
    name: str, what: str, value: object, mapper: Mapper[SQLModel], columns: dict[str, Column[object]]
) -> str | None:
    """Return the attribute whose column a keyword names; `None` if the class does not have the keyword."""
    if value is None:
        return None
    for key, column in columns.items():
        if value is column or (getattr(value, "class_", None), getattr(value, "key", None)) == (mapper.class_, key):
            return key
    model = mapper.class_.__name__
    shown = repr(value) if isinstance(value, str | bytes | int) else str(value)
    raise DefinitionError(
        f"{name} names {shown} as {what}, expected a column of {model}: col({model}.{_closest(value, columns)})"
    )


def _inheritance_error(model: type[SQLModel]) -> DefinitionError:
    return DefinitionError(
        f"{model.__name__} is mapped by inheritance, expected one class for one table: "
        "share fields through a base class without table=True"
    )


def _closest(value: object, columns: dict[str, Column[object]]) -> str:
    key = value if isinstance(value, str) else str(getattr(value, "key", ""))
    return next(iter(difflib.get_close_matches(key, columns, n=1)), "…")
