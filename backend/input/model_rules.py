"""The model's own rules for written values: constraints and validators, which a table's constructor does not run.

A rule that the schema already enforces, by the same function or an equal constraint, is not run a second time.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo
from sqlmodel import SQLModel
from sqlmodel.main import FieldInfoMetadata

from backend.entity.columns import is_scalar
from backend.entity.entity import Entity, ModelT
from backend.entity.field_types import CONSTRAINTS, UnionMember, allows, value_members
from backend.entity.lazy import lazy
from backend.entity.validators import field_validators, model_validators
from backend.input.by_name import NameValidator

FieldValues = Mapping[str, object]
"""Values by field name, which is the model's attribute."""

_LIMIT_NAMES = frozenset(name for limit in CONSTRAINTS for name in (limit.inclusive, limit.exclusive))

_SETTINGS = frozenset({
    "allow_inf_nan", "coerce_numbers_to_str", "regex_engine", "str_max_length", "str_min_length",
    "str_strip_whitespace", "str_to_lower", "str_to_upper", "strict", "url_preserve_empty_path", "val_temporal_unit",
})  # fmt: skip
"""Settings of a model's configuration that decide which values its fields accept, or that change values."""


class ModelRules:
    """The rules of a model that one schema does not already enforce."""

    def __init__(self, entity: Entity[ModelT], schema: type[BaseModel]) -> None:
        self._mapper = entity.mapper
        shared = [key for key in schema.model_fields if key in entity.model.model_fields]
        own = {key: entity.model.model_fields[key] for key in shared}
        self._never_none = {key for key in own if not allows(own[key], NoneType)}
        self.has_row_rules: bool = model_validators(entity.model, schema)
        needs_fields = any(_needs_validation(entity.model, schema, key) for key in own)
        self._fields = NameValidator(_partial_model(entity.model, own)) if needs_fields else None

    @property
    def is_noop(self) -> bool:
        """Whether the schema already enforces every rule of the model."""
        return self._fields is None and not self.has_row_rules

    def validate_fields(self, values: FieldValues) -> FieldValues:
        """Return the values after each field's rules. Raises pydantic's `ValidationError`."""
        if self._fields is None:
            return values
        checked = self._without_undeclared_none(values)
        return {**values, **_select(vars(self._fields.validate(checked)), checked)}

    def validate_row(self, values: FieldValues, owner: FieldValues) -> FieldValues:
        """Return a new row's values after all rules of the model. Raises pydantic's `ValidationError`."""
        checked = self._without_undeclared_none(values)
        return {**values, **_select(vars(self._row.validate({**checked, **owner})), checked)}

    @lazy
    def _row(self) -> NameValidator:
        self._mapper.registry.configure()  # validators may read any attribute of the instance
        return NameValidator(self._mapper.class_)

    def _without_undeclared_none(self, values: FieldValues) -> FieldValues:
        """Drop `None` for nullable columns whose annotation does not allow it."""
        return {key: value for key, value in values.items() if value is not None or key not in self._never_none}


def _needs_validation(model: type[BaseModel], schema: type[BaseModel], key: str) -> bool:
    if field_validators(model, key).keys() - field_validators(schema, key).keys():
        return True
    if any(model.model_config.get(name) != schema.model_config.get(name) for name in _SETTINGS):
        return True
    if schema.model_config.get("use_enum_values"):  # values then differ from the annotated types
        return True
    of_model = value_members(model.model_fields[key])
    of_schema = value_members(schema.model_fields[key])
    return not all(any(_implies(member, required) for required in of_model) for member in of_schema)


def _implies(member: UnionMember, required: UnionMember) -> bool:
    """Return whether every value that passes the schema's member certainly passes the model's."""
    if required.kind is Any or required.kind is object:
        return not _constraints(required)
    return member.kind == required.kind and all(
        any(_are_equal(constraint, own) for own in member.metadata)
        or (is_scalar(member.kind) and _is_checked_at_definition(constraint))
        for constraint in _constraints(required)
    )


def _constraints(member: UnionMember) -> list[object]:
    return [part for part in member.metadata if not isinstance(part, FieldInfoMetadata)]


def _are_equal(left: object, right: object) -> bool:
    """Return whether two constraints are equal; pydantic's own class compares by identity, so compare its values."""
    return left == right or (
        type(left) is type(right) and bool(values := getattr(left, "__dict__", None)) and values == vars(right)
    )


def _is_checked_at_definition(constraint: object) -> bool:
    """Return whether `checks.fields` compares this constraint: then the schema's is at least as tight."""
    return is_dataclass(constraint) and all(field.name in _LIMIT_NAMES for field in fields(constraint))


def _partial_model(model: type[SQLModel], own: Mapping[str, FieldInfo]) -> type[BaseModel]:
    """Return a class without a table that has only these fields, none of them required."""
    annotated: dict[str, Any] = {}  # as create_model types its fields
    for key, field in own.items():
        constraints = [part for part in field.metadata if not isinstance(part, FieldInfoMetadata)]
        extra = (*constraints, *field_validators(model, key).values())
        annotated[key] = (Annotated[field.annotation, *extra] if extra else field.annotation, None)
    settings = {key: value for key, value in model.model_config.items() if key in _SETTINGS}
    config = cast(
        "ConfigDict", {**settings, "arbitrary_types_allowed": True, "protected_namespaces": ()}
    )  # a TypedDict
    return create_model(model.__name__, __config__=config, **annotated)


def _select(values: FieldValues, keys: FieldValues) -> FieldValues:
    return {key: values[key] for key in keys}
