"""The validators that a pydantic model declares.

Read from `__pydantic_decorators__`, which pydantic documents as an attribute of every model.
"""

from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, PlainValidator, WrapValidator

_ANNOTATION_BY_MODE: dict[str, Callable[[Any], object]] = {
    "after": AfterValidator,
    "before": BeforeValidator,
    "plain": PlainValidator,
    "wrap": WrapValidator,
}


def field_validators(model: type[BaseModel], key: str) -> dict[object, object]:
    """Return the field's `@field_validator` functions, each with the annotation that runs it."""
    validators: dict[object, object] = {}
    for declared in model.__pydantic_decorators__.field_validators.values():
        if key in declared.info.fields or "*" in declared.info.fields:
            validators[_function(declared.func)] = _ANNOTATION_BY_MODE[declared.info.mode](declared.func)
    return validators


def model_validators(model: type[BaseModel], schema: type[BaseModel]) -> bool:
    """Return whether the model has a `@model_validator` that the schema does not have."""
    shared = {_function(declared.func) for declared in schema.__pydantic_decorators__.model_validators.values()}
    own = model.__pydantic_decorators__.model_validators.values()
    return any(_function(declared.func) not in shared for declared in own)


def _function(func: object) -> object:
    return getattr(func, "__func__", func)
