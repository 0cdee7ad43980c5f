"""Compares the types of owner columns: one bound parameter serves all that a statement reads. No I/O."""

import inspect
from typing import Any

from sqlalchemy import Enum, Integer, String
from sqlalchemy.types import ExternalType, TypeEngine

from backend.entity.column_types import undecorated_type


def bind_alike(one: TypeEngine[Any], other: TypeEngine[Any]) -> bool:
    """Return whether both types bind an owner as the same value: texts, integers, or one type with equal arguments."""
    if one is other:
        return True
    for family in (String, Integer):
        if all(isinstance(undecorated_type(kind), family) and _is_library_type(kind) for kind in (one, other)):
            return True
    return type(one) is type(other) and _is_reproducible(one) and _arguments(one) == _arguments(other)


def _is_library_type(kind: object) -> bool:
    return type(kind).__module__.startswith(("sqlalchemy.", "sqlmodel.")) and not isinstance(kind, Enum)


def _is_reproducible(kind: TypeEngine[Any]) -> bool:
    """Return whether its arguments define the type: one of the application promises that by `cache_ok`."""
    return not isinstance(kind, ExternalType) or kind.cache_ok is True


def _arguments(kind: TypeEngine[Any]) -> list[object]:
    names = inspect.signature(type(kind)).parameters
    impl: object = getattr(kind, "impl_instance", None)
    return [repr(kind), repr(impl), *(getattr(kind, name, None) for name in names)]
