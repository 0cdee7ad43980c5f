"""What the annotation of a pydantic field allows: the members of its union, their limits, and nested models."""

import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, ForwardRef, NewType, Union, get_args, get_origin

from pydantic import MISSING, BaseModel, StringConstraints
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType, TypeIs, is_typeddict

_ALIASES: tuple[type, ...] = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))
"""The two classes of aliases: the second is that of `type` statements, from Python 3.12."""


@dataclass(frozen=True, slots=True)
class UnionMember:
    """One member of a union, with the metadata that applies to it."""

    kind: object
    """A class, a generic alias, a `Literal`, `None` or `MISSING`."""
    metadata: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitKind:
    """A limit of values or lengths, by the names that pydantic gives its inclusive and its exclusive form."""

    inclusive: str
    exclusive: str | None
    is_lower: bool

    def of(self, metadata: Iterable[object]) -> "Limit | None":
        """Return the tightest limit in the metadata; `None` if there is none."""
        limits: list[Limit] = []
        for part in metadata:
            for name in (self.inclusive, self.exclusive):
                value: object = getattr(part, name, None) if name else None
                if name is not None and isinstance(value, int | float | Decimal):
                    limits.append(Limit(value if self.is_lower else -value, name == self.exclusive, name))
        return max(limits, key=Limit.tightness, default=None)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit. Upper bounds are negated, so that a greater value is always the tighter limit."""

    value: int | float | Decimal
    is_exclusive: bool
    name: str

    def tightness(self) -> tuple[int | float | Decimal, bool]:
        """Return the value that orders limits, tightest last."""
        return self.value, self.is_exclusive

    @property
    def as_keyword(self) -> str:
        """The limit as a keyword argument of `Field`."""
        return f"{self.name}={self.value if self.name in _LOWER else -self.value}"


_LOWER = ("min_length", "ge", "gt")
CONSTRAINTS = (
    LimitKind("max_length", None, is_lower=False),
    LimitKind("min_length", None, is_lower=True),
    LimitKind("ge", "gt", is_lower=True),
    LimitKind("le", "lt", is_lower=False),
)
"""The limits that are compared when a class is defined."""


def members(field: FieldInfo) -> tuple[UnionMember, ...]:
    """Return every member of the field's type, aliases and nested unions resolved."""
    return tuple(_members(field.annotation, tuple(field.metadata)))


def value_members(field: FieldInfo) -> tuple[UnionMember, ...]:
    """Return the members that are neither `None` nor `MISSING`."""
    return tuple(member for member in members(field) if member.kind is not NoneType and member.kind is not MISSING)


def allows(field: FieldInfo, kind: object) -> bool:
    """Return whether `kind`, `NoneType` or `MISSING`, is one of the members."""
    return any(member.kind is kind for member in members(field))


def loosest(field: FieldInfo, constraint: LimitKind) -> Limit | None:
    """Return the limit that every value of the field meets; `None` if a member has none."""
    limits = [constraint.of(member.metadata) for member in value_members(field)]
    known = [limit for limit in limits if limit is not None]
    return min(known, key=Limit.tightness, default=None) if len(known) == len(limits) else None


def nested_names(annotation: object) -> frozenset[str]:
    """Return the field names of every model in the annotation, at any depth."""
    return frozenset(name for model in _models(annotation) for name in model.model_fields)


def holds_models(annotation: object) -> bool:
    """Return whether a value may contain models or dataclasses, whose instances pydantic does not validate again.

    The fields of a `TypedDict`, and what a quoted annotation names, are not examined.
    """
    return any(isinstance(part, str | ForwardRef) for part in _leaves(annotation)) or any(
        issubclass(part, BaseModel) or is_dataclass(part) or is_typeddict(part) for part in _classes(annotation)
    )


def holds_mapping(annotation: object) -> bool:
    """Return whether a value may contain a mapping, whose keys are user input, or a type that cannot be examined."""
    nested = [field.annotation for model in _models(annotation) for field in model.model_fields.values()]
    parts = [part for inner in (annotation, *nested) for part in _leaves(inner)]
    return any(part is Any or part is object or _is_mapping(part) or is_dataclass(part) for part in parts)


def resolve_aliases(annotation: object) -> object:
    """Return what an alias or `NewType` is another name for, else the annotation."""
    while True:
        if _is_alias(annotation):
            annotation = annotation.__value__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        else:
            return annotation


def _members(annotation: object, metadata: tuple[object, ...]) -> Iterator[UnionMember]:
    annotation = resolve_aliases(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from _members(inner, (*more, *metadata))
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _members(part, metadata)
    else:
        yield UnionMember(NoneType if annotation is None else annotation, tuple(_flatten(metadata)))


def _is_alias(annotation: object) -> TypeIs[TypeAliasType]:
    return isinstance(annotation, _ALIASES)


def _flatten(metadata: Iterable[object]) -> Iterator[object]:
    for part in metadata:
        if isinstance(part, FieldInfo):
            yield from part.metadata
        elif isinstance(part, StringConstraints):
            yield from part  # one object for each constraint, as `Field` makes them
        else:
            yield part


def _leaves(annotation: object) -> Iterator[object]:
    """Yield the annotation's classes and other leaves, at any depth of generics; an alias may refer to itself."""
    aliases: set[int] = set()
    pending = [annotation]
    while pending:
        part = pending.pop()
        if _is_alias(part):
            if id(part) not in aliases:
                aliases.add(id(part))
                pending.append(part.__value__)
        elif isinstance(part, NewType):
            pending.append(part.__supertype__)
        elif (origin := get_origin(part)) is None:
            yield part
        elif origin is Annotated:
            pending.append(get_args(part)[0])
        else:
            pending += [origin, *get_args(part)]


def _classes(annotation: object) -> Iterator[type[object]]:
    yield from (part for part in _leaves(annotation) if isinstance(part, type))


def _models(annotation: object) -> set[type[BaseModel]]:
    models: set[type[BaseModel]] = set()
    pending = [annotation]
    while pending:
        for part in _classes(pending.pop()):
            if issubclass(part, BaseModel) and part not in models:
                models.add(part)
                pending += [field.annotation for field in part.model_fields.values()]
    return models


def _is_mapping(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, Mapping)
