"""The model's own rules for written values: constraints and validators, which a table's constructor does not run.

A rule that the schema already enforces, by the same function or an equal constraint, is not run a second time.
"""

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo
from sqlmodel import SQLModel
from sqlmodel.main import FieldInfoMetadata

from backend.entity.entity import Entity, ModelT
from backend.entity.field_types import UnionMember, allows, value_members
from backend.entity.lazy import lazy
from backend.entity.validators import field_validators, model_validators
from backend.input.by_name import NameValidator
from backend.input.values import FieldValues

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
        self.is_noop: bool = not needs_fields and not self.has_row_rules
        """Whether the schema already enforces every rule of the model."""

    def validate_fields(self, values: FieldValues) -> FieldValues:
        """Return the values after each field's rules. Raises pydantic's `ValidationError`."""
        if self._fields is None:
            return values
        checked = self._without_undeclared_none(values)
        return _replace(values, checked, self._fields.validate(checked))

    def validate_row(self, values: FieldValues, owner: FieldValues) -> FieldValues:
        """Return a new row's values after all rules of the model. Raises pydantic's `ValidationError`."""
        checked = self._without_undeclared_none(values)
        return _replace(values, checked, self._row.validate({**checked, **owner}))

    @lazy
    def _row(self) -> NameValidator:
        self._mapper.registry.configure()  # validators may read any attribute of the instance
        return NameValidator(self._mapper.class_)

    def _without_undeclared_none(self, values: FieldValues) -> Mapping[str, object]:
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
    """Return whether the schema's member has the class and every constraint of the model's."""
    return member.kind == required.kind and all(part in member.metadata for part in _constraints(required.metadata))


def _constraints(metadata: Iterable[object]) -> list[object]:
    return [part for part in metadata if not isinstance(part, FieldInfoMetadata)]


def _partial_model(model: type[SQLModel], own: Mapping[str, FieldInfo]) -> type[BaseModel]:
    """Return a class without a table that has only these fields, none of them required."""
    annotated: dict[str, Any] = {}  # as create_model types its fields
    for key, field in own.items():
        extra = (*_constraints(field.metadata), *field_validators(model, key).values())
        annotated[key] = (Annotated[field.annotation, *extra] if extra else field.annotation, None)
    settings = {key: value for key, value in model.model_config.items() if key in _SETTINGS}
    config = cast(
        "ConfigDict", {**settings, "arbitrary_types_allowed": True, "protected_namespaces": ()}
    )  # a TypedDict
    return create_model(model.__name__, __config__=config, **annotated)


def _replace(values: FieldValues, names: Iterable[str], valid: BaseModel) -> FieldValues:
    """Return the values, those of the names as they are in the validated instance."""
    values_of = vars(valid)
    return FieldValues({**values, **{name: values_of[name] for name in names}})
