"""What a new row has in a column that is given no value: from Python, or as an SQL expression. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import sqlalchemy
from sqlalchemy import Column, ColumnDefault, ColumnElement, DefaultClause, String, Table, bindparam, literal, null
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.visitors import replacement_traverse

from backend.entity.parameters import onupdate_parameter
from backend.errors import UsageError

AnyColumn: TypeAlias = Column[Any]  # of whatever type its values have


@dataclass(frozen=True, slots=True)
class _RowContext:
    """What SQLAlchemy passes to a default that is a function: here, of one row of many."""

    current_parameters: Mapping[str, object]

    def get_current_parameters(
        self,
        isolate_multiinsert_groups: bool = True,  # noqa: ARG002 - as SQLAlchemy has it
    ) -> Mapping[str, object]:
        """Return the values of the row by column."""
        return self.current_parameters


def with_python_defaults(table: Table, rows: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
    """Return the rows, each with the defaults of the table's columns that are a value or a Python function."""
    return _with_python_values({column.key: column.default for column in table.columns}, rows)


def with_python_onupdates(table: Table, rows: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
    """Return the changes, each with the `onupdate` of the table's columns that are a value or a Python function."""
    return _with_python_values({column.key: column.onupdate for column in table.columns}, rows)


def default_expression(column: AnyColumn) -> ColumnElement[Any] | None:  # of the column's type
    """Return the column's default that the server computes: NULL without one, `None` if the server alone knows it."""
    default, server_default = column.default, column.server_default
    if _is_expression(default):
        return _element(getattr(default, "arg", None), column)
    if isinstance(server_default, DefaultClause):
        argument = server_default.arg
        return _element(argument, column)
    if default is not None or server_default is not None or column.identity is not None:  # a sequence, a trigger
        return None
    return None if column is column.table.autoincrement_column else null()


def sequence_increment(column: AnyColumn) -> int | None:
    """Return by how much the key that the server draws for a row differs from the last; `None` without a sequence."""
    if isinstance(column.default, sqlalchemy.Sequence):
        return column.default.increment or 1
    if column.identity is not None:
        return column.identity.increment or 1
    return 1 if column is column.table.autoincrement_column and column.server_default is None else None


def onupdate_expression(column: AnyColumn) -> ColumnElement[Any] | None:  # of the column's type
    """Return what an UPDATE that does not set the column sets it to, in terms of the row, if the server computes it."""
    expression: object = getattr(column.onupdate, "arg", None)
    if not isinstance(expression, ClauseElement):
        return None

    def of_row(element: object, **_: object) -> ColumnElement[Any] | None:
        if isinstance(element, ColumnClause) and element.table is None:
            return column.table.columns.get(element.name)
        return None

    return cast("ColumnElement[Any]", replacement_traverse(expression, {}, of_row))  # a copy of it


def onupdate_value(column: AnyColumn) -> ColumnElement[Any] | None:  # as above
    """Return the same, or the parameter of `python_onupdates`; `None` for a column that no UPDATE sets by itself."""
    if column.onupdate is None:
        return None
    expression = onupdate_expression(column)
    return bindparam(_onupdate_parameter(column), type_=column.type) if expression is None else expression


def python_onupdates(table: Table, row: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters of the columns of which Python computes what an UPDATE sets them to."""
    return {
        _onupdate_parameter(column): _python_value(column.onupdate, row)
        for column in table.columns
        if isinstance(column.onupdate, ColumnDefault) and not column.onupdate.is_clause_element
    }


def _onupdate_parameter(column: AnyColumn) -> str:
    return onupdate_parameter([*column.table.columns].index(column))


def _element(argument: object, column: AnyColumn) -> ColumnElement[Any]:  # of the column's type
    if isinstance(argument, str):
        return sqlalchemy.cast(literal(argument, String()), column.type)
    return cast("ColumnElement[Any]", argument)  # an expression, or text that the application declares


def _is_expression(default: object) -> bool:
    return isinstance(default, ColumnDefault) and default.is_clause_element


def _with_python_values(
    defaults: Mapping[str, object], rows: Sequence[Mapping[str, object]]
) -> Sequence[Mapping[str, object]]:
    computed = {
        key: default
        for key, default in defaults.items()
        if isinstance(default, ColumnDefault) and not _is_expression(default)
    }
    if not computed:
        return rows
    return [
        row
        if computed.keys() <= row.keys()
        else {**row, **{key: _python_value(default, row) for key, default in computed.items() if key not in row}}
        for row in rows
    ]


def _python_value(default: ColumnDefault, row: Mapping[str, object]) -> object:
    argument: object = getattr(default, "arg", None)
    if not callable(argument):
        return argument
    value = argument(_RowContext(row))  # SQLAlchemy has wrapped it as a function of its context
    if isinstance(value, ClauseElement):  # it would not be in scope
        raise UsageError(
            "a default or onupdate that is a Python function has returned an SQL expression: return a value, or "
            "declare the expression itself"
        )
    return value
