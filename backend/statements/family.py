"""What every family of statements shares: the entity, the scope, and the check that a statement binds the owner."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Executable, SQLColumnExpression, select
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import TableClause

from backend.entity.checks import owner_columns
from backend.entity.entity import Entity, ModelT
from backend.entity.lazy import lazy
from backend.errors import OwnerRequiredError
from backend.statements.conditions import Where, checked_conditions, checked_expression
from backend.statements.kept import Kept
from backend.statements.old_rows import old_columns
from backend.statements.ordering import Order, checked_order
from backend.statements.plain import PlainExpressions
from backend.statements.scope.bind import Scope
from backend.statements.scope.from_clauses import AnySelect
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.scope.verify import all_parts

T = TypeVar("T")
StatementT = TypeVar("StatementT", bound=Executable)

_SHAPES: Final = 500
"""Statements of conditions that are kept: as many as SQLAlchemy keeps compiled for an engine (`query_cache_size`)."""


class StatementFamily(Generic[ModelT]):
    """Statements of one entity: of one owner's rows, or of every row.

    A SELECT has the entity's columns, or those of `columns`. With `returns_old` the UPDATEs of given ids, the INSERT of
    one row and the upserts return each row as it is and, in the columns after these, as it was before: NULL for a row
    that was not there.
    """

    def __init__(
        self,
        entity: Entity[ModelT],
        *,
        scoped: bool,
        columns: Sequence[SQLColumnExpression[object]] | None = None,
        returns_old: bool = False,
    ) -> None:
        self.entity = entity
        self._owner = entity.owner if scoped else None
        self._scope = None if self._owner is None else Scope(entity.table, self._owner)
        self._owner_conditions: tuple[ColumnElement[bool], ...] = (
            () if self._owner is None else (self._owner.condition,)
        )
        self._columns: tuple[ColumnElement[Any], ...] = (
            tuple(entity.columns.values()) if columns is None else tuple(map(self._selected, columns))
        )
        self._returns_old = returns_old
        self._old_columns: tuple[ColumnElement[Any], ...] = old_columns(entity) if returns_old else ()
        self._unchanged_columns = self._columns if returns_old else ()
        """What a row that is not written returns as its old columns."""

    @property
    def width(self) -> int:
        """Return how many columns the row has in an answer, with those of the row before; other values come after."""
        return len(self._columns) + len(self._old_columns)

    @lazy
    def _rows(self) -> AnySelect:
        return self._verified(select(*self._columns).select_from(self.entity.table).where(*self._owner_conditions))

    def _verified(self, statement: StatementT) -> StatementT:
        """Return a statement of this family. Raises `OwnerRequiredError` if it does not bind the owner of the scope."""
        if self._scope is not None:
            self._scope.require(statement)
        return statement

    def _scoped(self, statement: Executable) -> ScopedStatement:
        """Return the statement, verified."""
        return ScopedStatement(self._verified(statement), needs_18=self._returns_old)

    def _scoped_by_version(self, statement: Executable, before_18: Executable) -> ScopedStatement:
        """Return a statement and the same for servers before PostgreSQL 18, as `_scoped`."""
        return replace(self._scoped(statement), before_18=self._verified(before_18))

    def _scoped_rows(self, statement: AnySelect, before_18: AnySelect | None = None) -> ScopedStatement:
        """Return a statement that writes rows within its CTEs, as `_scoped_by_version`."""
        if self._scope is not None:
            self._scope.require_each(statement)
            if before_18 is not None:
                self._scope.require_each(before_18)
        return ScopedStatement(statement, before_18, self._returns_old)

    def _scoped_related(self, statement: AnySelect) -> ScopedStatement:
        """Return a SELECT of other tables as a statement of this family, each owned table restricted to the owner.

        Raises `OwnerRequiredError` if there is no owner to restrict it to, `UsageError` if it cannot be restricted.
        """
        if self._scope is not None:
            return ScopedStatement(self._scope.related(statement))
        self._require_no_owned_table(statement)
        return ScopedStatement(statement)

    def _filtered(
        self,
        call: tuple[object, ...],
        build: Callable[[Sequence[ColumnElement[bool]], Sequence[ColumnElement[object]]], AnySelect],
        where: Sequence[Where],
        order_by: Order = (),
        verify: Callable[[AnySelect], ScopedStatement] | None = None,
    ) -> ScopedStatement:
        """Return the statement that `build` makes of these conditions and this order, restricted to the owner.

        Plain expressions cannot undo the owner's condition: their statement is built once for each shape, and `call`
        says what else it depends on. With others it is built and verified at each call: by `verify`, or as `_scoped`.
        """
        plain = PlainExpressions(self.entity.table, *call)
        conditions = plain.read(where)
        order = None if conditions is None else plain.read(order_by if isinstance(order_by, Sequence) else [order_by])
        if conditions is None or order is None:
            return (self._scoped if verify is None else verify)(build(self._conditions(where), self._order(order_by)))
        if plain.computes:
            return ScopedStatement(build(conditions, order))

        def built() -> AnySelect:
            return build(plain.parametrized(conditions), plain.parametrized(order))

        return ScopedStatement(self._built.get(plain.shape, built), values=plain.values)

    @lazy
    def _built(self) -> Kept[object, AnySelect]:
        return Kept(_SHAPES)

    def _conditions(self, where: Sequence[Where]) -> Sequence[ColumnElement[bool]]:
        return [self._scope_expression(condition) for condition in checked_conditions(self.entity.table, where)]

    def _order(self, order_by: Order) -> Sequence[ColumnElement[object]]:
        return [self._scope_expression(expression) for expression in checked_order(self.entity.table, order_by)]

    def _selected(self, column: SQLColumnExpression[T]) -> ColumnElement[T]:
        """Return an expression to select: with a label, the ORM renders this one, not what it was declared with."""
        expression = self._scope_expression(checked_expression(self.entity.table, column))
        return expression if isinstance(expression, ColumnClause) else expression.label(None)

    def _scope_expression(self, element: ColumnElement[T]) -> ColumnElement[T]:
        if self._scope is not None:
            return self._scope.expression(element)
        self._require_no_owned_table(element)
        return element

    def _require_no_owned_table(self, element: ClauseElement) -> None:
        """Raise `OwnerRequiredError` if a model without an owner reads a table that has owners: none is bound here."""
        if self.entity.owner is not None:  # every owner's rows, as `every_owner()` says
            return
        owners = owner_columns()
        for part in all_parts(element):
            if isinstance(part, TableClause) and part.fullname in owners:
                raise OwnerRequiredError(
                    f"{self.entity.name} has no owner, and the statement reads {part.fullname}, which has owners: "
                    f"read {part.fullname} with its own repository"
                )
