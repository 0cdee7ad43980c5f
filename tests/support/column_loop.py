"""A table for each column type, and what becomes of values that are written to it and read again."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import Enum
from types import new_class
from typing import Any, Final, cast

from pydantic import BaseModel, create_model
from pydantic_core import to_jsonable_python
from sqlalchemy import Column, MetaData
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from tests.support.every_type import ARRAYS, TYPES

_ENOUGH: Final = 12


@dataclass
class Tried:
    """One type: how it is written, and what was found of it."""

    name: str
    model: type[SQLModel]
    data: type[BaseModel]
    kept: list[tuple[int, Any, Any]] = field(default_factory=list[tuple[int, Any, Any]])
    """Ids, values and what came back."""
    refused: list[tuple[Any, str]] = field(default_factory=list[tuple[Any, str]])
    """Values, and why."""
    reasons: Counter[tuple[type, str]] = field(default_factory=Counter[tuple[type, str]])

    def refuse(self, value: Any, reason: str) -> None:
        self.refused.append((value, reason))
        self.reasons[type(value), reason] += 1

    def is_known_to_refuse(self, value: Any) -> bool:
        """Whether the column was seen to take no value of this class."""
        reasons = {reason for kind, reason in self.reasons if kind is type(value)}
        is_taken = any(type(value) is type(one) for _, one, _ in self.kept)
        return len(reasons) == 1 and not is_taken and self.reasons[type(value), reasons.pop()] >= _ENOUGH


class Tables:
    """The tables of one run, in metadata of their own."""

    def __init__(self) -> None:
        types = registry()
        self._base = new_class("Base", (SQLModel,), {"registry": types})
        self.metadata: MetaData = types.metadata

    def tried(self, number: int, name: str, kind: TypeEngine[Any]) -> Tried:
        """A model with a column of the type, and the schema of its data."""
        body: dict[str, Any] = {
            "__module__": __name__,
            "__tablename__": f"column_{number}",
            "__annotations__": {"id": int, "value": Any, "code": int | None},
            "id": Field(default=None, primary_key=True),
            "code": Field(default=None, unique=True),
            "value": Field(default=None, sa_column=Column(kind, nullable=True)),
        }
        model = new_class(f"Column{number}", (self._base,), {"table": True}, lambda namespace: namespace.update(body))
        return Tried(name, model, create_model(f"Data{number}", value=(Any, None), code=(int | None, None)))


ALL_TYPES: Final[dict[str, Callable[[], TypeEngine[Any]]]] = {**TYPES, **ARRAYS}


def repository_of(tried: Tried, root: Any) -> type[Any]:
    """A repository class of the type's table. Raises `DefinitionError` for a type that cannot be."""
    return new_class("ColumnRepository", (root[tried.model, tried.data, tried.data],))


def is_equal(written: Any, read: Any) -> bool:
    """Whether a value came back: equal, of its class, with its zone. A model comes back as its JSON dump."""
    if _is_model(written) and type(read) is not type(written):
        return bool(to_jsonable_python(written) == read)
    if not _is_of_class(written, read):
        return False
    if isinstance(written, list | tuple):
        return _are_equal(cast("Sequence[Any]", written), read)
    if _is_mapping(written):
        return bool(written.keys() == read.keys()) and all(is_equal(written[key], read[key]) for key in written)
    return bool(written == read and _zone(written) == _zone(read)) or _is_same_without_being_equal(written, read)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _are_equal(written: Sequence[Any], read: Sequence[Any]) -> bool:
    return len(written) == len(read) and all(map(is_equal, written, read))


def _zone(value: Any) -> Any:
    """What a time's offset is; a moment's is the session's."""
    return value.utcoffset() if isinstance(value, time) else None


def _is_same_without_being_equal(written: Any, read: Any) -> bool:
    if isinstance(written, float | Decimal):
        return math.isnan(written) and math.isnan(read)
    is_moment = isinstance(written, datetime) and written.tzinfo is not None
    return is_moment and bool(written.astimezone(UTC) == read.astimezone(UTC))


def _is_of_class(written: Any, read: Any) -> bool:
    """Whether the class came back; for a subclass of text, whole numbers, lists or mappings that is the class."""
    if isinstance(written, str | int | list | dict) and not isinstance(written, bool | Enum):
        return isinstance(written, type(read))
    if isinstance(written, datetime) and (written.tzinfo is None) != (read.tzinfo is None):
        return False
    return type(written) is type(read)


def page_row(tried: Tried, item: Tried | None) -> str:
    """What the page says of one type: what it takes, how that comes back, what it refuses beside its items."""
    takes = {_described(value) for _, value, _ in tried.kept}
    gives = {_described(read, of_session=True) for _, _, read in tried.kept}
    classes: set[type] = {type(value) for _, value, _ in tried.kept}
    of_item = set[str]() if item is None else {reason for _, reason in item.reasons}
    reasons = dict.fromkeys(reason for value, reason in tried.refused if type(value) in classes)
    shown = [reason for reason in reasons if reason not in of_item]
    return f"| `{tried.name}` | {_listed(takes)} | {_listed(gives)} | {'; '.join(shown)} |"


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) if len(names) <= _MOST else "what pickles and is equal after it"


_MOST: Final = 10


def _described(value: Any, *, of_session: bool = False) -> str:
    own = type(value).__name__
    name = "models and dataclasses" if _is_model(value) and own != Range.__name__ else f"`{own}`"
    if isinstance(value, datetime | time):
        if value.tzinfo is None:
            return f"{name} without a zone"
        if of_session and isinstance(value, datetime):
            return f"{name} in UTC" if value.tzinfo is UTC else f"{name} in the session's zone"
        return f"{name} with a zone" if isinstance(value, datetime) else f"{name} with an offset"
    return name


def _is_model(value: object) -> bool:
    return isinstance(value, BaseModel) or is_dataclass(value)


def page_rows(page: str) -> Sequence[str]:
    """The rows of the page that are about one type each."""
    return [line for line in page.splitlines() if line.startswith("| `")]
