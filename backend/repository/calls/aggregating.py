"""Calls that compute one value from the rows in scope."""

from collections.abc import Sequence
from typing import Final, cast

from backend.database.operations import OperationKind
from backend.repository.bound import Bound, RowT
from backend.repository.execution import run
from backend.statements.conditions import Where

_COUNT: Final = OperationKind("count")
_EXISTS: Final = OperationKind("exists")


def count(bound: Bound[RowT], where: Sequence[Where]) -> int:
    """Return how many rows meet every condition."""
    rows = run(bound, bound.statements.count(where), {}, _COUNT)
    return cast("int", rows[0][0])  # the statement is SELECT count(*)


def exists(bound: Bound[RowT], where: Sequence[Where]) -> bool:
    """Return whether a row meets every condition."""
    rows = run(bound, bound.statements.exists(where), {}, _EXISTS)
    return cast("bool", rows[0][0])  # the statement is SELECT EXISTS
