"""Each field of a schema against its column and the model's field: neither another type nor looser.

Only what is certain is refused here. What cannot be decided by types, such as a validator that makes another type of
what it is given, is left to `rules` and `storage`, which see the value.
"""

from enum import Enum as PythonEnum

from pydantic import AfterValidator, BaseModel, BeforeValidator, PlainValidator, WrapValidator
from pydantic.fields import FieldInfo
from sqlalchemy import Enum, String
from sqlmodel import SQLModel

from backend.errors import DefinitionError
from backend.statements.annotations import CONSTRAINTS, Constraint, Limit, loosest, values
from backend.statements.columns import HELD, is_scalar, python_type, stored_type
from backend.statements.entity import Entity
from backend.statements.rules import field_validators
from backend.statements.storage import unsupported

_CONVERTERS = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)


def check_field(entity: Entity[SQLModel], schema: type[BaseModel], key: str, field: FieldInfo) -> None:
    """Raises `DefinitionError` if the field is certain to let pass what the model or the column does not take."""
    if (reason := unsupported(entity.columns[key].type)) is not None:
        raise DefinitionError(f"{schema.__name__}.{key} cannot be written to {entity.name}.{key}: {reason}")
    _check_model_class(entity, key)
    _check_class(entity, schema, key, field)
    taken = values(field)
    if not taken or not all(is_scalar(one.kind) for one in taken):
        return
    for constraint in CONSTRAINTS:
        wanted = _tightest(entity, key, constraint)
        given = loosest(field, constraint)
        if wanted is not None and (given is None or given.tightness() < wanted.tightness()):
            raise DefinitionError(f"{schema.__name__}.{key} is looser than {entity.name}.{key}: add {wanted.said}")


def _check_model_class(entity: Entity[SQLModel], key: str) -> None:
    """Raises `DefinitionError` if the column gives back another class than the model says, and so takes no value."""
    stored = python_type(entity.columns[key])
    own = entity.model.model_fields.get(key)
    if stored not in HELD or own is None or field_validators(entity.model, key):
        return
    for one in values(own):
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
    if stored not in HELD or field_validators(schema, key):
        return
    for one in values(field):
        converts = any(isinstance(part, _CONVERTERS) for part in one.metadata)
        if is_scalar(one.kind) and one.kind not in HELD[stored] and not converts:
            raise DefinitionError(
                f"{schema.__name__}.{key} is {one.kind.__name__}, "
                f"{entity.name}.{key} holds {stored.__name__}: declare it {stored.__name__}"
            )


def _tightest(entity: Entity[SQLModel], key: str, constraint: Constraint) -> Limit | None:
    own = entity.model.model_fields.get(key)
    found = [None if own is None else loosest(own, constraint)]
    kind = stored_type(entity.columns[key])
    if constraint.inclusive == "max_length" and isinstance(kind, String) and not isinstance(kind, Enum):
        found.append(None if kind.length is None else Limit(-kind.length, False, "max_length"))
    return max((limit for limit in found if limit is not None), key=Limit.tightness, default=None)
