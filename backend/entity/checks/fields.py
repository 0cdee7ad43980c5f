"""Check of each schema field against its column and the model's field: no other type, no looser constraint.

Only certain conflicts are errors here. What types cannot decide, as with a validator that returns another type, is
checked on the value itself, by `input.model_rules` and `column_types`.
"""

from collections.abc import Collection
from decimal import Decimal
from enum import Enum as PythonEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import PurePath
from typing import Final, get_origin

from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    MongoDsn,
    NameEmail,
    NatsDsn,
    PlainValidator,
    PostgresDsn,
    Secret,
    SecretBytes,
    SecretStr,
    WrapValidator,
)
from pydantic.fields import FieldInfo
from pydantic_core import MultiHostUrl
from sqlalchemy import Column, Enum, Float, Numeric, String
from sqlmodel import SQLModel

from backend.entity.column_types import (
    LOSSLESS_PYTHON_TYPES,
    database_type,
    is_scalar,
    python_type,
    undecorated_type,
    unsupported,
    value_classes,
)
from backend.entity.entity import Entity
from backend.entity.field_types import CONSTRAINTS, Limit, LimitKind, UnionMember, loosest, value_members
from backend.entity.validators import field_validators
from backend.errors import DefinitionError

_CONVERT: Final = "declare it str, or convert it, Annotated[{kind}, AfterValidator(str)]"
_ADDRESS: Final = "give the column sa_type=INET, or declare the field str"
_REMEDIES: Final[dict[type, str]] = {
    **dict.fromkeys((AnyUrl, PostgresDsn, MongoDsn, NatsDsn, MultiHostUrl, PurePath), _CONVERT),
    **dict.fromkeys((SecretStr, SecretBytes, Secret), "declare what it hides, and Field(repr=False)"),
    **dict.fromkeys((IPv4Address, IPv6Address), _ADDRESS),
    **dict.fromkeys((IPv4Interface, IPv6Interface), _ADDRESS),
    **dict.fromkeys((IPv4Network, IPv6Network), "give the column sa_type=CIDR, or declare the field str"),
    NameEmail: "declare it EmailStr, or str",
}
"""Classes whose values a column of a scalar class never stores, and the fix."""

_EXACT_CLASSES: Final[frozenset[type]] = frozenset({
    *LOSSLESS_PYTHON_TYPES, dict, frozenset, list, set, tuple,
    IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network,
})  # fmt: skip
"""Classes that pydantic gives no subclass for: a value of such a field has exactly this class."""

_FRACTIONS: Final[frozenset[type]] = frozenset({float, Decimal})
_CONVERTERS = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)


def check_field(entity: Entity[SQLModel], schema: type[BaseModel], key: str, field: FieldInfo) -> None:
    """Raise `DefinitionError` if the field certainly accepts values that the model or the column refuses."""
    if (reason := unsupported(entity.columns[key].type)) is not None:
        raise DefinitionError(f"{schema.__name__}.{key} cannot be written to {entity.name}.{key}: {reason}")
    _check_model_class(entity, key)
    _check_class(entity, schema, key, field)
    _check_digits(entity, schema, key, field)
    accepted = value_members(field)
    if not accepted or not all(is_scalar(member.kind) for member in accepted):
        return
    for constraint in CONSTRAINTS:
        required = _tightest(entity, key, constraint)
        declared = loosest(field, constraint)
        if required is not None and (declared is None or declared.tightness() < required.tightness()):
            raise DefinitionError(
                f"{schema.__name__}.{key} is looser than {entity.name}.{key}: add {required.as_keyword}"
            )


def _check_model_class(entity: Entity[SQLModel], key: str) -> None:
    """Raise `DefinitionError` if the column returns another class than the model declares: no value could pass."""
    stored = python_type(entity.columns[key].type)
    own = entity.model.model_fields.get(key)
    if own is None or field_validators(entity.model, key):
        return
    classes = value_classes(entity.columns[key].type)
    for member in value_members(own):
        if converts(member):
            continue
        kind = _plain_class(member.kind) if stored in LOSSLESS_PYTHON_TYPES else None
        if kind is None or kind is stored:
            kind = _refused_class(member.kind, classes)
        if kind is not None:
            held = listed(entity.columns[key])
            remedy = f"declare it {held}, or another sa_type"
            raise DefinitionError(
                f"{entity.name}.{key} is {kind.__name__}, and its column gives back {held}: "
                + ("make its column an Enum" if issubclass(kind, PythonEnum) else remedy)
            )


def _plain_class(kind: object) -> type | None:
    """Return the scalar or enum class of a union member; `None` if its values may be of another class."""
    if is_scalar(kind):
        return kind
    return kind if isinstance(kind, type) and issubclass(kind, PythonEnum) else None


def _refused_class(kind: object, classes: Collection[type]) -> type | None:
    """Return the class of a union member if the column takes none of its instances; `None` if it may take some."""
    plain = get_origin(kind) or kind
    if not isinstance(plain, type) or plain not in _EXACT_CLASSES or not classes:
        return None
    return None if issubclass(plain, tuple(classes)) else plain


def is_exact(kind: type) -> bool:
    """Return whether a value of a field of this class has exactly this class."""
    return kind in _EXACT_CLASSES


def listed(column: Column[object]) -> str:
    """Return the classes of a column's values, as messages list them."""
    stored = python_type(column.type)
    classes = (stored,) if stored is not None and stored in LOSSLESS_PYTHON_TYPES else value_classes(column.type)
    *others, last = (kind.__name__ for kind in classes)
    return f"{', '.join(others)} or {last}" if others else last


def _check_class(entity: Entity[SQLModel], schema: type[BaseModel], key: str, field: FieldInfo) -> None:
    stored = python_type(entity.columns[key].type)
    if stored is None or _is_converted(entity, schema, key):
        return
    is_plain = stored in LOSSLESS_PYTHON_TYPES
    classes = value_classes(entity.columns[key].type)
    for member in value_members(field):
        if converts(member):
            continue
        held = listed(entity.columns[key])
        kind, remedy = _refused_class(member.kind, classes), f"declare it {held}"
        if is_plain and isinstance(member.kind, type) and issubclass(member.kind, tuple(_REMEDIES)):
            kind = member.kind
            remedy = next(text for refused, text in _REMEDIES.items() if issubclass(member.kind, refused))
        if kind is not None:
            raise DefinitionError(
                f"{schema.__name__}.{key} is {kind.__name__}, "
                f"{entity.name}.{key} holds {held}: {remedy.format(kind=kind.__name__)}"
            )


def _check_digits(entity: Entity[SQLModel], schema: type[BaseModel], key: str, field: FieldInfo) -> None:
    """Raise `DefinitionError` for a number that may have more digits than the column keeps."""
    kind = undecorated_type(entity.columns[key].type)
    if not isinstance(kind, Numeric) or isinstance(kind, Float) or kind.precision is None or not kind.asdecimal:
        return
    if _is_converted(entity, schema, key):
        return
    places = kind.scale or 0
    for member in value_members(field):
        if (
            is_scalar(member.kind)
            and member.kind in _FRACTIONS
            and not converts(member)
            and not _digits_fit(member, kind.precision, places)
        ):
            class_note = "a float, " if member.kind is float else ""
            raise DefinitionError(
                f"{schema.__name__}.{key} is {class_note}looser than {entity.name}.{key}: declare it "
                f"Decimal with max_digits={kind.precision}, decimal_places={places}"
            )


def _digits_fit(member: UnionMember, precision: int, places: int) -> bool:
    """Return whether every accepted number fits: its digits after the point, and before it by digits or by bounds."""
    digits, after = _smallest(member, "max_digits"), _smallest(member, "decimal_places")
    if after is None or after > places:
        return False
    if digits is not None and digits - after <= precision - places:
        return True
    limits = [kind.of(member.metadata) for kind in CONSTRAINTS if kind.inclusive in ("ge", "le")]
    bound = 10 ** (precision - places)
    return all(
        limit is not None and (abs(limit.value) < bound or (limit.is_exclusive and abs(limit.value) == bound))
        for limit in limits
    )


def _smallest(member: UnionMember, name: str) -> int | None:
    values = [getattr(part, name, None) for part in member.metadata]
    return min((value for value in values if isinstance(value, int)), default=None)


def _is_converted(entity: Entity[SQLModel], schema: type[BaseModel], key: str) -> bool:
    """Return whether a validator of schema or model may change the field's value."""
    return bool(field_validators(schema, key) or field_validators(entity.model, key))


def converts(member: UnionMember) -> bool:
    """Return whether a validator in the annotation may change the value, or its class."""
    return any(isinstance(part, _CONVERTERS) for part in member.metadata)


def _tightest(entity: Entity[SQLModel], key: str, constraint: LimitKind) -> Limit | None:
    own = entity.model.model_fields.get(key)
    limits = [None if own is None else loosest(own, constraint)]
    stored = database_type(entity.columns[key])
    if constraint.inclusive == "max_length" and isinstance(stored, String) and not isinstance(stored, Enum):
        limits.append(None if stored.length is None else Limit(-stored.length, False, "max_length"))
    return max((limit for limit in limits if limit is not None), key=Limit.tightness, default=None)
