"""The checks that a repository class passes when it is defined: no database is asked, no mapper is configured.

Each refusal is a `DefinitionError` whose text says what to change.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Union, cast, get_args, get_origin
from weakref import WeakKeyDictionary

from pydantic import MISSING, BaseModel
from pydantic.fields import FieldInfo
from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Integer, Table, UniqueConstraint, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from backend.errors import DefinitionError
from backend.statements.binding import Argument
from backend.statements.entity import Entity


@dataclass(frozen=True, slots=True)
class Keywords:
    """What a class says beside its type arguments: `owner=`, `version=` and `shared_keys=`."""

    owner: object = None
    version: object = None
    shared_keys: tuple[object, ...] = ()


_agreements: WeakKeyDictionary[type[SQLModel], tuple[str, str | None, str | None]] = WeakKeyDictionary()
"""For each model the first class that named its owner and version, by which the others are measured."""


def define(name: str, arguments: tuple[Argument, ...], keywords: Keywords) -> Entity[SQLModel]:
    """The entity of the class `name`. Raises `DefinitionError` if the class could not keep its promises."""
    model, create, update, id_type, owner_type = arguments
    mapper = _mapper(name, model)
    columns = _columns(mapper)
    primary_key = _primary_key(name, mapper, columns)
    entity = Entity(
        model=mapper.class_,
        mapper=mapper,
        create=_schema(name, "create", create),
        update=_schema(name, "update", update),
        columns=columns,
        primary_key=primary_key,
        id_type=_python_class(name, "id", id_type),
        owner=_attribute(name, "owner", keywords.owner, mapper, columns),
        owner_type=_python_class(name, "owner", owner_type),
        version=_attribute(name, "version", keywords.version, mapper, columns),
    )
    _check_types(name, entity)
    _check_schema_fields(entity, entity.create)
    _check_schema_fields(entity, entity.update)
    _check_create(entity)
    _check_update(entity)
    _check_keys_across_owners(name, entity, _shared(name, keywords.shared_keys, mapper, columns))
    _check_agreement(name, entity)
    return entity


def owner_columns() -> Mapping[str, Column[object]]:
    """The owner's column of each table whose model a repository class names as owned, by the table's full name."""
    owned = [(model, owner) for model, (_, owner, _) in _agreements.items() if owner is not None]
    return {_table(model).fullname: inspect(model).columns[owner] for model, owner in owned}


def _mapper(name: str, model: Argument) -> Mapper[SQLModel]:
    shown = _shown(model)
    if not isinstance(model, type) or not issubclass(model, SQLModel):
        raise DefinitionError(f"{name} is bound to {shown}, expected a SQLModel class with table=True")
    try:
        mapper: Mapper[SQLModel] = inspect(model)
    except NoInspectionAvailable:
        raise DefinitionError(f"{model.__name__} is no table: declare class {model.__name__}(…, table=True)") from None
    if not isinstance(mapper.local_table, Table) or mapper.inherits is not None or mapper.polymorphic_on is not None:
        raise DefinitionError(f"{model.__name__} is mapped by inheritance, expected one class for one table")
    return mapper


def _columns(mapper: Mapper[SQLModel]) -> dict[str, Column[object]]:
    mapped: Mapping[str, object] = dict(mapper.columns.items())
    return {key: column for key, column in mapped.items() if isinstance(column, Column)}


def _primary_key(name: str, mapper: Mapper[SQLModel], columns: dict[str, Column[object]]) -> str:
    keys = [key for key, column in columns.items() if column.primary_key]
    if len(keys) != 1:
        raise DefinitionError(
            f"{mapper.class_.__name__} has {len(keys)} primary key columns ({', '.join(keys)}), {name} needs one: "
            "use a generated key and a unique constraint"
        )
    return keys[0]


def _schema(name: str, what: str, schema: Argument) -> type[BaseModel]:
    shown = _shown(schema)
    if not isinstance(schema, type) or not issubclass(schema, BaseModel):
        raise DefinitionError(f"{name} has {shown} as its {what} schema, expected a pydantic model")
    if issubclass(schema, SQLModel) and schema.model_config.get("table", False):
        raise DefinitionError(
            f"{name} has the table {schema.__name__} as its {what} schema, whose constructor validates nothing: "
            "declare a class without table=True"
        )
    return schema


def _python_class(name: str, what: str, argument: Argument) -> type:
    if isinstance(argument, type):
        return argument
    raise DefinitionError(f"{name} has {_shown(argument)} as its {what} type, expected a class")


def _attribute(
    name: str, what: str, value: object, mapper: Mapper[SQLModel], columns: dict[str, Column[object]]
) -> str | None:
    if value is None:
        return None
    model = mapper.class_.__name__
    if isinstance(value, Column):
        for key, column in columns.items():
            if column is value:
                return key
    elif getattr(value, "class_", None) is mapper.class_ and getattr(value, "key", None) in columns:
        return str(getattr(value, "key", None))
    raise DefinitionError(f"{name} names {value!s} as {what}, expected a column of {model}: {what}=col({model}.…)")


def _check_types(name: str, entity: Entity[SQLModel]) -> None:
    _check_python_type(name, entity, "id", entity.primary_key, entity.id_type)
    if entity.owner is not None:
        _check_python_type(name, entity, "owner", entity.owner, entity.owner_type)
        if entity.columns[entity.owner].nullable:
            raise DefinitionError(f"{entity.name}.{entity.owner} is the owner and may be NULL: make it required")
        if entity.owner == entity.primary_key:
            raise DefinitionError(f"{entity.name}.{entity.owner} is both key and owner: use two columns")
    if (version := entity.version_column) is not None:
        timestamp = isinstance(version.type, DateTime) and version.type.timezone
        if not timestamp and not isinstance(version.type, Integer):
            raise DefinitionError(
                f"{entity.name}.{entity.version} is {version.type!r}, a version is timestamptz or an integer"
            )


def _check_python_type(name: str, entity: Entity[SQLModel], what: str, key: str, declared: type) -> None:
    try:
        stored = entity.columns[key].type.python_type
    except NotImplementedError:
        return
    if stored is not declared and not issubclass(declared, stored):
        position = "fourth" if what == "id" else "fifth"
        raise DefinitionError(
            f"{entity.name}.{key} holds {stored.__name__}, {name} has {declared.__name__} as its {what} type: "
            f"name {stored.__name__} as the {position} type argument"
        )


def _check_schema_fields(entity: Entity[SQLModel], schema: type[BaseModel]) -> None:
    for field in schema.model_fields:
        if field not in entity.columns:
            near = difflib.get_close_matches(field, entity.columns, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"its columns are {', '.join(entity.columns)}"
            raise DefinitionError(f"{schema.__name__}.{field} is no column of {entity.name}: {hint}")
        if entity.columns[field].computed is not None:
            raise DefinitionError(f"{schema.__name__}.{field} is computed by the database: remove it")
        _check_length(entity, schema, field)


def _check_length(entity: Entity[SQLModel], schema: type[BaseModel], field: str) -> None:
    limits = [
        _max_length(entity.model.model_fields.get(field)),
        getattr(entity.columns[field].type, "length", None),
    ]
    known = [limit for limit in limits if limit is not None]
    own = _max_length(schema.model_fields[field])
    if known and (own is None or own > min(known)) and _is_text(entity.columns[field]):
        raise DefinitionError(
            f"{schema.__name__}.{field} is looser than {entity.name}.{field}: add max_length={min(known)}"
        )


def _check_create(entity: Entity[SQLModel]) -> None:
    fields = entity.create.model_fields
    schema = entity.create.__name__
    if entity.owner is not None and entity.owner in fields:
        raise DefinitionError(f"{schema}.{entity.owner} is the owner, which owned_by() stamps: remove it")
    generated = _has_value_without_schema(entity, entity.key_column)
    if generated and entity.primary_key in fields:
        raise DefinitionError(f"{schema}.{entity.primary_key} is generated by the database: remove it")
    for key, column in entity.columns.items():
        if key in fields or key == entity.owner or column.nullable or _has_value_without_schema(entity, column):
            continue
        raise DefinitionError(
            f"{entity.name}.{key} is required and neither {schema} nor the database gives it: "
            f"add it to {schema}, or a server_default to {entity.name}"
        )


def _check_update(entity: Entity[SQLModel]) -> None:
    for key, what in ((entity.primary_key, "primary key"), (entity.owner, "owner")):
        if key is not None and key in entity.update.model_fields:
            raise DefinitionError(f"{entity.update.__name__}.{key} is the {what}, which never changes: remove it")


def _shared(
    name: str, shared: Iterable[object], mapper: Mapper[SQLModel], columns: dict[str, Column[object]]
) -> frozenset[str]:
    return frozenset(key for one in shared if (key := _attribute(name, "a shared key", one, mapper, columns)))


def _check_keys_across_owners(name: str, entity: Entity[SQLModel], shared: frozenset[str]) -> None:
    if entity.owner_column is None:
        return
    attribute = {column.key: key for key, column in entity.columns.items()}
    for columns in _keys_that_compare_across_owners(entity):
        keys = {attribute[column.key] for column in columns}
        if entity.owner in keys or keys <= shared or not keys & _client_chosen(entity):
            continue
        listed = ", ".join(sorted(keys))
        raise DefinitionError(
            f"the key ({listed}) of {entity.name} compares across owners and lets one see that another has a value: "
            f"add {entity.owner} to it, or name it in shared_keys=(…) of {name}"
        )


def _keys_that_compare_across_owners(entity: Entity[SQLModel]) -> Iterable[Iterable[Column[object]]]:
    table = entity.table
    yield (entity.key_column,)
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) or (
            isinstance(constraint, ForeignKeyConstraint) and _refers_to_an_owned_model(constraint)
        ):
            yield constraint.columns
    for index in table.indexes:
        if index.unique:
            yield index.columns


def _refers_to_an_owned_model(constraint: ForeignKeyConstraint) -> bool:
    tables = {_table(model).fullname for model, (_, owner, _) in _agreements.items() if owner}
    return any(element.target_fullname.rpartition(".")[0] in tables for element in constraint.elements)


def _table(model: type[SQLModel]) -> Table:
    return cast("Table", inspect(model).local_table)  # `_mapper` refused every model that is not one table


def _client_chosen(entity: Entity[SQLModel]) -> frozenset[str]:
    return frozenset(entity.create.model_fields) | frozenset(entity.update.model_fields)


def _check_agreement(name: str, entity: Entity[SQLModel]) -> None:
    first, owner, version = _agreements.setdefault(entity.model, (name, entity.owner, entity.version))
    for what, mine, theirs in (("owner", entity.owner, owner), ("version", entity.version, version)):
        if mine != theirs:
            raise DefinitionError(
                f"{name} has {what} {mine or 'none'} for {entity.name}, {first} has {theirs or 'none'}: "
                "all repositories of a model name the same"
            )


def _has_value_without_schema(entity: Entity[SQLModel], column: Column[object]) -> bool:
    given = (column.server_default, column.default, column.identity, column.computed)
    return any(one is not None for one in given) or column is entity.table.autoincrement_column


def _max_length(field: FieldInfo | None) -> int | None:
    """The limit of the text that a field takes, its tightest; `None` if there is none."""
    return None if field is None else _limit(field.annotation, field.metadata)


def _limit(annotation: object, metadata: Iterable[object]) -> int | None:
    found = [length for one in metadata if isinstance(length := getattr(one, "max_length", None), int)]
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        found += [length for length in [_limit(inner, more)] if length is not None]
    elif get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part not in (NoneType, MISSING)]
        limits = [_limit(part, ()) for part in parts]
        found += [length for length in limits if length is not None] if None not in limits else []
    return min(found, default=None)


def _is_text(column: Column[object]) -> bool:
    try:
        return column.type.python_type is str
    except NotImplementedError:
        return False


def _shown(argument: Argument) -> str:
    return str(getattr(argument, "__name__", argument))
