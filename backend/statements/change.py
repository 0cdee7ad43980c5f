"""A `Change`, and the UPDATE that it declares."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import Column, SQLColumnExpression
from sqlalchemy.sql.visitors import iterate
from typing_extensions import override

from backend.entity.checks import check_change, owner_columns
from backend.entity.column_types import null_value
from backend.entity.entity import Entity, ModelT
from backend.entity.parameters import EXPECTED_PARAMETER, OWNER_PARAMETER
from backend.errors import UsageError
from backend.statements.by_id import RowStatements
from backend.statements.change_values import ParameterUses, check_set, parameter_uses
from backend.statements.conditions import Where, checked_expression
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.typed_values import is_expression


class Change:
    """Columns of one row set to values or SQL expressions: declared once, as a constant, and compiled once.

        _TOGGLE = Change({col(Task.completed): not_(col(Task.completed))})

    What differs from call to call is a `bindparam("name")`, given as a parameter of the call; further conditions
    make it a compare-and-set, and a row that does not meet them counts as not found.
    """

    def __init__(self, values: Mapping[SQLColumnExpression[object], object], *where: Where) -> None:
        self.values: dict[SQLColumnExpression[object], object] = dict(values)
        self.where: tuple[Where, ...] = tuple(where)


_BuiltChange: TypeAlias = tuple[Mapping[str, Column[object]], ScopedStatement, ParameterUses]
"""The `owner_columns` that it was built with, the statement, and the uses of its parameters."""


class ChangeStatements(RowStatements[ModelT], Generic[ModelT]):
    """Statements that change one row as a `Change` declares, each built once."""

    @override
    def __init__(
        self, entity: Entity[ModelT], *, scoped: bool, columns: Sequence[SQLColumnExpression[object]] | None = None
    ) -> None:
        super().__init__(entity, scoped=scoped, columns=columns)
        self._changes: WeakKeyDictionary[Change, _BuiltChange] = WeakKeyDictionary()

    def change(self, change: Change, parameters: Mapping[str, object]) -> ScopedStatement:
        """Return the UPDATE … RETURNING that a `Change` declares, of the row with the id of the parameters.

        Raises `UsageError` if it sets a column that a `Change` may not set, for a value of a wrong type, and for
        parameters that it does not name: SQLAlchemy would set the column of that name.
        """
        built = self._changes.get(change)
        owners = owner_columns()
        if built is None or built[0] is not owners:  # since then, a table that it reads may have got an owner
            built = self._changes[change] = (owners, *self._build_change(change))
        _, statement, uses = built
        if not uses.keys() >= parameters.keys():
            named = ", ".join(sorted(uses)) or "none"
            raise UsageError(f"unexpected parameters for this Change of {self.entity.name}, it takes: {named}")
        for name, value in parameters.items():
            for use in uses[name]:
                use.require(value)
        return statement

    def _build_change(self, change: Change) -> tuple[ScopedStatement, ParameterUses]:
        set_values = {self._settable_column(column): value for column, value in change.values.items()}
        check_change(self.entity, frozenset(set_values))
        values: dict[str, object] = {}
        for name, value in set_values.items():
            column = self.entity.columns[name]
            values[column.key] = self._value(column, value)
        statement = self._update.where(*self._conditions(change.where)).values(values).returning(*self._columns)
        columns = self.entity.table.columns
        uses = parameter_uses(iterate(statement), {columns[key]: value for key, value in values.items()})
        for name in (OWNER_PARAMETER, *self.entity.identity.parameter_names):
            uses.pop(name, None)
        if taken := uses.keys() & {EXPECTED_PARAMETER, *columns.keys()}:
            raise UsageError(
                f"a change of {self.entity.name} names the parameter {min(taken)!r}, which is a column's name or "
                "reserved: give it another name"
            )
        return self._scoped(statement), uses

    def _settable_column(self, column: SQLColumnExpression[object]) -> str:
        element = checked_expression(self.entity.table, column)
        for name, own in self.entity.columns.items():
            if element.compare(own) and name not in self.entity.not_settable:
                return name
        raise UsageError(
            f"a Change of {self.entity.name} cannot set primary key, owner or version, nor another table's column: "
            "leave them out"
        )

    def _value(self, column: Column[object], value: object) -> object:
        if is_expression(value):
            return self._scope_expression(checked_expression(self.entity.table, value))
        check_set(column, value)
        return null_value(column.type) if value is None else value
