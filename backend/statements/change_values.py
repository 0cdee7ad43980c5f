"""Checks the values that a `Change` sets columns to or compares them with, before anything is sent."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from sqlalchemy import BindParameter, Column
from sqlalchemy.types import NullType

from backend.errors import UsageError
from backend.statements.comparisons import (
    ValueCheck,
    assignment_check,
    compared,
    comparison_check,
    operand_check,
)


@dataclass(frozen=True, slots=True)
class ValueUse:
    """One use of a value in a change: what it does with it, and which values it allows."""

    what: str
    """`sets task.title to`, …"""
    check: ValueCheck
    takes_none: bool = True

    def require(self, value: object) -> None:
        """Raise `UsageError` for a value that does not fit."""
        if value is None and not self.takes_none:
            raise UsageError(f"a change {self.what} None, which it does not allow")
        if value is not None and (wrong := self.check(value)) is not None:
            raise UsageError(f"a change {self.what} {wrong}")


ParameterUses: TypeAlias = Mapping[str, Collection[ValueUse]]
"""The uses of each parameter that a change names."""


def check_set(column: Column[object], value: object) -> None:
    """Raise `UsageError` for a Python value that the column cannot be set to."""
    _setting(column).require(value)


def parameter_uses(parts: Iterable[object], values: Mapping[Column[object], object]) -> dict[str, list[ValueUse]]:
    """Return the uses of each named parameter in the parts of an UPDATE that sets columns to these values."""
    uses: dict[str, list[ValueUse]] = {}
    for part in parts:
        if name := _name(part):
            kind = cast("BindParameter[object]", part).type  # only a parameter has a name
            operand_uses = uses.setdefault(name, [])
            if not isinstance(kind, NullType):
                operand_uses.append(ValueUse(f"takes for its parameter {name!r}", operand_check(kind)))
        for column, operand in compared(part):
            if name := _name(operand):
                check = comparison_check(column.type)
                uses.setdefault(name, []).append(ValueUse(f"compares {column} with", check))
    for column, value in values.items():
        if name := _name(value):
            uses.setdefault(name, []).insert(0, _setting(column))
    return uses


def _setting(column: Column[object]) -> ValueUse:
    return ValueUse(f"sets {column} to", assignment_check(column.type), bool(column.nullable))


def _name(part: object) -> str:
    """Return the name that a caller gives to a parameter; `""` for another part, or if it has a value."""
    return str(part.key) if isinstance(part, BindParameter) and not part.unique else ""
