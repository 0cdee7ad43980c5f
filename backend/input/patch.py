"""A change of one row of several, as a caller gives it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, cast

from pydantic import BaseModel

from backend.entity.entity import IdT, UpdateT
from backend.errors import UsageError, described, with_article


@dataclass(frozen=True, slots=True)
class Patch(Generic[UpdateT, IdT]):
    """The fields to change of one row, and the version that the row is expected to have, for `update_many`."""

    id: IdT = field(repr=False)
    data: UpdateT = field(repr=False)
    expected: datetime | int | None = None


def checked_patch(item: object, position: int, model: str, schema: type[BaseModel]) -> Patch[BaseModel, object]:
    """Return a patch, or the pair of an id and data as one. Raises `UsageError` for anything else."""
    if isinstance(item, Patch):
        return cast("Patch[BaseModel, object]", item)  # the readers of id and data refuse anything else
    parts = _parts(item)
    if len(parts) == _PAIR:
        return Patch(parts[0], cast("BaseModel", parts[1]))  # as above
    raise UsageError(
        f"a patch of {model} is an id with {with_article(schema)}, got {described(item)} at position {position}: "
        f"pass (id, {schema.__name__}(…)), or Patch(id, {schema.__name__}(…), expected=…)"
    )


_PAIR: Final = 2


def _parts(item: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", item) if isinstance(item, tuple) else ()  # of any types
