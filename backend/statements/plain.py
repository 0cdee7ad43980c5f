"""Plain expressions: the columns of one table, values, known operators and functions. No I/O.

Most conditions and orders are plain. Such an expression reads no table, renders no text, and keeps its parentheses, so
that nothing in it has to be bound and nothing has to be verified again. One walk decides it by the exact class of each
element; whatever it does not know is left to `conditions` and `scope`, which say what is refused and why.

The same walk reads the shape: all that the SQL depends on. Expressions of one shape differ in their values alone, so a
statement that was built for one of them serves every other, with its values as parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar, cast

from sqlalchemy import (
    BindParameter,
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


class PlainExpressions:
    """The plain expressions of one statement, as far as they are read."""

    def __init__(self, table: Table, *shape: object) -> None:
        self._table = table
        self._numbers: dict[int, int] = {}
        self.shape: list[object] = [*shape]
        """What the SQL depends on. Classes, operators and types are in it by their `id()`: a statement that is
        kept by its shape has them too, so that no other object gets these ids."""
        self.values: dict[str, object] = {}
        """The values, by the names of the parameters that `parametrized` puts there."""

    def read(self, values: Sequence[SQLColumnExpression[T] | HasElement[T]]) -> Sequence[ColumnElement[T]] | None:
        """Return the SQL expressions if each is plain, else `None`.

        Raises `UsageError` if a plain one compares a column with a value of another type.
        """
        self.shape.append(len(values))
        elements: list[ColumnElement[T]] = []
        for value in values:
            element = element_of(value)
            if element is None or not self._is_plain(element):
                return None
            elements.append(element)
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

    def _is_plain(self, element: object) -> bool:
        if type(element) is BooleanClauseList and element.group and element.clauses:
            self._read_list(element)  # it gets parentheses beside an AND
            return id(element.operator) in _JOINING and all(map(self._is_closed, element.clauses))
        return self._is_closed(element)

    def _is_closed(self, element: object) -> bool:
        """Return whether an element is plain without parentheses around it. Like each check, append its shape."""
        check = self._CHECKS.get(type(element), PlainExpressions._is_own_column)
        return check(self, element)

    def _is_operand(self, element: object) -> bool:
        """Return the same for a constant too: as a condition, FALSE would take the owner's condition away."""
        if type(element) in _CONSTANTS:
            self.shape.append(id(type(element)))
            return True
        return self._is_closed(element)

    def _is_own_column(self, element: object) -> bool:
        if not isinstance(element, Column):  # or the ORM's copy of one, whose class is another
            return False
        column = cast("Column[object]", element)  # of any type
        own = self._table.c.get(column.key)
        self.shape.append(column.key)
        is_own = own is not None and column.table is self._table and own.name == column.name and own.type is column.type
        return is_own and not column.is_literal and is_name(column.name) and is_type(column.type)

    def _is_value(self, element: BindParameter[object]) -> bool:
        if element.literal_execute or element.required or element.key == OWNER_PARAMETER:
            return False
        number = self._numbers.setdefault(id(element), len(self._numbers))
        self.shape += (id(BindParameter), id(element.type), element.expanding, number)
        self.values[condition_parameter(number)] = element.effective_value
        return is_name(element.key) and is_type(element.type)

    def _is_binary(self, element: BinaryExpression[object]) -> bool:
        if id(element.operator) not in _OPERATORS or not is_type(element.type):
            return False
        if element.modifiers and not are_modifiers(element.modifiers):
            return False
        check_comparison(element)
        self.shape += (id(BinaryExpression), id(element.operator), id(element.type), *element.modifiers.items())
        return self._is_operand(element.left) and self._is_operand(element.right)

    def _is_unary(self, element: UnaryExpression[object]) -> bool:
        self.shape += (id(UnaryExpression), id(element.operator), id(element.modifier))
        is_known = id(element.operator) in _OPERATORS and id(element.modifier) in _OPERATORS
        return is_known and is_type(element.type) and self._is_closed(element.element)

    def _is_list(self, element: ExpressionClauseList[object]) -> bool:
        self._read_list(element)
        is_known = id(element.operator) in _OPERATORS and is_type(element.type)
        return is_known and all(map(self._is_operand, element.clauses))

    def _read_list(self, element: ExpressionClauseList[Any]) -> None:  # of any type
        self.shape += (id(type(element)), id(element.operator), len(element.clauses))

    def _is_grouping(self, element: Grouping[object]) -> bool:
        self.shape.append(id(Grouping))
        return is_type(element.type) and self._is_plain(element.element)

    def _is_function(self, element: Function[object]) -> bool:
        if element.name not in _FUNCTIONS or element.packagenames or not is_type(element.type):
            return False
        arguments = element.clauses
        is_known = type(arguments) is ClauseList and arguments.operator is operators.comma_op
        self.shape += (id(type(element)), element.name, id(element.type), len(arguments.clauses))
        return is_known and all(map(self._is_operand, arguments.clauses))

    _CHECKS: ClassVar[Mapping[type, Callable[..., bool]]] = {
        BinaryExpression: _is_binary,
        BindParameter: _is_value,
        BooleanClauseList: _is_list,
        ExpressionClauseList: _is_list,
        Function: _is_function,
        Grouping: _is_grouping,
        UnaryExpression: _is_unary,
        functions.coalesce: _is_function,
        functions.now: _is_function,
    }
    """By class. A subclass is not its class: it may render something else."""
