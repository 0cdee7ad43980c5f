"""The primary key: which values are ids, and which row has one."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Column, ColumnElement, any_, bindparam

from backend.entity.column_types import Check, column_check
from backend.entity.lazy import lazy
from backend.entity.parameters import ID_PARAMETER, IDS_PARAMETER
from backend.errors import UsageError, described, with_article


def is_any_of(column: ColumnElement[object], parameter: str) -> ColumnElement[bool]:
    """Return the condition that the column is one of the values of an array parameter."""
    return column == any_(bindparam(parameter, type_=ARRAY(column.type, dimensions=1)))


class Identity:
    """The primary key of a model."""

    def __init__(self, model: str, attribute: str, column: Column[object], position: int, python_type: type) -> None:
        self.attribute = attribute
        self.column = column
        self.python_type = python_type
        self._model = model
        self._position = position

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition that the row with the id of `parameters` meets."""
        return self.column == bindparam(ID_PARAMETER)

    def parameters(self, id: object) -> dict[str, object]:
        """Return the parameters of `condition`."""
        return {ID_PARAMETER: id}

    @property
    def any_of(self) -> ColumnElement[bool]:
        """Return the condition that the rows with the ids of `array_parameters` meet: one parameter for all."""
        return is_any_of(self.column, IDS_PARAMETER)

    def array_parameters(self, ids: Sequence[object]) -> dict[str, object]:
        """Return the parameters of `any_of`."""
        return {IDS_PARAMETER: ids}

    def fits(self, id: object, position: int | None = None) -> bool:
        """Return whether the column can store this id. Raises `UsageError` for a value of another type.

        Its message names the position that the id has among several, if one is given.
        """
        if not isinstance(id, self.python_type) or (isinstance(id, bool) and self.python_type is not bool):
            expected, place = with_article(self.python_type), "" if position is None else f" at position {position}"
            raise UsageError(f"an id of {self._model} is {expected}, got {described(id)}{place}: pass {expected}")
        return self._check(id) is None

    def of(self, row: Sequence[object]) -> tuple[object, ...]:
        """Return the key of a row whose values are in the order of `Entity.columns`."""
        return (row[self._position],)

    @lazy
    def _check(self) -> Check:
        return column_check(self.column.type)
