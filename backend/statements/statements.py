"""The statements of one entity, as values with bound parameters, each built once, so that SQLAlchemy compiles it once.

A `Statements` is either scoped, and then each of its statements binds the owner, or it reads and writes every row.
It sends nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Generic

from sqlalchemy import Executable, Select, SQLColumnExpression, select

from backend.entity.entity import ModelT
from backend.errors import OwnerRequiredError
from backend.statements.change import ChangeStatements
from backend.statements.comparisons import check_comparisons
from backend.statements.lists import ListStatements
from backend.statements.scope.bind import SelectT
from backend.statements.scope.from_clauses import is_select


class Statements(ListStatements[ModelT], ChangeStatements[ModelT], Generic[ModelT]):
    """Every statement of one entity, scoped to an owner or not."""

    def select(self, columns: Sequence[SQLColumnExpression[object]]) -> Select[*tuple[object, ...]]:
        """Return a SELECT of these expressions over the rows in scope."""
        return select(*columns).select_from(self.entity.table).where(*self._owner_conditions)

    def bind_owner(self, statement: SelectT, parameters: Mapping[str, object] = {}) -> SelectT:
        """Return a subclass's statement with the owner bound for every owned table. Raises as `Scope.statement`.

        Raises `UsageError` if it compares a column with a value of another type, a parameter included.
        """
        if is_select(statement) and statement.whereclause is not None:
            check_comparisons(statement.whereclause, parameters)
        if self._scope is not None:
            statement = self._scope.statement(statement)
            self._verified.add(statement)
        else:
            self._require_no_owned_table(statement)
        return statement

    def require_owner(self, statement: Executable) -> None:
        """Raise `OwnerRequiredError` for a statement that these statements have not verified to bind the owner."""
        if self._scope is not None and statement not in self._verified:
            raise OwnerRequiredError(
                f"a statement on {self.entity.table.name} was not made with _select(): "
                "begin it with _select(…), and run it with _all, _one_or_none or _scalar"
            )
