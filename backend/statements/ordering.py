"""The expressions that a caller may sort by, and the total order that they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    SQLColumnExpression,
    String,
    Table,
    type_coerce,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BindParameter, UnaryExpression
from sqlalchemy.sql.functions import Function
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import NullType, TypeEngine

from backend.entity.column_types import DIALECT
from backend.entity.entity import Entity, ModelT
from backend.errors import UsageError
from backend.statements.conditions import expression_of_table
from backend.statements.typed import Sortable

Order: TypeAlias = SQLColumnExpression[object] | Sortable | Sequence[SQLColumnExpression[object] | Sortable]
"""One expression to sort by, or several: `col(Task.title)`, `[col(Task.title).desc(), …]`."""

AnyExpression: TypeAlias = ColumnElement[Any]  # of whatever type its values have

_MODIFIERS: Final = (operators.asc_op, operators.desc_op, operators.nulls_first_op, operators.nulls_last_op)

_FUNCTION_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    "lower": String(),
    "upper": String(),
    "length": Integer(),
    "char_length": Integer(),
}
"""Functions whose type SQLAlchemy does not know."""

IMMUTABLE_FUNCTIONS: Final = _FUNCTION_TYPES.keys() | {
    "abs", "ceil", "coalesce", "floor", "greatest", "least", "mod", "nullif", "round", "trunc",
}  # fmt: skip
"""The functions in an order that a cursor continues: each gives the same result for the same row at any time."""

# fmt: off
_IMMUTABLE_KINDS: Final = frozenset({
    "binary", "bindparam", "case", "cast", "clauselist", "column", "expression_clauselist", "function", "grouping",
    "null", "true", "false", "type_coerce", "typeclause", "unary", "collation",
})
# fmt: on
"""The kinds of element in such an order, by `__visit_name__`: no subquery, window or aggregate."""


@dataclass(frozen=True, slots=True, eq=False)
class SortKey:
    """One expression of a total order: its direction, and where its NULLs are."""

    expression: AnyExpression
    descending: bool
    nulls_first: bool
    nullable: bool

    @property
    def clause(self) -> AnyExpression:
        """Return the expression for ORDER BY; it names the place of NULLs only where that is not PostgreSQL's own."""
        return self.order(self.operand)

    def order(self, expression: AnyExpression) -> AnyExpression:
        """Return the same for an expression that has this one's values."""
        clause = expression.desc() if self.descending else expression
        if not self.nullable or self.nulls_first == self.descending:
            return clause
        return clause.nulls_first() if self.nulls_first else clause.nulls_last()

    @property
    def reversed(self) -> "SortKey":
        """Return the key of the opposite order."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    @property
    def operand(self) -> AnyExpression:
        """Return the expression for comparisons and ORDER BY; SQLAlchemy warns of both for types such as HSTORE."""
        return type_coerce(self.expression, String())

    @property
    def type(self) -> TypeEngine[Any]:  # of whatever type its values have
        """Return the type of the expression's values."""
        return _type(self.expression)

    @property
    def name(self) -> str:
        """Return a text that is the same for the same expression, direction and place of NULLs."""
        expression = self.expression
        sql = expression.key if isinstance(expression, Column) else _sql(expression)
        return f"{sql} {'desc' if self.descending else 'asc'}{' nulls first' * (self.nullable and self.nulls_first)}"


def checked_order(table: Table, order_by: Order) -> Sequence[ColumnElement[object]]:
    """Return the expressions to sort by as a sequence. Raises `UsageError` as `checked_conditions`."""
    expressions = order_by if isinstance(order_by, Sequence) else [order_by]
    return [
        expression_of_table(one, table, "an order", "typed(Model.field) or typed(Model.field).desc()")
        for one in expressions
    ]


def total_order(entity: Entity[ModelT], order_by: Order) -> tuple[SortKey, ...]:
    """Return the keys of the order that a cursor continues; the primary key ends it, and what follows it is left out.

    Raises `UsageError` for an expression whose value may differ from call to call.
    """
    keys: list[SortKey] = []
    missing: list[Column[object]] = [*entity.identity.columns]
    for clause in checked_order(entity.table, order_by):
        if not missing:
            break
        key = _sort_key(clause)
        if not any(key.expression.compare(other.expression) for other in keys):
            _require_immutable(entity, key.expression)
            keys.append(key)
            missing = [column for column in missing if not key.expression.compare(column)]
    return (*keys, *map(_sort_key, missing))


def _sort_key(clause: AnyExpression) -> SortKey:
    descending, first = False, None
    while isinstance(clause, UnaryExpression) and clause.modifier in _MODIFIERS:
        if clause.modifier in (operators.asc_op, operators.desc_op):
            descending = clause.modifier is operators.desc_op
        elif first is None:
            first = clause.modifier is operators.nulls_first_op
        clause = clause.element
    nullable = not isinstance(clause, Column) or clause.nullable is not False
    return SortKey(clause, descending, descending if first is None else first, nullable)


def _require_immutable(entity: Entity[ModelT], expression: AnyExpression) -> None:
    for part in iterate(expression):
        kind: str = part.__visit_name__
        if isinstance(part, Function) and part.name.lower() not in IMMUTABLE_FUNCTIONS:
            raise _refusal(entity, f"{part.name}()")
        if kind not in _IMMUTABLE_KINDS or (isinstance(part, BindParameter) and not part.unique):
            raise _refusal(entity, f"an element of the kind {kind}")
    if isinstance(_type(expression), NullType):
        raise UsageError(
            f"an order of {entity.name} has an expression without a type, whose values a cursor cannot carry: "
            "give it one with type_coerce(…, type)"
        )


def _type(expression: AnyExpression) -> TypeEngine[Any]:
    known = _FUNCTION_TYPES.get(expression.name) if isinstance(expression, Function) else None
    return expression.type if known is None else known


def _refusal(entity: Entity[ModelT], what: str) -> UsageError:
    functions = ", ".join(sorted(IMMUTABLE_FUNCTIONS))
    return UsageError(
        f"an order of {entity.name} has {what}, whose value a cursor cannot rely on: sort by columns, and by "
        f"expressions of them with operators and {functions}"
    )


def _sql(expression: AnyExpression) -> str:
    compiled = expression.compile(dialect=DIALECT)
    values: list[object] = list(compiled.params.values())
    return f"{compiled} {values!r}"
