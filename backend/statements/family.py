"""What every family of statements shares: the entity, the scope, and the check that a statement binds the owner."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from sqlalchemy import Column, ColumnElement, Executable

from backend.entity.entity import Entity, ModelT
from backend.statements.conditions import Condition, checked_conditions
from backend.statements.scope.bind import Scope

T = TypeVar("T")
ExecutableT = TypeVar("ExecutableT", bound=Executable)


class StatementFamily(Generic[ModelT]):
    """Statements of one entity: of one owner's rows, or of every row."""

    def __init__(self, entity: Entity[ModelT], *, scoped: bool) -> None:
        self.entity = entity
        self._columns: tuple[Column[Any], ...] = tuple(entity.columns.values())
        owner = entity.owner_column
        self._scope = Scope(entity.table, owner) if scoped and owner is not None else None
        self._owner_conditions: tuple[ColumnElement[bool], ...] = (
            () if self._scope is None else (self._scope.condition,)
        )
        self._verified: WeakSet[Executable] = WeakSet()

    def _verify_scoped(self, statement: ExecutableT) -> ExecutableT:
        if self._scope is not None and statement not in self._verified:
            self._scope.require(statement)
            self._verified.add(statement)
        return statement

    def _conditions(self, where: Sequence[Condition]) -> Sequence[ColumnElement[bool]]:
        return [self._scope_expression(condition) for condition in checked_conditions(self.entity.table, where)]

    def _scope_expression(self, element: ColumnElement[T]) -> ColumnElement[T]:
        return element if self._scope is None else self._scope.expression(element)
