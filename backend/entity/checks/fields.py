"""Each field of a schema against its column and the model's field: neither another type nor looser.

Only what is certain is refused here. What cannot be decided by types, such as a validator that makes another type of
what it is given, is left to `rules` and `storage`, which see the value.
"""

from decimal import Decimal
from enum import Enum as PythonEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import PurePath
from typing import Final

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
from sqlalchemy import Enum, Float, Numeric, String
from sqlmodel import SQLModel

from backend.entity.column_types import unsupported
from backend.entity.columns import LOSSLESS_PYTHON_TYPES, database_type, is_scalar, python_type, undecorated_type
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
"""Classes whose values no column of Python's own scalars takes, and what to do."""

_FRACTIONS: Final[frozenset[type]] = frozenset({float, Decimal})
_CONVERTERS = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)


def check_field(entity: Entity[SQLModel], schema: type[BaseModel], key: str, field: FieldInfo) -> None:
    """Raises `DefinitionError` if the field is certain to let pass what the model or the column does not take."""
    if (reason := unsupported(entity.columns[key].type)) is not None:
        raise DefinitionError(f"{schema.__name__}.{key} cannot be written to {entity.name}.{key}: {reason}")
    _check_model_class(entity, key)
    _check_class(entity, schema, key, field)
    _check_digits(entity, schema, key, field)
    taken = value_members(field)
    if not taken or not all(is_scalar(one.kind) for one in taken):
        return
    for constraint in CONSTRAINTS:
        wanted = _tightest(entity, key, constraint)
        given = loosest(field, constraint)
        if wanted is not None and (given is None or given.tightness() < wanted.tightness()):
            raise DefinitionError(
                f"{schema.__name__}.{key} is looser than {entity.name}.{key}: add {wanted.as_keyword}"
            )


def _check_model_class(entity: Entity[SQLModel], key: str) -> None:
    """Raises `DefinitionError` if the column gives back another class than the model says, and so takes no value."""
    stored = python_type(entity.columns[key])
    own = entity.model.model_fields.get(key)
    if stored not in LOSSLESS_PYTHON_TYPES or own is None or field_validators(entity.model, key):
        return
    for one in value_members(own):
        kind = _plain_class(one.kind)
        converts = any(isinstance(part, _CONVERTERS) for part in one.metadata)
        if kind is not None and kind is not stored and not converts:
            remedy = f"declare it {stored.__name__}, or another sa_type"
            raise DefinitionError(
                f"{entity.name}.{key} is {kind.__name__}, and its column gives back {stored.__name__}: "
                + ("make its column an Enum" if issubclass(kind, PythonEnum) else remedy)
            )


def _plain_class(kind: object) -> type | None:
    """Return the class whose values a field has for sure: a scalar's or an enum's."""
    if is_scalar(kind):
        return kind
    return kind if isinstance(kind, type) and issubclass(kind, PythonEnum) else None


def _check_class(entity: Entity[SQLModel], schema: type[BaseModel], key: str, field: FieldInfo) -> None:
    stored = python_type(entity.columns[key])
    if stored not in LOSSLESS_PYTHON_TYPES or _is_converted(entity, schema, key):
        return
    for one in value_members(field):
        if _converts(one):
            continue
        if is_scalar(one.kind) and one.kind not in LOSSLESS_PYTHON_TYPES[stored]:
            remedy = f"declare it {stored.__name__}"
        elif isinstance(one.kind, type) and issubclass(one.kind, tuple(_REMEDIES)):
            remedy = next(text for kind, text in _REMEDIES.items() if issubclass(one.kind, kind))
        else:
            continue
        raise DefinitionError(
            f"{schema.__name__}.{key} is {one.kind.__name__}, "
            f"{entity.name}.{key} holds {stored.__name__}: {remedy.format(kind=one.kind.__name__)}"
        )


def _check_digits(entity: Entity[SQLModel], schema: type[BaseModel], key: str, field: FieldInfo) -> None:
    """Raises `DefinitionError` for a number that may have more digits than the column keeps."""
    kind = undecorated_type(entity.columns[key].type)
    if not isinstance(kind, Numeric) or isinstance(kind, Float) or kind.precision is None or not kind.asdecimal:
        return
    if _is_converted(entity, schema, key):
        return
    places = kind.scale or 0
    for one in value_members(field):
        if (
            is_scalar(one.kind)
            and one.kind in _FRACTIONS
            and not _converts(one)
            and not _fits(one, kind.precision, places)
        ):
            what = "a float, " if one.kind is float else ""
            raise DefinitionError(
                f"{schema.__name__}.{key} is {what}looser than {entity.name}.{key}: declare it "
                f"Decimal with max_digits={kind.precision}, decimal_places={places}"
            )


def _fits(alternative: UnionMember, precision: int, places: int) -> bool:
    """Whether every number that passes has so few digits after the point, and before it by digits or by bounds."""
    digits, after = _least(alternative, "max_digits"), _least(alternative, "decimal_places")
    if after is None or after > places:
        return False
    if digits is not None and digits - after <= precision - places:
        return True
    limits = [one.of(alternative.metadata) for one in CONSTRAINTS if one.inclusive in ("ge", "le")]
    bound = 10 ** (precision - places)
    return all(
        limit is not None and (abs(limit.value) < bound or (limit.is_exclusive and abs(limit.value) == bound))
        for limit in limits
    )


def _least(alternative: UnionMember, name: str) -> int | None:
    found = [getattr(one, name, None) for one in alternative.metadata]
    return min((one for one in found if isinstance(one, int)), default=None)


def _is_converted(entity: Entity[SQLModel], schema: type[BaseModel], key: str) -> bool:
    """Whether a validator of schema or model may make another value of the field's."""
    return bool(field_validators(schema, key) or field_validators(entity.model, key))


def _converts(alternative: UnionMember) -> bool:
    return any(isinstance(part, _CONVERTERS) for part in alternative.metadata)


def _tightest(entity: Entity[SQLModel], key: str, constraint: LimitKind) -> Limit | None:
    own = entity.model.model_fields.get(key)
    found = [None if own is None else loosest(own, constraint)]
    kind = database_type(entity.columns[key])
    if constraint.inclusive == "max_length" and isinstance(kind, String) and not isinstance(kind, Enum):
        found.append(None if kind.length is None else Limit(-kind.length, False, "max_length"))
    return max((limit for limit in found if limit is not None), key=Limit.tightness, default=None)
