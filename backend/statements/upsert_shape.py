"""What the rows of an upsert have in common, and the CTE in which they are sent. No I/O."""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from sqlalchemy import CTE, ColumnElement, select

from backend.entity.parameters import CHANGES_PARAMETER
from backend.statements.conflicts import Values
from backend.statements.row_arrays import AnyExpression, RowArrays

POSITION: Final = "position"


class UpsertShape(NamedTuple):
    """What the rows of one upsert have in common: the statement depends on nothing else."""

    values: tuple[str, ...]
    """The columns that a row has values for, by key."""
    partial: frozenset[str]
    """Those for which only some rows have one."""
    changed: tuple[str, ...]
    """The columns that a row changes where its key is taken."""
    changed_by_some: frozenset[str]
    """Those that only some rows change."""
    some_change_nothing: bool
    some_have_null: bool
    """Whether a row has NULL in its key."""

    @property
    def flags(self) -> dict[str, Callable[[Collection[str]], bool]]:
        """Return what is sent of a row beside its values, as functions of the columns that it changes."""
        flags: dict[str, Callable[[Collection[str]], bool]] = {}
        if self.changed and self.some_change_nothing:
            flags[CHANGES_PARAMETER] = bool
        return flags | {
            f"{CHANGES_PARAMETER} {name}": _contains(name) for name in self.changed if name in self.changed_by_some
        }


class NewRows:
    """The CTE of the data, with a name that its table lacks."""

    def __init__(self, arrays: RowArrays, values: Values, flags: Collection[str], name: str) -> None:
        labels = {name: f"value_{number}" for number, name in enumerate(values)}
        flag_labels = {name: f"flag_{number}" for number, name in enumerate(flags)}
        columns = [value.label(labels[name]) for name, value in values.items()]
        flagged = [arrays.value(name).label(label) for name, label in flag_labels.items()]
        self.rows: CTE = select(arrays.position.label(POSITION), *columns, *flagged).cte(name)
        self.position: ColumnElement[int] = self.rows.c[POSITION]
        self.values: dict[str, AnyExpression] = {name: self.rows.c[label] for name, label in labels.items()}
        self.flags: dict[str, ColumnElement[bool]] = {name: self.rows.c[label] for name, label in flag_labels.items()}


def _contains(name: str) -> Callable[[Collection[str]], bool]:
    return lambda changed: name in changed
