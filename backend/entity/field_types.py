"""What the annotation of a pydantic field allows: its alternatives, their constraints, and what lies within."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin

from pydantic import MISSING, BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType


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
        """The tightest limit in the metadata."""
        found: list[Limit] = []
        for one in metadata:
            for name in (self.inclusive, self.exclusive):
                value: object = getattr(one, name, None) if name else None
                if name is not None and isinstance(value, int | float | Decimal):
                    found.append(Limit(value if self.is_lower else -value, name == self.exclusive, name))
        return max(found, key=Limit.tightness, default=None)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit, upper ones with their sign turned round, so that the greater is always the tighter."""

    value: int | float | Decimal
    is_exclusive: bool
    name: str

    def tightness(self) -> tuple[int | float | Decimal, bool]:
        """What limits are compared by."""
        return self.value, self.is_exclusive

    @property
    def as_keyword(self) -> str:
        """The limit as a keyword of `Field`."""
        return f"{self.name}={self.value if self.name in _LOWER else -self.value}"


_LOWER = ("min_length", "ge", "gt")
CONSTRAINTS = (
    LimitKind("max_length", None, is_lower=False),
    LimitKind("min_length", None, is_lower=True),
    LimitKind("ge", "gt", is_lower=True),
    LimitKind("le", "lt", is_lower=False),
)
"""The constraints that are compared when a class is defined."""


def members(field: FieldInfo) -> tuple[UnionMember, ...]:
    """Every member of the field's type, aliases and nested unions resolved."""
    return tuple(_alternatives(field.annotation, tuple(field.metadata)))


def value_members(field: FieldInfo) -> tuple[UnionMember, ...]:
    """The alternatives that are neither `None` nor `MISSING`."""
    return tuple(one for one in members(field) if one.kind is not NoneType and one.kind is not MISSING)


def allows(field: FieldInfo, kind: object) -> bool:
    """Whether `NoneType` or `MISSING` is one of the alternatives."""
    return any(one.kind is kind for one in members(field))


def loosest(field: FieldInfo, constraint: LimitKind) -> Limit | None:
    """The limit that every value of the field meets; `None` if an alternative has none."""
    limits = [constraint.of(one.metadata) for one in value_members(field)]
    known = [limit for limit in limits if limit is not None]
    return min(known, key=Limit.tightness, default=None) if len(known) == len(limits) else None


def nested_names(annotation: object) -> frozenset[str]:
    """The names of the fields of every model within the annotation."""
    return frozenset(name for model in _models(annotation) for name in model.model_fields)


def holds_models(annotation: object) -> bool:
    """Whether a value may hold instances of models or dataclasses, which pydantic does not look into again."""
    return any(issubclass(part, BaseModel) or is_dataclass(part) for part in _classes(annotation))


def holds_mapping(annotation: object) -> bool:
    """Whether a value may hold a mapping, whose keys are the caller's own, or what cannot be looked into."""
    nested = [field.annotation for model in _models(annotation) for field in model.model_fields.values()]
    parts = [part for one in (annotation, *nested) for part in _parts(one)]
    return any(part is Any or part is object or _is_mapping(part) or is_dataclass(part) for part in parts)


def _alternatives(annotation: object, metadata: tuple[object, ...]) -> Iterator[UnionMember]:
    annotation = _unaliased(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from _alternatives(inner, (*_flat(more), *metadata))
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _alternatives(part, metadata)
    else:
        yield UnionMember(NoneType if annotation is None else annotation, metadata)


def _unaliased(annotation: object) -> object:
    while True:
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        else:
            return annotation


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    for one in metadata:
        yield from one.metadata if isinstance(one, FieldInfo) else (one,)


def _parts(annotation: object) -> Iterator[object]:
    """The annotation's classes and other leaves, at any depth of generics; an alias may refer to itself."""
    aliases: set[int] = set()
    waiting = [annotation]
    while waiting:
        part = waiting.pop()
        if isinstance(part, TypeAliasType):
            if id(part) not in aliases:
                aliases.add(id(part))
                waiting.append(part.__value__)
        elif (origin := get_origin(part)) is None:
            yield _unaliased(part)
        elif origin is Annotated:
            waiting.append(get_args(part)[0])
        else:
            waiting += [origin, *get_args(part)]


def _classes(annotation: object) -> Iterator[type[object]]:
    yield from (part for part in _parts(annotation) if isinstance(part, type))


def _models(annotation: object) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = set()
    waiting = [annotation]
    while waiting:
        for part in _classes(waiting.pop()):
            if issubclass(part, BaseModel) and part not in found:
                found.add(part)
                waiting += [field.annotation for field in part.model_fields.values()]
    return found


def _is_mapping(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, Mapping)
