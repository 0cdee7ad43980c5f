"""A view of one repository class: its statements in either scope, and the function that builds it."""

from collections.abc import Mapping
from typing import Any, Generic

from sqlalchemy import Column

from backend.entity.checks import owner_columns
from backend.entity.checks.views import view_columns
from backend.entity.entity import Entity
from backend.errors import DefinitionError, OwnerRequiredError, UsageError
from backend.results.views import ViewBuilder, ViewT, view_builder
from backend.statements.statements import Statements


class ViewMetadata(Generic[ViewT]):
    """The values that all repositories of one view share. Raises `DefinitionError` for a class that is no view."""

    def __init__(self, entity: Entity[Any], view: type[ViewT]) -> None:
        self._entity = entity
        self._columns = view_columns(entity, view)
        self._statements: dict[bool, tuple[Mapping[str, Column[object]], Statements[Any]]] = {}
        self.view = view
        self.build: ViewBuilder[ViewT] = view_builder(entity, view, tuple(self._columns))

    @property
    def label(self) -> str:
        """Return what a repr says of the rows."""
        return f"as {self.view.__name__}"

    def statements(self, *, scoped: bool) -> Statements[Any]:
        """Return the statements that select the view's columns, scoped to an owner or not.

        Raises `DefinitionError` if a column cannot be restricted to an owner.
        """
        owners = owner_columns()
        built = self._statements.get(scoped)
        if built is None or built[0] is not owners:  # since then, a table that it reads may have got an owner
            built = self._statements[scoped] = (owners, self._build_statements(scoped=scoped))
        return built[1]

    def _build_statements(self, *, scoped: bool) -> Statements[Any]:
        for name, column in self._columns.items():
            try:
                Statements(self._entity, scoped=scoped, columns=(column,))
            except (UsageError, OwnerRequiredError) as error:
                raise DefinitionError(f"{self.view.__name__}.{name} cannot be shown: {error}") from None
        return Statements(self._entity, scoped=scoped, columns=tuple(self._columns.values()))
