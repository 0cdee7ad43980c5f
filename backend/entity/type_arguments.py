"""The model, schemas, id and owner type that a repository class names in its type arguments.

Reads generic bases only; `entity.checks` decides whether the types can be used.
"""

import sys
from collections.abc import Mapping
from typing import ForwardRef, TypeVar, get_args, get_origin, get_type_hints

from backend.errors import DefinitionError

Argument = object
"""A class, a `ForwardRef`, or a type variable that no subclass has bound yet."""


def type_arguments(cls: type, root: type) -> tuple[Argument, ...]:
    """Return the arguments of `root` as `cls` binds them, forward references resolved where their names exist.

    Follows any number of generic levels and skips mixins. Raises `DefinitionError` if two bases disagree.
    """
    by_base = [arguments for base in _generic_bases(cls) if (arguments := _arguments_via(cls, base, root)) is not None]
    if not by_base:
        return _parameters(root)
    merged = by_base[0]
    for arguments in by_base[1:]:
        merged = tuple(_merge(cls, left, right) for left, right in zip(merged, arguments, strict=True))
    return merged


def is_unbound(argument: Argument) -> bool:
    """Return whether the argument is still a type variable."""
    return isinstance(argument, TypeVar)


def is_forward(argument: Argument) -> bool:
    """Return whether the argument is a name that is not defined yet."""
    return isinstance(argument, ForwardRef)


def _arguments_via(cls: type, base: object, root: type) -> tuple[Argument, ...] | None:
    origin = get_origin(base) or base
    if not isinstance(origin, type) or not issubclass(origin, root):
        return None
    own = tuple(_resolve(argument, cls) for argument in get_args(base))
    if origin is root:
        return own or _parameters(root)
    bound: Mapping[object, Argument] = dict(zip(_parameters(origin), own, strict=False))
    return tuple(bound.get(argument, argument) for argument in type_arguments(origin, root))


def _generic_bases(cls: type) -> tuple[object, ...]:
    bases: tuple[object, ...] = cls.__dict__.get("__orig_bases__", cls.__bases__)
    return bases


def _parameters(cls: type) -> tuple[Argument, ...]:
    parameters: tuple[Argument, ...] = getattr(cls, "__parameters__", ())
    return parameters


def _merge(cls: type, left: Argument, right: Argument) -> Argument:
    if is_unbound(left) or left == right:
        return right
    if is_unbound(right):
        return left
    raise DefinitionError(f"{cls.__name__} inherits two bindings, {_name(left)} and {_name(right)}: keep one of them")


def _resolve(argument: Argument, cls: type) -> Argument:
    if not isinstance(argument, ForwardRef):
        return argument
    holder = type("_Holder", (), {"__annotations__": {"argument": argument.__forward_arg__}})
    try:
        return get_type_hints(holder, vars(sys.modules[cls.__module__]), {cls.__name__: cls})["argument"]
    except NameError:
        return argument


def _name(argument: Argument) -> str:
    return getattr(argument, "__name__", None) or str(argument)
