"""The result of a check, and checks of a value's class or text alone."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias, cast

Refusal: TypeAlias = tuple[str, str]
"""An error type, named as pydantic's are, and a message."""

Check: TypeAlias = Callable[[object], Refusal | None]
"""Takes a value that is not `None`. Returns why the column would not return it equal; `None` if it would."""

UNSTORABLE: Final = ("unstorable_text", "text holds a NUL or a lone surrogate, which PostgreSQL cannot store")


def class_check(name: str, kind: str, *classes: type) -> Check:
    """Return a check that accepts only instances of these classes."""
    refusal = (kind, f"its column holds {name}")

    def check(value: object) -> Refusal | None:
        return None if isinstance(value, classes) else refusal

    return check


def refuse_all(message: str) -> Check:
    """Return a check that refuses every value."""
    return lambda _: ("unsupported_column", message)


def take_storable(value: object) -> Refusal | None:
    """Refuse only text that PostgreSQL cannot store."""
    return None if is_storable(value) else UNSTORABLE


def is_storable(value: object) -> bool:
    """Return whether PostgreSQL can hold the text in the value: neither a NUL nor a lone surrogate, at any depth."""
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or _is_encodable(value))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()  # of any types
        return all(is_storable(part) for pair in pairs for part in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(is_storable(part) for part in cast("Collection[object]", value))  # of any types
    return True


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
