"""Validation by field names, at every depth, whichever aliases the classes declare.

pydantic can validate by name, but passes a nested value to the `__init__` of its class where the class defines one, and
that call validates by alias. Every SQLModel class defines one.
"""

from abc import ABCMeta
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final, cast

from pydantic import BaseModel, EncodedBytes, EncodedStr, TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator
from pydantic_core.core_schema import no_info_after_validator_function
from typing_extensions import override

_NOT_TRAVERSED: Final = frozenset({"default", "expected", "metadata", "serialization"})
"""Keys of a core schema whose values are the application's objects, or not part of validation."""


class NameValidator:
    """Validate values by the names of a class's fields. Validators run, no `__init__` is called."""

    def __init__(self, cls: type[BaseModel]) -> None:
        adapter = TypeAdapter(cls)
        adapter.rebuild()
        validator = SchemaValidator(cast("CoreSchema", _rewrite(adapter.core_schema)))  # still a core schema
        self.validate: Callable[[Mapping[str, object]], BaseModel] = partial(
            validator.validate_python, by_name=True, by_alias=False
        )
        """Returns an instance; for a table, of a subclass that is no table. Raises `ValidationError`."""


def _rewrite(schema: object) -> object:
    """Return the core schema without any class's `__init__`, and without decoding: data is decoded already."""
    if isinstance(schema, list | tuple):
        parts = [_rewrite(part) for part in cast("Collection[object]", schema)]  # any types
        return tuple(parts) if isinstance(schema, tuple) else parts
    if not isinstance(schema, dict):
        return schema
    node = cast("dict[str, object]", schema)  # any types
    if _decodes(node):
        return _rewrite(node.get("schema", {"type": "any"}))
    result = {
        key: value if key in _NOT_TRAVERSED else _rewrite(value) for key, value in node.items() if key != "custom_init"
    }
    return _with_subclass(result) if node.get("type") in ("model", "dataclass") else result


def _decodes(schema: Mapping[str, object]) -> bool:
    """Return whether the schema decodes its value: JSON, or pydantic's encoded bytes and text."""
    if schema.get("type") != "function-after":
        return schema.get("type") == "json"
    function = cast("Mapping[str, object]", schema["function"])["function"]  # this schema type has one
    return isinstance(getattr(function, "__self__", None), EncodedBytes | EncodedStr)


def _with_subclass(schema: dict[str, object]) -> object:
    """Return the schema with an empty subclass as its class: for the class itself pydantic reuses its validator."""
    cls = cast("type[object]", schema["cls"])  # both schema types have one
    metaclass: type[type] = type(cls)
    new = ABCMeta.__new__ if issubclass(metaclass, ABCMeta) else type.__new__
    body: dict[str, object] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__slots__": ()}
    config = cast("Mapping[str, object]", getattr(cls, "model_config", {}))  # of a pydantic model
    if is_table := bool(config.get("table")):
        body["model_config"] = {**config, "table": False}  # validators of a table cannot assign to its fields
    schema["cls"] = new(metaclass, cls.__name__, (_NoSubclassHook, cls), body)

    def restore(instance: object) -> object:
        object.__setattr__(instance, "__class__", cls)
        return instance

    if is_table or schema["type"] == "dataclass":  # the layout differs: `__class__` cannot be set
        return schema
    reference = cast("str | None", schema.pop("ref", None))  # its name for recursive references
    return no_info_after_validator_function(restore, cast("CoreSchema", schema), ref=reference)  # still a core schema


class _NoSubclassHook:
    """Suppress a class's `__init_subclass__`, which may require arguments or register the subclass."""

    __slots__ = ()

    @override
    def __init_subclass__(cls) -> None: ...
