"""pydantic's errors as problems that never show the input.

The input can appear in three places:

- the text of a validator's `ValueError`, shown only if it is a literal in the code that raised it
- pydantic's own text, shown only if it is made from the schema alone
- the key of a mapping in the location, always shown as `*`
"""

from collections.abc import Iterable, Mapping
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from backend.entity.field_types import holds_mapping, nested_names
from backend.errors import Problem

_ERROR_TYPES = frozenset(get_args(ErrorType))
_SCHEMA_CONTEXT_KEYS = frozenset({
    "actual_length", "class", "class_name", "decimal_places", "discriminator", "expected", "expected_schemes",
    "expected_tags", "expected_version", "field_type", "ge", "gt", "le", "lt", "max_digits", "max_length", "min_length",
    "multiple_of", "pattern", "tz_expected", "whole_digits",
})  # fmt: skip
"""Context keys of pydantic's errors whose values come from the schema, not from the input."""


def problems(error: ValidationError, annotations: Mapping[str, Iterable[object]]) -> tuple[Problem, ...]:
    """Return each error as a problem; `annotations` are those that validate each field."""
    errors = error.errors(include_url=False, include_input=False)
    return tuple(Problem(_location(item["loc"], annotations), item["type"], _message(item)) for item in errors)


def _message(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    raised = context.get("error")
    if isinstance(raised, Exception):
        return str(raised) if _is_literal(raised) else "a validator refuses it"
    if not context or (error["type"] in _ERROR_TYPES and context.keys() <= _SCHEMA_CONTEXT_KEYS):
        return error["msg"]
    return f"it does not pass ({error['type']})"


def _is_literal(raised: Exception) -> bool:
    """Return whether the text is a literal of the code that raised it, so that it contains no input."""
    trace = raised.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    constants = [frame.f_globals.get(name) for name in frame.f_code.co_names]
    text = str(raised)
    return any(isinstance(constant, str) and constant == text for constant in (*frame.f_code.co_consts, *constants))


def _location(location: tuple[str | int, ...], annotations: Mapping[str, Iterable[object]]) -> tuple[str | int, ...]:
    """Return the location with mapping keys as `*`, without the labels that pydantic adds for union members."""
    if not location or location[0] not in annotations:
        return ()
    field, *rest = location
    of_field = list(annotations[str(field)])
    names = frozenset(name for annotation in of_field for name in nested_names(annotation))
    if any(holds_mapping(annotation) for annotation in of_field):
        return (field, *(part if part in names else "*" for part in rest))
    return (field, *(part for part in rest if isinstance(part, int) or part in names))
