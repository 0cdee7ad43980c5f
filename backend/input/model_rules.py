"""The model's own rules for what is written: constraints and validators that a table's constructor does not run.

Decorators are read from `__pydantic_decorators__`, which pydantic documents as an attribute of every model. What the
schema has proven already, by the same function or an equal constraint, is not run a second time.
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

Values = Mapping[str, object]
"""Values by attribute."""

_COMPARED = frozenset(name for one in CONSTRAINTS for name in (one.inclusive, one.exclusive))


_SETTINGS = frozenset({
    "allow_inf_nan", "coerce_numbers_to_str", "regex_engine", "str_max_length", "str_min_length",
    "str_strip_whitespace", "str_to_lower", "str_to_upper", "strict", "url_preserve_empty_path", "val_temporal_unit",
})  # fmt: skip
"""Settings of a model's configuration that say which values its fields take, or change them."""


class ModelRules:
    """What a model asks of the values of one schema, beyond what the schema has asked."""

    def __init__(self, entity: Entity[ModelT], schema: type[BaseModel]) -> None:
        self._mapper = entity.mapper
        shared = [key for key in schema.model_fields if key in entity.model.model_fields]
        own = {key: entity.model.model_fields[key] for key in shared}
        self._never_none = {key for key in own if not allows(own[key], NoneType)}
        self.has_row_rules: bool = model_validators(entity.model, schema)
        asked = any(_needs_validation(entity.model, schema, key) for key in own)
        self._fields = NameValidator(_partial_model(entity.model, own)) if asked else None

    @property
    def is_noop(self) -> bool:
        """Whether the schema has asked all that the model asks."""
        return self._fields is None and not self.has_row_rules

    def validate_fields(self, given: Values) -> Values:
        """The values of some columns, each by its own field's rules. Raises pydantic's `ValidationError`."""
        if self._fields is None:
            return given
        looked_at = self._without_undeclared_none(given)
        return {**given, **_picked(vars(self._fields.validate(looked_at)), looked_at)}

    def validate_row(self, given: Values, owner: Values) -> Values:
        """The values of a new row, by the rules of its fields and of the whole. Raises pydantic's `ValidationError`."""
        looked_at = self._without_undeclared_none(given)
        return {**given, **_picked(vars(self._row.validate({**looked_at, **owner})), looked_at)}

    @lazy
    def _row(self) -> NameValidator:
        self._mapper.registry.configure()  # or no attribute of an instance can be read
        return NameValidator(self._mapper.class_)

    def _without_undeclared_none(self, given: Values) -> Values:
        """The values without a `None` that the column takes and the field's annotation does not speak of."""
        return {key: value for key, value in given.items() if value is not None or key not in self._never_none}


def _needs_validation(model: type[BaseModel], schema: type[BaseModel], key: str) -> bool:
    if field_validators(model, key).keys() - field_validators(schema, key).keys():
        return True
    if any(model.model_config.get(one) != schema.model_config.get(one) for one in _SETTINGS):
        return True
    if schema.model_config.get("use_enum_values"):  # its values are not of the types that it names
        return True
    wanted = value_members(model.model_fields[key])
    given = value_members(schema.model_fields[key])
    return not all(any(_implies(one, other) for other in wanted) for one in given)


def _implies(given: UnionMember, wanted: UnionMember) -> bool:
    """Whether all that passes the schema's alternative passes the model's, for sure."""
    if wanted.kind is Any or wanted.kind is object:
        return not _constraints(wanted)
    return given.kind == wanted.kind and all(
        any(_are_equal(one, other) for other in given.metadata) or (is_scalar(given.kind) and _is_compared(one))
        for one in _constraints(wanted)
    )


def _constraints(alternative: UnionMember) -> list[object]:
    return [one for one in alternative.metadata if not isinstance(one, FieldInfoMetadata)]


def _are_equal(one: object, other: object) -> bool:
    """Whether two constraints are equal: those of pydantic's own class compare by identity, and hold their values."""
    return one == other or (
        type(one) is type(other) and bool(held := getattr(one, "__dict__", None)) and held == vars(other)
    )


def _is_compared(metadata: object) -> bool:
    """Whether the definition has compared this constraint: a class whose schema is looser does not exist."""
    return is_dataclass(metadata) and all(one.name in _COMPARED for one in fields(metadata))


def _partial_model(model: type[SQLModel], own: Mapping[str, FieldInfo]) -> type[BaseModel]:
    """A class of these fields alone, none of them required, that is no table."""
    annotated: dict[str, Any] = {}  # what create_model takes for its fields
    for key, field in own.items():
        asked = [one for one in field.metadata if not isinstance(one, FieldInfoMetadata)]
        extra = (*asked, *field_validators(model, key).values())
        annotated[key] = (Annotated[field.annotation, *extra] if extra else field.annotation, None)
    settings = {key: value for key, value in model.model_config.items() if key in _SETTINGS}
    config = cast("ConfigDict", {**settings, "arbitrary_types_allowed": True, "protected_namespaces": ()})  # a dict
    return create_model(model.__name__, __config__=config, **annotated)


def _picked(found: Values, wanted: Values) -> Values:
    return {key: found[key] for key in wanted}
