"""Plain expressions: the columns of one table, values, known operators and functions. No I/O.

Most conditions and orders are plain. Such an expression reads no table, renders no text, and keeps its parentheses, so
that nothing in it has to be bound and nothing has to be verified again. One walk decides it by the exact class of each
element; whatever it does not know is left to `conditions` and `scope`, which say what is refused and why.

The same walk reads the shape: all that the SQL depends on. Expressions of one shape differ in their values alone, so a
statement that was built for one of them serves every other, with its values as parameters.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias, TypeVar, cast

from sqlalchemy import (
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Function,
    SQLColumnExpression,
    Table,
    UnaryExpression,
    bindparam,
)
from sqlalchemy.sql import functions, operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BooleanClauseList,
    ClauseList,
    ExpressionClauseList,
    False_,
    Grouping,
    Null,
    True_,
)
from sqlalchemy.sql.visitors import ExternallyTraversible, replacement_traverse
from sqlalchemy.types import NullType, TypeEngine

from backend.entity.parameters import OWNER_PARAMETER, condition_parameter
from backend.statements.comparisons import check_comparison, is_binary
from backend.statements.conditions import HasElement, element_of
from backend.statements.ordering import IMMUTABLE_FUNCTIONS
from backend.statements.scope.raw_sql import KNOWN_OPERATORS, are_modifiers, is_name, is_type

T = TypeVar("T")

_FUNCTIONS: Final = IMMUTABLE_FUNCTIONS | {"now"}

_OPERATORS: Final = frozenset(map(id, (None, *(KNOWN_OPERATORS - {operators.or_, operators.comma_op}))))
"""Those beside which an AND needs no parentheses. By identity: another object may be equal to an operator."""

_JOINING: Final = frozenset(map(id, (operators.and_, operators.or_)))

_MEMBERSHIP: Final = (operators.in_op, operators.not_in_op)

_CONSTANTS: Final = (Null, True_, False_)

_COMPARED: Final = (Boolean, NullType)
"""The types of comparisons: NULL's for BETWEEN."""

_Shape: TypeAlias = Hashable
"""What the SQL of an element depends on, with the shapes of its operands.

A column is its key, a value its number, and a type its `id()`.
"""

_Read: TypeAlias = Callable[[object], _Shape | None]


class PlainExpressions:
    """The plain expressions of one statement, as far as they are read."""

    def __init__(self, table: Table, *call: Hashable) -> None:
        self._table = table
        self._numbers: dict[int, int] = {}
        self._shapes: list[_Shape] = [call]
        self.computes: bool = False
        """Whether an operator computes a value of another type than its operand's.

        SQLAlchemy makes that type anew for each expression, so that no statement is ever found again by its shape.
        """
        self.values: dict[str, object] = {}
        """The values, by the names of the parameters that `parametrized` puts there."""

    @property
    def shape(self) -> _Shape:
        """Return what the SQL of all expressions, and of the call, depends on.

        A statement that is kept by its shape has the types in it, so that no other type gets their `id()`.
        """
        return tuple(self._shapes)

    def read(self, values: Sequence[SQLColumnExpression[T] | HasElement[T]]) -> Sequence[ColumnElement[T]] | None:
        """Return the SQL expressions if each is plain, else `None`.

        Raises `UsageError` if a plain one compares a column with a value of another type.
        """
        self._shapes.append(len(values))
        elements: list[ColumnElement[T]] = []
        for value in values:
            element = element_of(value)
            shape = None if element is None else self._plain(element)
            if element is None or shape is None:
                return None
            elements.append(element)
            self._shapes.append(shape)
        return elements

    def parametrized(self, elements: Sequence[ColumnElement[T]]) -> Sequence[ColumnElement[T]]:
        """Return expressions that were read, with a parameter for each value."""
        return [replacement_traverse(element, {}, self._replaced) for element in elements]

    def _replaced(self, element: ExternallyTraversible, **_: object) -> ExternallyTraversible | None:
        if isinstance(element, BindParameter):
            return self._parameter(cast("BindParameter[object]", element))  # of any type
        if is_binary(element) and element.operator in _MEMBERSHIP and isinstance(element.right, BindParameter):
            (left,) = self.parametrized([element.left])
            compared = left.in_ if element.operator is operators.in_op else left.not_in
            return compared(self._parameter(element.right))  # SQLAlchemy notes there what no values mean
        return None

    def _parameter(self, value: BindParameter[object]) -> BindParameter[object]:
        name = condition_parameter(self._numbers[id(value)])
        return bindparam(name, type_=value.type, expanding=value.expanding)

    def _plain(self, element: object) -> _Shape | None:
        """Return the shape of a plain element, and `None` for another, as each method below does for its elements."""
        if type(element) is BooleanClauseList and element.group and element.clauses:  # an AND puts it in parentheses
            return self._list(element, self._closed) if id(element.operator) in _JOINING else None
        return self._closed(element)

    def _closed(self, element: object) -> _Shape | None:
        """Read an element that needs no parentheses around it."""
        read = self._READERS.get(type(element), PlainExpressions._own_column)
        return read(self, element)

    def _operand(self, element: object) -> _Shape | None:
        """Read a constant too: as a condition, FALSE would take the owner's condition away."""
        kind: type[object] = type(element)
        return kind if kind in _CONSTANTS else self._closed(element)

    def _own_column(self, element: object) -> _Shape | None:
        if not isinstance(element, Column):  # or the ORM's copy of one, whose class is another
            return None
        column = cast("Column[object]", element)  # of any type
        own = self._table.c.get(column.key)
        is_own = own is not None and column.table is self._table and own.name == column.name and own.type is column.type
        return (
            column.key if is_own and not column.is_literal and is_name(column.name) and is_type(column.type) else None
        )

    def _value(self, element: BindParameter[object]) -> _Shape | None:
        if element.literal_execute or element.required or element.key == OWNER_PARAMETER or not is_name(element.key):
            return None
        if (kind := self._type(element.type)) is None:
            return None
        number = self._numbers.setdefault(id(element), len(self._numbers))
        self.values[condition_parameter(number)] = element.effective_value
        return BindParameter, kind, element.expanding, number

    def _binary(self, element: BinaryExpression[object]) -> _Shape | None:
        if id(element.operator) not in _OPERATORS or (kind := self._type(element.type)) is None:
            return None
        if element.modifiers and not are_modifiers(element.modifiers):
            return None
        check_comparison(element)
        if (left := self._operand(element.left)) is None or (right := self._operand(element.right)) is None:
            return None
        self.computes = self.computes or not (isinstance(element.type, _COMPARED) or element.type is element.left.type)
        return element.operator, kind, tuple(element.modifiers.items()), left, right

    def _unary(self, element: UnaryExpression[object]) -> _Shape | None:
        if (
            id(element.operator) not in _OPERATORS
            or id(element.modifier) not in _OPERATORS
            or not is_type(element.type)
        ):
            return None
        operand = self._closed(element.element)
        return None if operand is None else (element.operator, element.modifier, operand)

    def _expression_list(self, element: ExpressionClauseList[object]) -> _Shape | None:
        is_known = id(element.operator) in _OPERATORS and is_type(element.type)
        return self._list(element, self._operand) if is_known else None

    def _list(self, element: ExpressionClauseList[Any], read: _Read) -> _Shape | None:  # of any type
        clauses = self._all(element.clauses, read)
        return None if clauses is None else (type(element), element.operator, clauses)

    def _grouping(self, element: Grouping[object]) -> _Shape | None:
        grouped = self._plain(element.element) if is_type(element.type) else None
        return None if grouped is None else (Grouping, grouped)

    def _function(self, element: Function[object]) -> _Shape | None:
        if element.name not in _FUNCTIONS or element.packagenames or (kind := self._type(element.type)) is None:
            return None
        arguments = element.clauses
        if type(arguments) is not ClauseList or arguments.operator is not operators.comma_op:
            return None
        operands = self._all(arguments.clauses, self._operand)
        return None if operands is None else (type(element), element.name, kind, operands)

    def _all(self, elements: Iterable[object], read: _Read) -> tuple[_Shape, ...] | None:
        shapes: list[_Shape] = []
        for element in elements:
            if (shape := read(element)) is None:
                return None
            shapes.append(shape)
        return tuple(shapes)

    def _type(self, kind: TypeEngine[Any]) -> int | None:  # of whichever values
        """Return what tells a type from others, `None` for one that may render more than a type."""
        return id(kind) if is_type(kind) else None

    _READERS: ClassVar[Mapping[type, Callable[..., _Shape | None]]] = {
        BinaryExpression: _binary,
        BindParameter: _value,
        BooleanClauseList: _expression_list,
        ExpressionClauseList: _expression_list,
        Function: _function,
        Grouping: _grouping,
        UnaryExpression: _unary,
        functions.coalesce: _function,
        functions.now: _function,
    }
    """By class. A subclass is not its class: it may render something else."""
