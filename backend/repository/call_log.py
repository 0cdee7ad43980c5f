"""Logs each call of a repository: one record of the logger `backend.calls` at DEBUG, for any handler of it.

The record has no parameter, owner, id or text of an error. What a handler raises instead of handling it, the call
raises once its work is done.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sized
from typing import Concatenate, Final, cast

from typing_extensions import ParamSpec, TypeVar

from backend.database.sessions.state import state_of
from backend.errors import RepositoryError
from backend.repository.bound import Bound, RowT
from backend.repository.calls import (
    by_ids,
    conditional,
    creating,
    deleting,
    keyset,
    reading,
    selecting,
    updating,
    upserting,
    with_before,
)
from backend.results.cursors import CursorPage
from backend.results.pages import Page

T = TypeVar("T")
P = ParamSpec("P")

CALLS: Final = logging.getLogger("backend.calls")

_OPERATIONS: Final[Mapping[object, str]] = {
    creating.count_created: "create_many",
    reading.list_all: "list",
    keyset.next_batch: "stream",
    selecting.fetch_all: "select",
    selecting.one_or_none: "select",
    selecting.scalar: "select",
}
"""The operations of the calls whose functions have another name."""

_MANY: Final = frozenset({
    by_ids.get_many, by_ids.require_many, creating.create_many, deleting.delete_many, reading.list_all,
    selecting.fetch_all, updating.update_many, upserting.upsert_many, conditional.update_where_returning,
    conditional.delete_where_returning, with_before.update_many, with_before.upsert_many,
})  # fmt: skip
"""The calls that return a collection of rows."""

_COUNTING: Final = frozenset({
    creating.count_created, conditional.update_where, conditional.change_where, conditional.delete_where
})  # fmt: skip
"""The calls that return the number of the rows that they wrote."""


def logged(call: Callable[Concatenate[Bound[RowT], P], T]) -> Callable[Concatenate[Bound[RowT], P], T]:
    """Return a function that makes the call and logs it, also when it raises or is cancelled."""

    def call_and_log(bound: Bound[RowT], /, *args: P.args, **kwargs: P.kwargs) -> T:
        started = time.perf_counter()
        try:
            result = call(bound, *args, **kwargs)
        except BaseException as error:
            _log(call, bound, started, 0, error)
            raise
        _log(call, bound, started, _row_count(call, result), None)
        return result

    return call_and_log


def _row_count(call: object, result: object) -> int:
    if isinstance(result, CursorPage):
        return len(cast("CursorPage[object]", result).items)  # of whatever rows
    if isinstance(result, Page):
        return len(cast("Page[object]", result).items)  # as above
    if isinstance(result, keyset.Batch):
        return len(cast("keyset.Batch[object]", result).rows)  # as above
    if call in _COUNTING:
        return cast("int", result)  # their number
    return len(cast("Sized", result)) if call in _MANY else int(result is not None)  # a list of rows


def _log(call: object, bound: Bound[RowT], started: float, rows: int, error: BaseException | None) -> None:
    state = state_of(bound.session)
    fields = {
        "operation": _OPERATIONS.get(call) or getattr(call, "__name__", "call"),
        "model": bound.metadata.entity.name,
        "rows": rows,
        "duration_ms": (time.perf_counter() - started) * 1000,
        "attempt": 1 if state is None else state.attempt,
        "error": None if error is None else type(error).__name__,
        "outcome": error.outcome if isinstance(error, RepositoryError) else None,
    }
    result = f"{rows} row{'s' * (rows != 1)}" if error is None else fields["error"]
    CALLS.debug(f"{fields['operation']} of {fields['model']}: {result}, {fields['duration_ms']:.2f} ms", extra=fields)
