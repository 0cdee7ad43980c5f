"""Validation by field names, at every depth, whichever aliases the classes declare.

pydantic validates by name on request, but hands a nested value to its class where that class has an `__init__` of its
own, and the request is lost there. Every SQLModel class has one: it accepts only the aliases, or nothing.
"""

from abc import ABCMeta
from collections.abc import Collection, Mapping
from typing import Final, cast

from pydantic import BaseModel, EncodedBytes, EncodedStr, TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator
from pydantic_core.core_schema import no_info_after_validator_function
from typing_extensions import override

_OPAQUE: Final = frozenset({"default", "expected", "metadata", "serialization"})
"""Keys of a core schema whose values are the program's own objects, or do not concern validation."""


class NameValidator:
    """Validates values by the names of a class's fields, through its validators only: no `__init__` is called."""

    def __init__(self, cls: type[BaseModel]) -> None:
        adapter = TypeAdapter(cls)
        adapter.rebuild()
        self._validator = SchemaValidator(cast("CoreSchema", _rewritten(adapter.core_schema)))  # of the same form

    def validate(self, values: Mapping[str, object]) -> BaseModel:
        """Return the instance, which for a table is of a subclass without a table. Raises `ValidationError`."""
        return cast("BaseModel", self._validator.validate_python(values, by_name=True, by_alias=False))  # its instance


def _rewritten(schema: object) -> object:
    """Return the core schema without the `__init__` of any class in it, and without decoding."""
    if isinstance(schema, list | tuple):
        parts = [_rewritten(part) for part in cast("Collection[object]", schema)]  # looked at here
        return tuple(parts) if isinstance(schema, tuple) else parts
    if not isinstance(schema, dict):
        return schema
    own = cast("dict[str, object]", schema)  # looked at here
    if _decodes(own):
        return _rewritten(own.get("schema", {"type": "any"}))
    result = {key: value if key in _OPAQUE else _rewritten(value) for key, value in own.items() if key != "custom_init"}
    return _of_subclass(result) if own.get("type") in ("model", "dataclass") else result


def _decodes(schema: Mapping[str, object]) -> bool:
    """Return whether the schema reads an encoded value: what is validated here has been decoded already."""
    if schema.get("type") != "function-after":
        return schema.get("type") == "json"
    function = cast("Mapping[str, object]", schema["function"])["function"]  # as this kind has it
    return isinstance(getattr(function, "__self__", None), EncodedBytes | EncodedStr)


def _of_subclass(schema: dict[str, object]) -> object:
    """Return the schema of a class by an empty subclass: for the class itself pydantic takes its finished validator."""
    cls = cast("type[object]", schema["cls"])  # what both kinds have
    metaclass: type[type] = type(cls)
    new = ABCMeta.__new__ if issubclass(metaclass, ABCMeta) else type.__new__
    body: dict[str, object] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__slots__": ()}
    config = cast("Mapping[str, object]", getattr(cls, "model_config", {}))  # of a pydantic model
    if is_table := bool(config.get("table")):
        body["model_config"] = {**config, "table": False}  # or its validators could not assign to its fields
    schema["cls"] = new(metaclass, cls.__name__, (_NoHook, cls), body)

    def restore(instance: object) -> object:
        object.__setattr__(instance, "__class__", cls)
        return instance

    if is_table or schema["type"] == "dataclass":  # whose layout is another
        return schema
    reference = cast("str | None", schema.pop("ref", None))  # what a schema is found by
    return no_info_after_validator_function(restore, cast("CoreSchema", schema), ref=reference)  # the same schema


class _NoHook:
    """Keeps a class's `__init_subclass__`, which may ask for arguments or register what it sees, from being called."""

    __slots__ = ()

    @override
    def __init_subclass__(cls) -> None: ...
