"""The owner: a column that says whose a row is."""

from sqlalchemy import BindParameter, Column, ColumnElement, bindparam

from backend.entity.column_types import Check, column_check
from backend.entity.lazy import lazy
from backend.entity.parameters import OWNER_PARAMETER
from backend.errors import UsageError, described, with_article


class Ownership:
    """The owner of a model's rows. Every statement of a scope has one `parameter`, never the owner as a value."""

    def __init__(self, model: str, attribute: str, column: Column[object], python_type: type) -> None:
        self.attribute = attribute
        self.column = column
        self.python_type = python_type
        self._model = model

    @lazy
    def parameter(self) -> BindParameter[object]:
        """Return the bound parameter of the owner, of the column's type."""
        return bindparam(OWNER_PARAMETER, type_=self.column.type)

    @lazy
    def condition(self) -> ColumnElement[bool]:
        """Return the condition that the rows of the owner of `parameters` meet."""
        return self.column == self.parameter

    @property
    def insert_values(self) -> dict[str, ColumnElement[object]]:
        """Return what a new row has as its owner."""
        return {self.column.key: self.parameter}

    def parameters(self, owner: object) -> dict[str, object]:
        """Return the value of `parameter`."""
        return {OWNER_PARAMETER: owner}

    def require(self, owner: object) -> None:
        """Raise `UsageError` for an invalid owner; `None` must not become access to everything."""
        if owner is None:
            expected = with_article(self.python_type)
            raise UsageError(f"the owner of {self._model} is None, expected {expected}: pass the owner to owned_by()")
        if not isinstance(owner, self.python_type) or isinstance(owner, bool):
            expected = with_article(self.python_type)
            raise UsageError(
                f"an owner of {self._model} is {expected}, got {described(owner)}: pass {expected} to owned_by()"
            )
        if (refusal := self._check(owner)) is not None:
            kind, (_, reason) = type(owner).__name__, refusal
            raise UsageError(f"invalid owner for {self._model}: the column cannot store this {kind}: {reason}")

    @lazy
    def _check(self) -> Check:
        return column_check(self.column.type)
