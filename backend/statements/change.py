"""A `Change`, and the UPDATE that it declares."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import Column, SQLColumnExpression
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.visitors import iterate
from typing_extensions import override

from backend.entity.checks import check_change, owner_columns
from backend.entity.column_types import null_value
from backend.entity.entity import Entity, ModelT
from backend.entity.parameters import EXPECTED_PARAMETER, OWNER_PARAMETER
from backend.errors import UsageError, described
from backend.statements.assignments import Assignment
from backend.statements.by_id import RowStatements
from backend.statements.change_values import ParameterUses, parameter_uses
from backend.statements.conditions import Where, checked_expression
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.typed_values import is_expression


class Change:
    """Columns of one row set to values or SQL expressions: declared once, as a constant, and compiled once.

        _TAKE = Change(typed(Book.copies).to(typed(Book.copies) - 1), where=typed(Book.copies) > 0)

    What differs from call to call is a `bindparam("name")`, given as a parameter of the call. `where` makes it a
    compare-and-set: a row that does not meet the condition counts as not found.

    Raises `UsageError` for a column that it sets twice.
    """

    def __init__(self, *assignments: Assignment, where: Where | None = None) -> None:
        _require_assignments(assignments)
        _require_condition(where)
        self.assignments: tuple[Assignment, ...] = assignments
        self.where: Where | None = where


_BuiltChange: TypeAlias = tuple[Mapping[str, Column[object]], ScopedStatement, ParameterUses]
"""The `owner_columns` that it was built with, the statement, and the uses of its parameters."""


class ChangeStatements(RowStatements[ModelT], Generic[ModelT]):
    """Statements that change one row as a `Change` declares, each built once."""

    @override
    def __init__(
        self,
        entity: Entity[ModelT],
        *,
        scoped: bool,
        columns: Sequence[SQLColumnExpression[object]] | None = None,
        returns_old: bool = False,
    ) -> None:
        super().__init__(entity, scoped=scoped, columns=columns, returns_old=returns_old)
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
        self._require_parameters(uses, parameters)
        return statement

    def _build_change(self, change: Change) -> tuple[ScopedStatement, ParameterUses]:
        values = self._change_values(change)
        where = () if change.where is None else (change.where,)
        statement = self._update.where(*self._conditions(where)).values(values).returning(*self._columns)
        return self._scoped(statement), self._parameter_uses(statement, values)

    def _change_values(self, change: Change) -> dict[str, object]:
        """Return what a `Change` sets, by column. Raises `UsageError` for a column that it may not set."""
        assigned = {self._settable_column(one.column): one.value for one in change.assignments}
        check_change(self.entity, frozenset(assigned))
        values: dict[str, object] = {}
        for name, value in assigned.items():
            column = self.entity.columns[name]
            values[column.key] = self._value(column, value)
        return values

    def _parameter_uses(self, statement: ClauseElement, values: Mapping[str, object]) -> ParameterUses:
        columns = self.entity.table.columns
        uses = parameter_uses(iterate(statement), {columns[key]: value for key, value in values.items()})
        for name in (OWNER_PARAMETER, *self.entity.identity.parameter_names):
            uses.pop(name, None)
        if taken := uses.keys() & {EXPECTED_PARAMETER, *columns.keys()}:
            raise UsageError(
                f"a change of {self.entity.name} names the parameter {min(taken)!r}, which is a column's name or "
                "reserved: give it another name"
            )
        return uses

    def _require_parameters(self, uses: ParameterUses, parameters: Mapping[str, object]) -> None:
        """Raise `UsageError` for a parameter that is not named, and for a value that does not fit its uses."""
        if not uses.keys() >= parameters.keys():
            named = ", ".join(sorted(uses)) or "none"
            raise UsageError(f"unexpected parameters for this Change of {self.entity.name}, it takes: {named}")
        for name, value in parameters.items():
            for use in uses[name]:
                use.require(value)

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
        return null_value(column.type) if value is None else value


def _require_assignments(assignments: Sequence[object]) -> None:
    columns: set[str] = set()
    for one in assignments:
        if not isinstance(one, Assignment):
            raise UsageError(
                f"a change is made of {described(one)}, expected an assignment: write typed(Model.field).to(value), "
                "and where= for its condition"
            )
        if (name := str(one.column)) in columns:
            raise UsageError(f"a change sets {name} twice: leave one of them out")
        columns.add(name)
    if not columns:
        raise UsageError("a change sets no column: write typed(Model.field).to(value)")


def _require_condition(where: object) -> None:
    if where is not None and not is_expression(where):
        raise UsageError(f"where= of a change is {described(where)}, expected one condition: join several with &")
