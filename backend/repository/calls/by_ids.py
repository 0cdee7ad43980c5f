"""Calls that read the rows of many ids in one statement."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from backend.database.operations import OperationKind
from backend.errors import UsageError, described
from backend.repository.bound import Bound, RowT
from backend.repository.calls.loading import build
from backend.repository.execution import run

IdT = TypeVar("IdT")

_GET_MANY: Final = OperationKind("get_many")
_REQUIRE_MANY: Final = OperationKind("require_many")


def get_many(bound: Bound[RowT], ids: Iterable[IdT]) -> dict[IdT, RowT]:
    """Return the rows with these ids by id, in the order of the ids; an absent one is left out."""
    return _select_by_ids(bound, _given(bound, ids), _GET_MANY)


def require_many(bound: Bound[RowT], ids: Iterable[object]) -> Sequence[RowT]:
    """Return the row of each id, in the order of the ids. Raises `NotFoundError` with the positions of absent ones."""
    given = _given(bound, ids)
    rows = _select_by_ids(bound, given, _REQUIRE_MANY)
    missing = {position: id for position, id in enumerate(given) if id not in rows}
    if missing:
        raise bound.metadata.missing_error(missing, _REQUIRE_MANY)
    return [rows[id] for id in given]


def _given(bound: Bound[RowT], ids: Iterable[IdT]) -> Sequence[IdT]:
    _ = bound.statements  # raises without a scope, also for no ids
    if isinstance(ids, str | bytes | bytearray) or not isinstance(ids, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        raise UsageError(f"ids is {described(ids)}, expected ids of {bound.metadata.entity.name}: pass a list of them")
    return [*ids]


def _select_by_ids(bound: Bound[RowT], given: Sequence[IdT], kind: OperationKind) -> dict[IdT, RowT]:
    identity = bound.metadata.entity.identity
    fitting = [id for position, id in enumerate(given) if identity.fits(id, position)]
    if not fitting:
        return {}
    ids = [*dict.fromkeys(fitting)]
    rows = run(bound, bound.statements.select_by_ids, identity.array_parameters(ids), kind)
    built = dict(zip([row[-1] for row in rows], build(bound, [row[:-1] for row in rows], kind), strict=True))
    places: Iterable[object] = ids if identity.is_matched_by_value else range(1, len(ids) + 1)
    return {id: built[place] for id, place in zip(ids, places, strict=True) if place in built}
