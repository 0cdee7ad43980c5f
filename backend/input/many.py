"""Many instances of a schema to column values: each invalid one is reported with its position."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from backend.errors import ErrorDetails, InvalidDataError, Problem, UsageError

T = TypeVar("T")
ReadT = TypeVar("ReadT")

_SHOWN: Final = 10
"""How many invalid rows a message names; `problems` has all of them."""


def read_many(items: Sequence[T], read: Callable[[T], ReadT], position: int, details: ErrorDetails) -> list[ReadT]:
    """Return what `read` returns for each item; the first has this position.

    Raises `InvalidDataError` for all invalid items, each problem's location beginning with the position; `UsageError`
    for an item of another class.
    """
    values: list[ReadT] = []
    errors: list[tuple[int, InvalidDataError]] = []
    for at, item in enumerate(items, position):
        try:
            values.append(read(item))
        except InvalidDataError as error:
            errors.append((at, error))
        except UsageError as error:
            raise UsageError(f"at position {at}: {error}", details) from None
    if errors:
        raise _invalid(errors, details)
    return values


def _invalid(errors: Sequence[tuple[int, InvalidDataError]], details: ErrorDetails) -> InvalidDataError:
    problems = tuple(
        Problem((at, *problem.location), problem.type, problem.message)
        for at, error in errors
        for problem in error.problems
    )
    fields = tuple(dict.fromkeys(field for _, error in errors for field in error.fields))
    listed = "; ".join(f"at position {at}: {error}" for at, error in errors[:_SHOWN])
    rest = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    return InvalidDataError(f"{listed}{rest}", ErrorDetails(details.model, details.operation, fields=fields), problems)
