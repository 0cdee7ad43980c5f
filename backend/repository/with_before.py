"""Changed rows of one repository class, each with the row before: the statements in either scope, and the builder."""

from typing import Any, Generic

from backend.entity.entity import Entity, ModelT
from backend.results.entities import Builder, RowAndBefore, RowT, row_and_before_builder
from backend.statements.statements import Statements


class WithBeforeMetadata(Generic[RowT]):
    """The values that all calls which return the row before share. Raises `UsageError` for a table called `old`."""

    def __init__(self, entity: Entity[Any], build: Builder[RowT]) -> None:  # of the model of the rows
        self.build: Builder[RowT] = build
        """Builds what is returned: the row, and the row before."""
        self._scoped: Statements[Any] = Statements(entity, scoped=True, returns_old=True)
        self._unscoped: Statements[Any] = Statements(entity, scoped=False, returns_old=True)

    @property
    def label(self) -> str:
        """Return what a repr says of the rows."""
        return "with the row before"

    def statements(self, *, scoped: bool) -> Statements[Any]:
        """Return the statements, scoped to an owner or not."""
        return self._scoped if scoped else self._unscoped


def with_before_metadata(entity: Entity[ModelT], build: Builder[ModelT]) -> WithBeforeMetadata[RowAndBefore[ModelT]]:
    """Return the metadata for the entities that `build` builds. Raises what `WithBeforeMetadata` raises."""
    return WithBeforeMetadata(entity, row_and_before_builder(build, entity.mapper, entity.columns))
