"""The statements of one entity, as values with bound parameters, each built once: a shape compiles once.

A `Statements` is either scoped, and then each of its statements binds the owner, or it reaches every row.
Nothing here runs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import (
    Column,
    ColumnElement,
    Delete,
    Executable,
    Select,
    SQLColumnExpression,
    Update,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql.visitors import iterate

from backend.entity.checks import check_change, owner_columns
from backend.entity.column_types import null_value
from backend.entity.entity import Entity, ModelT
from backend.entity.lazy import lazy
from backend.errors import OwnerRequiredError, UsageError, shown
from backend.statements.change_values import ParameterUses, check_set, parameter_uses
from backend.statements.comparisons import check_comparisons
from backend.statements.conditions import (
    Condition,
    Order,
    checked_conditions,
    checked_expression,
    checked_order,
    is_expression,
)
from backend.statements.locks import Lock
from backend.statements.parameters import EXPECTED_PARAMETER, ID_PARAMETER, OWNER_PARAMETER
from backend.statements.scope.bind import Scope, SelectT
from backend.statements.scope.from_clauses import is_select

_COUNTABLE = range(1 << 63)
"""What LIMIT and OFFSET hold: a bigint of PostgreSQL."""

T = TypeVar("T")
ExecutableT = TypeVar("ExecutableT", bound=Executable)


class Change:
    """Columns of one row set to values or SQL expressions: declared once, as a constant, and compiled once.

        _TOGGLE = Change({col(Task.completed): not_(col(Task.completed))})

    What differs from call to call is a `bindparam("name")`, given as a parameter of the call; further conditions
    make it a compare-and-set, and a row that does not meet them reads as not found.
    """

    def __init__(self, values: Mapping[SQLColumnExpression[object], object], *where: Condition) -> None:
        self.values: dict[SQLColumnExpression[object], object] = dict(values)
        self.where: tuple[Condition, ...] = tuple(where)


_BuiltChange: TypeAlias = tuple[Mapping[str, Column[object]], Executable, ParameterUses]
"""What a change was built with, as `owner_columns` gave it; its statement; the parameters that it names."""


class Statements(Generic[ModelT]):
    """Every statement of one entity, scoped to an owner or not."""

    def __init__(self, entity: Entity[ModelT], *, scoped: bool) -> None:
        self.entity = entity
        self._columns: tuple[Column[Any], ...] = tuple(entity.columns.values())
        self._changes: WeakKeyDictionary[Change, _BuiltChange] = WeakKeyDictionary()
        self._for_update: dict[Lock, Executable] = {}
        owner = entity.owner_column
        self._scope = Scope(entity.table, owner) if scoped and owner is not None else None
        self._owner_conditions: tuple[ColumnElement[bool], ...] = (
            () if self._scope is None else (self._scope.condition,)
        )
        self._verified: WeakSet[Executable] = WeakSet()

    @lazy
    def select_by_id(self) -> Select[*tuple[object, ...]]:
        """SELECT of the row with the key `ID_PARAMETER`."""
        return self._verify_scoped(select(*self._columns).where(*self._key))

    def select_by_id_for_update(self, lock: Lock) -> Executable:
        """`one`, with a lock on the row."""
        built = self._for_update.get(lock)
        if built is None:
            statement = self.select_by_id.with_for_update(
                read=lock.strength == "share",
                key_share=lock.strength == "no key update",
                nowait=lock.if_locked == "nowait",
                skip_locked=lock.if_locked == "skip",
            )
            built = self._for_update[lock] = self._verify_scoped(statement)
        return built

    @lazy
    def insert(self) -> Executable:
        """INSERT … RETURNING; the columns are those of the parameters, and the owner."""
        statement = insert(self.entity.table)
        if self._scope is not None:
            statement = statement.values(self._scope.insert_values)
        return self._verify_scoped(statement.returning(*self._columns))

    @lazy
    def update(self) -> Executable:
        """UPDATE of the row with the key `ID_PARAMETER`, RETURNING it; the columns set are those of the parameters."""
        return self._verify_scoped(self._update.returning(*self._columns))

    @lazy
    def update_expected(self) -> Executable:
        """`update` of a row whose version is `EXPECTED_PARAMETER`."""
        return self._verify_scoped(self._update.where(self._version).returning(*self._columns))

    @lazy
    def delete(self) -> Executable:
        """DELETE of the row with the key `ID_PARAMETER`, RETURNING it as it was."""
        return self._verify_scoped(self._delete.returning(*self._columns))

    @lazy
    def delete_expected(self) -> Executable:
        """`delete` of a row whose version is `EXPECTED_PARAMETER`."""
        return self._verify_scoped(self._delete.where(self._version).returning(*self._columns))

    def change(self, change: Change, parameters: Mapping[str, object]) -> Executable:
        """The UPDATE that a `Change` declares, of the row with the key `ID_PARAMETER`, RETURNING it.

        Raises `UsageError` if it sets what it cannot, for a value of a wrong type, and for parameters that it does not
        name: SQLAlchemy would take one that is a column's name for a column to set.
        """
        built = self._changes.get(change)
        owners = owner_columns()
        if built is None or built[0] is not owners:  # a table that it reads may have owners by now
            built = self._changes[change] = (owners, *self._build_change(change))
        _, statement, uses = built
        if not uses.keys() >= parameters.keys():
            named = ", ".join(sorted(uses)) or "none"
            raise UsageError(f"unexpected parameters for this Change of {self.entity.name}, it takes: {named}")
        for name, value in parameters.items():
            for use in uses[name]:
                use.require(value)
        return statement

    def list(
        self, where: Sequence[Condition], order_by: Order, limit: int | None, offset: int
    ) -> Select[*tuple[object, ...]]:
        """SELECT of the rows that meet the conditions, in a total order."""
        statement = self._all_ordered if isinstance(order_by, tuple) and not order_by else self._ordered(order_by)
        if where:
            statement = statement.where(*self._conditions(where))
        if limit is not None:
            statement = statement.limit(_not_negative("limit", limit))
        if type(offset) is not int or offset:
            statement = statement.offset(_not_negative("offset", offset))
        return self._verify_scoped(statement)

    def count(self, where: Sequence[Condition]) -> Select[int]:
        """SELECT count(*) of the rows that meet the conditions."""
        return self._verify_scoped(self._count.where(*self._conditions(where)) if where else self._count)

    def exists(self, where: Sequence[Condition]) -> Select[bool]:
        """SELECT EXISTS of a row that meets the conditions."""
        return self._verify_scoped(
            select(exists(self._select_ids.where(*self._conditions(where)))) if where else self._exists
        )

    def select(self, columns: Sequence[SQLColumnExpression[object]]) -> Select[*tuple[object, ...]]:
        """SELECT of these expressions over the rows in scope."""
        return select(*columns).select_from(self.entity.table).where(*self._owner_conditions)

    def bind_owner(self, statement: SelectT, parameters: Mapping[str, object] = {}) -> SelectT:
        """A subclass's statement, in scope wherever it reads. Raises as `Scope.statement`.

        Raises `UsageError` if it compares a column with a value of another type, a parameter included.
        """
        if is_select(statement) and statement.whereclause is not None:
            check_comparisons(statement.whereclause, parameters)
        if self._scope is not None:
            statement = self._scope.statement(statement)
            self._verified.add(statement)
        return statement

    def require_owner(self, statement: Executable) -> None:
        """Raises `OwnerRequiredError` for a statement that was not found here to bind the owner."""
        if self._scope is not None and statement not in self._verified:
            raise OwnerRequiredError(
                f"a statement on {self.entity.table.name} was not looked at by its scope: "
                "make it with _select(…), and run it with _all, _one_or_none or _scalar"
            )

    def _verify_scoped(self, statement: ExecutableT) -> ExecutableT:
        if self._scope is not None and statement not in self._verified:
            self._scope.require(statement)
            self._verified.add(statement)
        return statement

    @lazy
    def _key(self) -> tuple[ColumnElement[bool], ...]:
        return (self.entity.key_column == bindparam(ID_PARAMETER), *self._owner_conditions)

    @property
    def _update(self) -> Update:
        return update(self.entity.table).where(*self._key)

    @property
    def _delete(self) -> Delete:
        return delete(self.entity.table).where(*self._key)

    @property
    def _version(self) -> ColumnElement[bool]:
        column = self.entity.version_column
        if column is None:
            raise UsageError(f"{self.entity.name} has no version: name it, version=col({self.entity.name}.updated_at)")
        return column == bindparam(EXPECTED_PARAMETER)

    @lazy
    def _all_ordered(self) -> Select[*tuple[object, ...]]:
        return self._ordered(())

    @lazy
    def _rows(self) -> Select[*tuple[object, ...]]:
        return select(*self._columns).where(*self._owner_conditions)

    @lazy
    def _count(self) -> Select[int]:
        return select(func.count()).select_from(self.entity.table).where(*self._owner_conditions)

    @lazy
    def _select_ids(self) -> Select[object]:
        return select(self.entity.key_column).where(*self._owner_conditions)

    @lazy
    def _exists(self) -> Select[bool]:
        return select(exists(self._select_ids))

    def _ordered(self, order_by: Order) -> Select[*tuple[object, ...]]:
        order = [self._scope_expression(one) for one in checked_order(self.entity.table, order_by)]
        return self._rows.order_by(*order, self.entity.key_column)

    def _conditions(self, where: Sequence[Condition]) -> Sequence[ColumnElement[bool]]:
        return [self._scope_expression(one) for one in checked_conditions(self.entity.table, where)]

    def _value(self, column: Column[object], value: object) -> object:
        if is_expression(value):
            return self._scope_expression(checked_expression(self.entity.table, value))
        check_set(column, value)
        return null_value(column.type) if value is None else value

    def _scope_expression(self, element: ColumnElement[T]) -> ColumnElement[T]:
        return element if self._scope is None else self._scope.expression(element)

    def _build_change(self, change: Change) -> tuple[Executable, ParameterUses]:
        given = {self._settable_column(column): value for column, value in change.values.items()}
        check_change(self.entity, frozenset(given))
        values: dict[str, object] = {}
        for name, value in given.items():
            column = self.entity.columns[name]
            values[column.key] = self._value(column, value)
        statement = self._update.where(*self._conditions(change.where)).values(values).returning(*self._columns)
        columns = self.entity.table.columns
        uses = parameter_uses(iterate(statement), {columns[key]: value for key, value in values.items()})
        for name in (OWNER_PARAMETER, ID_PARAMETER):
            uses.pop(name, None)
        if taken := uses.keys() & {EXPECTED_PARAMETER, *columns.keys()}:
            raise UsageError(
                f"a change of {self.entity.name} names the parameter {min(taken)!r}, which stands for a column: "
                "give it another name"
            )
        return self._verify_scoped(statement), uses

    def _settable_column(self, column: SQLColumnExpression[object]) -> str:
        element = checked_expression(self.entity.table, column)
        for name, own in self.entity.columns.items():
            if element.compare(own) and name not in self.entity.fixed:
                return name
        raise UsageError(
            f"a Change of {self.entity.name} cannot set primary key, owner or version, nor another table's column: "
            "leave them out"
        )


def _not_negative(name: str, value: int) -> int:
    if type(value) is not int or value not in _COUNTABLE:
        raise UsageError(f"{name} is {shown(value)}, expected a whole number from 0 to {_COUNTABLE[-1]}")
    return value
