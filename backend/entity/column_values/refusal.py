"""What a check says, and the checks that only look at a value's class."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias, cast

Refusal: TypeAlias = tuple[str, str]
"""A type, as pydantic names them, and a message."""

Check: TypeAlias = Callable[[object], Refusal | None]
"""Return why the column cannot hold a value that is not `None`, and give it back equal; `None` if it can."""

UNSTORABLE: Final = ("unstorable_text", "text holds a NUL or a lone surrogate, which PostgreSQL cannot store")


def class_check(name: str, kind: str, *classes: type) -> Check:
    """Return a check that takes instances of these classes."""
    refusal = (kind, f"its column holds {name}")

    def check(value: object) -> Refusal | None:
        return None if isinstance(value, classes) else refusal

    return check


def refuse_all(message: str) -> Check:
    """Return a check that takes nothing."""
    return lambda _: ("unsupported_column", message)


def take_storable(value: object) -> Refusal | None:
    """Take everything but text that PostgreSQL cannot store."""
    return None if is_storable(value) else UNSTORABLE


def is_storable(value: object) -> bool:
    """Return whether PostgreSQL can hold the text in the value: neither a NUL nor a lone surrogate, at any depth."""
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or _encodes(value))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()  # its parts are looked at here
        return all(is_storable(part) for pair in pairs for part in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(is_storable(part) for part in cast("Collection[object]", value))  # its parts are looked at here
    return True


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
