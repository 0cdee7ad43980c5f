"""The statements of one entity, as values with bound parameters, each built once, so that SQLAlchemy compiles it once.

A `Statements` is either scoped, and then each of its statements binds the owner, or it reads and writes every row.
It sends nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Generic

from sqlalchemy import Select, SQLColumnExpression, select

from backend.entity.entity import ModelT
from backend.statements.comparisons import check_comparisons
from backend.statements.deletes import DeleteManyStatements
from backend.statements.keyset import KeysetStatements
from backend.statements.loads import LoadStatements
from backend.statements.numbered_pages import PageStatements
from backend.statements.scope.from_clauses import AnySelect, is_select
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.updates import UpdateManyStatements
from backend.statements.upserts import UpsertStatements
from backend.statements.where import WhereStatements


class Statements(
    PageStatements[ModelT],
    KeysetStatements[ModelT],
    WhereStatements[ModelT],
    LoadStatements[ModelT],
    UpsertStatements[ModelT],
    UpdateManyStatements[ModelT],
    DeleteManyStatements[ModelT],
    Generic[ModelT],
):
    """Every statement of one entity, scoped to an owner or not."""

    def select(self, columns: Sequence[SQLColumnExpression[object]]) -> Select[*tuple[object, ...]]:
        """Return a SELECT of these expressions over the rows in scope."""
        return select(*columns).select_from(self.entity.table).where(*self._owner_conditions)

    def bind_owner(self, statement: AnySelect, parameters: Mapping[str, object] = {}) -> ScopedStatement:
        """Return a subclass's statement with the owner bound for every owned table.

        Raises what `Scope.statement` raises, and `UsageError` if it compares a column with a value of another type, a
        parameter included.
        """
        if is_select(statement) and statement.whereclause is not None:
            check_comparisons(statement.whereclause, parameters)
        if self._scope is not None:
            return ScopedStatement(self._scope.statement(statement))
        self._require_no_owned_table(statement)
        return ScopedStatement(statement)
