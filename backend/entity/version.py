"""The version: a column that shows whether a row has changed since it was read."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Column, ColumnElement, Integer, bindparam

from backend.entity.column_types import Check, column_check, database_type
from backend.entity.lazy import lazy
from backend.entity.parameters import EXPECTED_PARAMETER
from backend.errors import UsageError, described


class Version:
    """The version of a model."""

    def __init__(self, model: str, attribute: str, column: Column[object], position: int) -> None:
        self.attribute = attribute
        self.column = column
        self._model = model
        self._position = position

    @property
    def is_integer(self) -> bool:
        """Return whether the version is counted; else it is a time."""
        return isinstance(database_type(self.column), Integer)

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition that a row with the version of `parameters` meets."""
        return self.column == bindparam(EXPECTED_PARAMETER)

    def parameters(self, expected: object) -> dict[str, object]:
        """Return the parameters of `condition`."""
        return {EXPECTED_PARAMETER: expected}

    def fits(self, expected: object) -> bool:
        """Return whether a row can have this version: one outside the column's range counts as stale.

        Raises `UsageError` for a value of another type.
        """
        if self.is_integer:
            is_version = isinstance(expected, int) and not isinstance(expected, bool)
        else:
            is_version = isinstance(expected, datetime) and expected.utcoffset() is not None
        if not is_version:
            kind = "an int" if self.is_integer else "a datetime with a time zone"
            naive = " without one" if isinstance(expected, datetime) and not self.is_integer else ""
            raise UsageError(
                f"the version of {self._model} is {kind}, got {described(expected)}{naive}: "
                f"pass expected=row.{self.attribute}, as it was read"
            )
        return self._check(expected) is None

    def equals(self, row: Sequence[object], expected: object) -> bool:
        """Return whether the row has this version, for which `fits` was true.

        The row's values are in the order of `Entity.columns`.
        """
        version = row[self._position]
        if isinstance(version, datetime) and isinstance(expected, datetime):
            return version.astimezone(UTC) == expected.astimezone(UTC)  # in two zones, a repeated hour equals nothing
        return version == expected

    @lazy
    def _check(self) -> Check:
        return column_check(self.column.type)
