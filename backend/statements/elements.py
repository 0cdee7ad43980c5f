"""Which elements a scoped statement may be made of: those in which a scope sees everything that is read. No I/O.

What is not listed here is refused, so that an element which SQLAlchemy adds one day is refused until it is read here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

from sqlalchemy import Table, quoted_name
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import ForUpdateArg
from sqlalchemy.sql.visitors import ExternallyTraversible
from sqlalchemy.types import TypeEngine

from backend.errors import UsageError
from backend.statements.definition import owner_columns
from backend.statements.parameters import OWNER_PARAMETER
from backend.statements.reads import is_same_table

_OPERATORS: Final = re.compile(r"(?!.*(--|/\*))[-+*/<>=~!@#%^&|`?]+|AT TIME ZONE|OVERLAPS|SIMILAR TO", re.IGNORECASE)
"""Operators that bind tighter than AND, OR and NOT whatever precedence they are said to have."""

_READING_FUNCTIONS: Final = re.compile(
    r"((query|cursor|table|schema|database)_to_xml\w*|ts_stat|ts_rewrite|dblink\w*|crosstab\w*|connectby|xpath_table)",
    re.IGNORECASE,
)
"""Functions that run SQL given as text, or read a table given by its name."""

_STRING: Final = "SQL in a string"

_TYPE_ARGUMENT: Final = re.compile(r"[\w .@-]*")


_UNSEEN: Final = ("_with_options", "_statement_hints", "_prefixes", "_suffixes")
"""What a SELECT or CTE holds that no traversal shows and no public name reads; a test fails if one is renamed.

A hint on a table is none of them: PostgreSQL's compiler takes ONLY for one, and raises for any other.
"""


def refuse_unreadable(parts: Iterable[ExternallyTraversible], own: Table) -> None:
    """Raises `UsageError` for a part that cannot be held to one owner, in a statement on the table `own`."""
    for part in parts:
        look = _LOOKS.get(part.__visit_name__, _refuse)
        if look is not None:
            look(part, own)


def _refuse(part: object, _own: Table) -> None:
    if not isinstance(part, ForUpdateArg):  # FOR UPDATE, which has no name of its own
        raise _refusal(_NAMES.get(getattr(part, "__visit_name__", ""), f"the element {type(part).__name__}"))


def _at_name(part: object, _own: Table) -> None:
    name = getattr(part, "name", None)
    if isinstance(name, quoted_name) and name.quote is False and not name.isidentifier():
        raise _refusal("a name that is not quoted")


def _at_column(part: object, own: Table) -> None:
    _at_name(part, own)
    if isinstance(part, ColumnClause) and part.is_literal and part.name != "*" and not part.name.isdigit():
        raise _refusal(_STRING)


def _at_function(part: object, own: Table) -> None:
    _at_name(part, own)
    if _READING_FUNCTIONS.fullmatch(str(getattr(part, "name", ""))):
        raise _refusal("a function that reads what it is told in a string")


def _at_operator(part: object, _own: Table) -> None:
    for operator in (getattr(part, "operator", None), getattr(part, "modifier", None)):
        if isinstance(operator, operators.custom_op) and not _OPERATORS.fullmatch(operator.opstring):
            raise _refusal("an operator of words")


def _at_extract(part: object, _own: Table) -> None:
    if not str(getattr(part, "field", "")).isidentifier():
        raise _refusal(_STRING)


def _at_type(part: object, _own: Table) -> None:
    if not _is_plain(getattr(part, "type", None)):
        raise _refusal(_STRING)


def _is_plain(type_: object) -> bool:
    """Whether no text that a type holds, or a type within it, can leave the place where the type is written."""
    if not isinstance(type_, TypeEngine):
        return True
    for one in vars(type_).values():
        if isinstance(one, str) and not _TYPE_ARGUMENT.fullmatch(one):
            return False
        within = cast("Mapping[object, object]", one).values() if isinstance(one, Mapping) else (one,)  # of variants
        if not all(map(_is_plain, within)):
            return False
    return True


def _at_derived(part: object, own: Table) -> None:
    """A function in FROM may write the types of its columns."""
    _at_name(part, own)
    columns: Iterable[object] = getattr(part, "c", ())
    for column in columns:
        _at_column(column, own)
        _at_type(column, own)


def _at_parameter(part: object, own: Table) -> None:
    """A parameter with the owner's name that is not the owner's has a type of its own, which could alter the owner."""
    _at_type(part, own)
    if getattr(part, "literal_execute", False):
        raise _refusal("a parameter that is written into the statement")
    if getattr(part, "key", None) != OWNER_PARAMETER:
        return
    if not any(getattr(part, "type", None) is owner.type for owner in owner_columns().values()):
        raise UsageError("a parameter has the name of the scope's own: give it another")


def _at_table(table: object, own: Table) -> None:
    """A table is a model's, and hides none with owners behind another object."""
    owned = [owner.table for owner in owner_columns().values()]
    if any(is_same_table(table, one) for one in owned):
        return
    if not isinstance(table, Table) or table.metadata is not own.metadata:
        raise _refusal(f"the table {table}, which is not of the models' metadata,")
    if any(one.name == table.name and None in (one.schema, table.schema) for one in owned):
        raise _refusal(f"the table {table}, which has the name of one with owners,")


def _at_select(part: object, own: Table) -> None:
    _at_name(part, own)
    if getattr(part, "recursive", False):
        raise _refusal("a recursive subquery")
    if any(getattr(part, name, ()) for name in _UNSEEN):
        raise _refusal("an option, a hint, a prefix or a suffix of a SELECT")


def _refusal(what: str) -> UsageError:
    return UsageError(f"{what} cannot be held to one owner: use expressions of the models' columns")


_NAMES: Final = {
    "textclause": _STRING,
    "textual_select": _STRING,
    "insert": "a statement that writes",
    "update": "a statement that writes",
    "delete": "a statement that writes",
}

# fmt: off
_HARMLESS: Final = (
    "aggregate_order_by", "aggregateorderby", "case", "clauselist", "false", "frame_clause",
    "funcfilter", "grouping", "join", "label_reference",
    "memoized_select_entities", "null", "over", "postgresql_distinct_on", "select_statement_grouping",
    "slice", "textual_label_reference", "true", "tuple", "type_coerce", "withingroup",
)
# fmt: on

_LOOKS: Final[Mapping[str, Callable[[object, Table], None] | None]] = {
    **dict.fromkeys(_HARMLESS),
    **dict.fromkeys(("alias", "collation", "label", "lateral", "subquery"), _at_name),
    **dict.fromkeys(("binary", "expression_clauselist", "unary"), _at_operator),
    **dict.fromkeys(("column", "scalar_function_column"), _at_column),
    **dict.fromkeys(("compound_select", "cte", "select"), _at_select),
    **dict.fromkeys(("array", "cast"), _at_type),
    "bindparam": _at_parameter,
    "extract": _at_extract,
    "function": _at_function,
    "table": _at_table,
    "table_valued_alias": _at_derived,
}
"""Each kind of element that may stand, by the name that SQLAlchemy's compilers know it by, and how it is looked at."""
