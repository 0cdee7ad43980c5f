"""The validators that a pydantic model declares.

Read from `__pydantic_decorators__`, which pydantic documents as an attribute of every model.
"""

from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, PlainValidator, WrapValidator

_MODES: dict[str, Callable[[Any], object]] = {
    "after": AfterValidator,
    "before": BeforeValidator,
    "plain": PlainValidator,
    "wrap": WrapValidator,
}


def field_validators(model: type[BaseModel], key: str) -> dict[object, object]:
    """Return the functions that `@field_validator` names for the field, each as the annotation that runs it."""
    found: dict[object, object] = {}
    for one in model.__pydantic_decorators__.field_validators.values():
        if key in one.info.fields or "*" in one.info.fields:
            found[_function(one.func)] = _MODES[one.info.mode](one.func)
    return found


def model_validators(model: type[BaseModel], schema: type[BaseModel]) -> bool:
    """Return whether the model has validators of the whole that the schema does not share."""
    shared = {_function(one.func) for one in schema.__pydantic_decorators__.model_validators.values()}
    return any(_function(one.func) not in shared for one in model.__pydantic_decorators__.model_validators.values())


def _function(func: object) -> object:
    return getattr(func, "__func__", func)
