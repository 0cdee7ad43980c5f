"""A row that a call has inserted, found or changed, and what became of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, NoReturn, TypeAlias

from typing_extensions import TypeVar

from backend.errors import UsageError

RowT_co = TypeVar("RowT_co", covariant=True)

UpsertOutcome: TypeAlias = Literal["inserted", "updated", "unchanged"]
"""The row is new; it was there and has changed; it was there and nothing was written."""


@dataclass(frozen=True, slots=True)
class Upserted(Generic[RowT_co]):
    """The row as it is now, and what became of it."""

    row: RowT_co
    outcome: UpsertOutcome

    @property
    def inserted(self) -> bool:
        """Return whether the row is new."""
        return self.outcome == "inserted"

    if TYPE_CHECKING:
        __bool__: ClassVar[None]
    else:

        def __bool__(self) -> NoReturn:
            """Raise `UsageError`."""
            raise UsageError("an Upserted is no bool: ask .inserted or .outcome")


@dataclass(frozen=True, slots=True)
class UpsertedWithBefore(Upserted[RowT_co]):
    """The row as it is now, what became of it, and the row as it was before: `None` if there was none."""

    before: RowT_co | None


@dataclass(frozen=True, slots=True)
class Updated(Generic[RowT_co]):
    """The row as it is now, and as it was before."""

    row: RowT_co
    before: RowT_co
