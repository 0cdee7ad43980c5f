"""pydantic's errors as problems that never show the input: what may be said of a value that did not pass.

The input can stand in three places. In the text of a validator's `ValueError`, which is shown only where it is written
as a literal in the code that raised it. In pydantic's own texts, which are shown only where they are made of the
schema alone. In the location, where it is the key of a mapping, which is shown as `*`.
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
"""What pydantic's texts are made of that is not the input's."""


def problems(error: ValidationError, annotations: Mapping[str, Iterable[object]]) -> tuple[Problem, ...]:
    """Each error as a problem; `annotations` are those that a field's values were read by."""
    found = error.errors(include_url=False, include_input=False)
    return tuple(Problem(_location(one["loc"], annotations), one["type"], _message(one)) for one in found)


def _message(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    raised = context.get("error")
    if isinstance(raised, Exception):
        return str(raised) if _is_literal(raised) else "a validator refuses it"
    if not context or (error["type"] in _ERROR_TYPES and context.keys() <= _SCHEMA_CONTEXT_KEYS):
        return error["msg"]
    return f"it does not pass ({error['type']})"


def _is_literal(raised: Exception) -> bool:
    """Whether the text stands in the code that raised it, so that no input can be in it."""
    trace = raised.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    constants = [frame.f_globals.get(name) for name in frame.f_code.co_names]
    text = str(raised)
    return any(isinstance(one, str) and one == text for one in (*frame.f_code.co_consts, *constants))


def _location(location: tuple[str | int, ...], annotations: Mapping[str, Iterable[object]]) -> tuple[str | int, ...]:
    """The location, a mapping's keys hidden. A union's labels, which are no places, are left out."""
    if not location or location[0] not in annotations:
        return ()
    field, *rest = location
    read = list(annotations[str(field)])
    names = frozenset(name for annotation in read for name in nested_names(annotation))
    if any(holds_mapping(annotation) for annotation in read):
        return (field, *(one if one in names else "*" for one in rest))
    return (field, *(one for one in rest if isinstance(one, int) or one in names))
