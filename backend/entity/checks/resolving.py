"""Resolve what a repository class names: its table, columns, schemas and types. Each raises `DefinitionError`."""

import difflib
from collections.abc import Iterable, Mapping
from typing import cast

from pydantic import BaseModel
from sqlalchemy import Column, Table, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from backend.entity.identity import Identity, KeyColumn, ScalarIdentity
from backend.entity.ownership import Ownership
from backend.entity.type_arguments import Argument
from backend.entity.version import Version
from backend.errors import DefinitionError


def table_mapper(name: str, model: Argument) -> Mapper[SQLModel]:
    """Return the mapper of a model that is the only class of its table: no inheritance."""
    shown = _argument_name(model)
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


def identity(name: str, mapper: Mapper[SQLModel], columns: dict[str, Column[object]], id_type: Argument) -> Identity:
    """Return the primary key, of one column."""
    keys = [key for key, column in columns.items() if column.primary_key]
    if len(keys) != 1:
        raise DefinitionError(
            f"{mapper.class_.__name__} has {len(keys)} primary key columns ({', '.join(keys)}), {name} needs one: "
            "use a generated key and a unique constraint"
        )
    (key,) = keys
    position = [*columns].index(key)
    part = KeyColumn(key, columns[key], _python_class(name, "id", id_type), position)
    return ScalarIdentity(mapper.class_.__name__, part)


def ownership(
    name: str, value: object, mapper: Mapper[SQLModel], columns: dict[str, Column[object]], owner_type: Argument
) -> Ownership | None:
    """Return the owner that the class names, if any."""
    python_type = _python_class(name, "owner", owner_type)
    key = _attribute(name, "owner", value, mapper, columns)
    return None if key is None else Ownership(mapper.class_.__name__, key, columns[key], python_type)


def version(name: str, value: object, mapper: Mapper[SQLModel], columns: dict[str, Column[object]]) -> Version | None:
    """Return the version that the class names, if any."""
    key = _attribute(name, "version", value, mapper, columns)
    return None if key is None else Version(mapper.class_.__name__, key, columns[key], [*columns].index(key))


def schema_class(name: str, what: str, schema: Argument) -> type[BaseModel]:
    """Return the schema if it is a pydantic model whose constructor validates."""
    shown = _argument_name(schema)
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


def _python_class(name: str, what: str, argument: Argument) -> type:
    """Return the class that a type argument names."""
    if isinstance(argument, type):
        return argument
    raise DefinitionError(f"{name} has {_argument_name(argument)} as its {what} type, expected a class")


def _inheritance_error(model: type[SQLModel]) -> DefinitionError:
    return DefinitionError(
        f"{model.__name__} is mapped by inheritance, expected one class for one table: "
        "share fields through a base class without table=True"
    )


def _closest(value: object, columns: dict[str, Column[object]]) -> str:
    key = value if isinstance(value, str) else str(getattr(value, "key", ""))
    return next(iter(difflib.get_close_matches(key, columns, n=1)), "…")


def _argument_name(argument: object) -> str:
    return str(getattr(argument, "__name__", argument))
