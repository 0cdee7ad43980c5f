"""JSON, pickles and hstore. JSON makes each key text, which may merge two keys, and each tuple a list."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import Final, cast

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from sqlalchemy import JSON, PickleType
from sqlalchemy.dialects.postgresql import JSONB

from backend.entity.column_types.refusal import Check, Refusal, take_storable

_DEPTH: Final = 200
"""Maximum levels of nesting: Python parses JSON recursively, below the frames of the caller, within its limit."""

_INTEGER_BITS: Final = 14_283
"""Maximum bits of an integer: Python parses at most 4 300 digits by default."""

NESTED_TOO_DEEPLY: Final = ("recursion_loop", "it contains itself, or is nested too deeply")
_TOO_LARGE: Final = ("int_parsing_size", "it holds a whole number of more digits than Python reads")
NOT_JSON: Final = ("not_json", "it holds what JSON cannot say, or would not give back as it was")
_NUMERIC_FLOAT: Final = 1e16
"""From here Python writes a float with an exponent, and JSONB, which stores a numeric, returns an integer."""


def json_check(kind: JSON, _declared: str) -> Check:
    """Return the check of a JSON column, for values from `jsonable`."""
    is_binary = isinstance(kind, JSONB)

    def check(value: object) -> Refusal | None:
        return _refuse_part(value, 0, is_binary)

    return check


def jsonable(value: object) -> object:
    """Return the value with models and dataclasses as their JSON dump. Raises `ValueError` if JSON would change it.

    Raises `RecursionError` for a value that contains itself.
    """
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)  # of any types
        if not all(isinstance(key, str) for key in pairs):
            raise ValueError
        return {key: jsonable(part) for key, part in pairs.items()}
    if isinstance(value, list):
        return [jsonable(part) for part in cast("list[object]", value)]  # of any types
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, Enum)):
        return value
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        if _merges_keys(value):
            raise ValueError
        return to_jsonable_python(value, by_alias=False)
    raise ValueError


def pickle_check(kind: PickleType, _declared: str) -> Check:
    """Return the check of a pickle column: pickle the value, load it and compare."""
    pickler, protocol = kind.pickler, kind.protocol
    refusal = ("pickle", "it does not come back equal from a pickle")

    def check(value: object) -> Refusal | None:
        try:
            return None if pickler.loads(pickler.dumps(value, protocol)) == value else refusal
        except Exception:
            return refusal

    return check


def refuse_not_hstore(value: object) -> Refusal | None:
    """Refuse everything but a dict of text to text or `None`."""
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)  # of any types
        if all(isinstance(key, str) and (part is None or isinstance(part, str)) for key, part in pairs.items()):
            return take_storable(pairs)
    return ("dict_type", "its column holds a dict of text to text or None")


def _refuse_part(value: object, depth: int, is_binary: bool) -> Refusal | None:
    refusal: Refusal | None = None
    match value:
        case None | bool():
            pass
        case str():
            refusal = take_storable(value)
        case int():
            refusal = None if value.bit_length() <= _INTEGER_BITS else _TOO_LARGE
        case float():
            refusal = _refuse_float(value, is_binary)
        case list() | dict() if depth == _DEPTH:
            refusal = NESTED_TOO_DEEPLY
        case list():
            refusal = _first_refusal(cast("list[object]", value), depth, is_binary)  # of any types
        case dict():
            pairs = cast("dict[object, object]", value)  # of any types
            are_text = all(isinstance(key, str) for key in pairs)
            refusal = _first_refusal([*pairs, *pairs.values()], depth, is_binary) if are_text else NOT_JSON
        case _:
            refusal = NOT_JSON
    return refusal


def _first_refusal(parts: Iterable[object], depth: int, is_binary: bool) -> Refusal | None:
    return next((refusal for part in parts if (refusal := _refuse_part(part, depth + 1, is_binary)) is not None), None)


def _refuse_float(value: float, is_binary: bool) -> Refusal | None:
    if not isfinite(value):
        return ("finite_number", "JSON has neither infinity nor NaN")
    if is_binary and abs(value) >= _NUMERIC_FLOAT:
        return ("float_digits", "JSONB gives back a float from 1e16 as a whole number: write it as an int or as text")
    return None


def _merges_keys(value: object) -> bool:
    """Return whether two keys within a model become one in its JSON dump: `1` and `"1"`, or an extra field's name."""
    match value:
        case BaseModel():
            extra = value.model_extra or {}
            named = {*type(value).model_fields, *type(value).model_computed_fields}
            return not named.isdisjoint(extra) or any(map(_merges_keys, [*vars(value).values(), *extra.values()]))
        case Mapping():
            pairs = cast("Mapping[object, object]", value)  # of any types
            keys = dict.fromkeys(pairs)
            is_text = all(isinstance(key, str) for key in keys)
            if not is_text and len(cast("dict[str, None]", to_jsonable_python(keys))) < len(keys):  # still a dict
                return True
            return any(map(_merges_keys, pairs.values()))
        case list() | tuple() | set() | frozenset():
            return any(map(_merges_keys, cast("Iterable[object]", value)))  # of any types
        case _ if is_dataclass(value) and not isinstance(value, type):
            return any(_merges_keys(getattr(value, field.name)) for field in fields(value))
        case _:
            return False
