"""Compares what the database fills into a column with what the model says: a default, an identity, a computed value."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from sqlalchemy import Boolean, Column, DefaultClause, Integer, Numeric, String
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.sql.elements import ClauseElement

from backend.commands.check.sql_words import sql_of
from backend.entity.column_types import database_type


def default_differences(column: Column[object], actual: ReflectedColumn) -> Iterator[str]:
    """Yield in what a column differs. A default that the model does not have is no difference."""
    default, identity = actual.get("default"), actual.get("identity")
    is_computed = "computed" in actual
    if is_computed or column.computed is not None:
        if not is_computed:
            yield f"does not compute column {column.name}, the model does"
        elif column.computed is None:
            yield f"computes column {column.name}, the model writes it"
    elif not _is_generated(column):
        if identity is not None and identity["always"]:
            yield f"always generates column {column.name}, the model writes it"
    elif default is None and identity is None:
        yield f"has no default for column {column.name}, the model does"
    elif (own := _value(column, _declared_sql(column))) is not None and default is not None:
        other = _value(column, default)
        if other is not None and own != other:
            yield f"has another default for column {column.name} than the model"


def _is_generated(column: Column[object]) -> bool:
    """Return whether the model says that the database makes a value which can be seen there."""
    is_serial = column.table.autoincrement_column is column and column.default is None
    return is_serial or column.identity is not None or isinstance(column.server_default, DefaultClause)


def _declared_sql(column: Column[object]) -> str | None:
    if not isinstance(column.server_default, DefaultClause):
        return None
    declared = column.server_default.arg
    return sql_of(declared) if isinstance(declared, ClauseElement) else _quoted(str(declared))


def _quoted(text: str) -> str:
    return f"'{text}'"


def _value(column: Column[object], sql: str | None) -> object:
    """Return the constant that an expression is, in one form for each type; `None` for any other expression."""
    constant = re.fullmatch(r"\(?'((?:[^']|'')*)'\)?(?:::[\w .\"(),]+)?|\(?(-?[\d.]+)\)?|(true|false)", sql or "")
    if constant is None:
        return None
    text = next(group for group in constant.groups() if group is not None)
    kind = database_type(column)
    if isinstance(kind, Boolean):
        return _BOOLEANS.get(text.lower())
    if isinstance(kind, Integer | Numeric):
        return _number(text)
    return text if isinstance(kind, String) else None


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


_BOOLEANS = {"true": True, "t": True, "1": True, "on": True, "yes": True} | {
    "false": False, "f": False, "0": False, "off": False, "no": False,
}  # fmt: skip
