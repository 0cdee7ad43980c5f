"""The elements that a scoped statement may contain: those whose reads a scope can see. No I/O.

An element that is not listed is refused, so that one which a later SQLAlchemy adds is refused until it is reviewed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

from sqlalchemy import ColumnElement, Table
from sqlalchemy.sql import operators
from sqlalchemy.sql.selectable import ForUpdateArg, TableClause
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate

from backend.entity.checks import owner_columns
from backend.entity.parameters import OWNER_PARAMETER
from backend.errors import UsageError
from backend.statements.scope.from_clauses import is_same_table, is_select
from backend.statements.scope.orm_columns import computed_columns, joins_eagerly
from backend.statements.scope.owner_types import bind_alike
from backend.statements.scope.precedence import require_closed
from backend.statements.scope.raw_sql import are_modifiers, is_field, is_name, is_number, is_operator, is_type

_READING_FUNCTIONS: Final = re.compile(
    r"((query|cursor|table|schema|database)_to_xml\w*|ts_stat|ts_rewrite|dblink\w*|crosstab\w*|connectby|xpath_table)",
    re.IGNORECASE,
)
"""Functions that run SQL given as text, or read a table given by its name."""

_STRING: Final = "SQL in a string"

_UNQUOTED: Final = "a name that is not quoted"


_NOT_TRAVERSED: Final = ("_with_options", "_statement_hints", "_prefixes", "_suffixes", "_execution_options")
"""Attributes of a SELECT or CTE that no traversal visits and no public name reads; a test fails if one is renamed.

Hints on a table are not among them: PostgreSQL's compiler accepts ONLY, and raises for any other.
"""


def require_scopable(parts: Iterable[ExternallyTraversible], own: Table) -> None:
    """Raise `UsageError` for a part that cannot be restricted to one owner, in a statement on the table `own`."""
    for part in parts:
        check = _CHECK_BY_KIND.get(part.__visit_name__, _refuse)
        if check is not None:
            check(part, own)
        _check_type(part)


def _refuse(part: object, _own: Table) -> None:
    if not isinstance(part, ForUpdateArg):  # FOR UPDATE, which has no name of its own
        raise _refusal(_NAMES.get(getattr(part, "__visit_name__", ""), f"the element {type(part).__name__}"))


def _check_type(part: object) -> None:
    if isinstance(part, ColumnElement) and not is_type(cast("ColumnElement[object]", part).type):  # of any type
        raise _refusal(_STRING)


def _check_name(part: object, _own: Table) -> None:
    if not is_name(getattr(part, "name", None)):
        raise _refusal(_UNQUOTED)


def _check_column(part: object, own: Table) -> None:
    if not getattr(part, "is_literal", False):
        _check_name(part, own)
    elif not is_number(str(getattr(part, "name", ""))):
        raise _refusal(_STRING)


def _check_collation(part: object, _own: Table) -> None:
    if not all(is_name(getattr(part, name, None)) for name in ("collation", "collation_schema")):
        raise _refusal(_UNQUOTED)


def _check_function(part: object, own: Table) -> None:
    _check_name(part, own)
    packages: Iterable[object] = getattr(part, "packagenames", ())
    if not all(map(is_name, packages)):
        raise _refusal(_UNQUOTED)
    name = str(getattr(part, "name", ""))
    if _READING_FUNCTIONS.fullmatch(name):
        raise _refusal("a function that runs SQL or reads a table named in a string")
    if name.lower() == "aggregate_strings":
        raise _refusal("a function that writes its delimiter into the statement, for which there is func.string_agg,")


def _check_operator(part: object, _own: Table) -> None:
    if not all(is_operator(getattr(part, name, None)) for name in ("operator", "modifier")):
        raise _refusal("an unknown operator")
    modifiers: Mapping[str, object] = getattr(part, "modifiers", None) or {}
    if not are_modifiers(modifiers):
        raise _refusal(_STRING)


def _check_list(part: object, _own: Table) -> None:
    if getattr(part, "operator", None) is not operators.comma_op:
        raise _refusal("a list without commas")


def _check_extract(part: object, _own: Table) -> None:
    if not is_field(getattr(part, "field", None)):
        raise _refusal(_STRING)


def _check_select(part: object, own: Table) -> None:
    _check_name(part, own)
    if getattr(part, "recursive", False):
        raise _refusal("a recursive subquery")
    if any(getattr(part, name, ()) for name in _NOT_TRAVERSED):
        raise _refusal("an option, a hint, a prefix or a suffix of a SELECT")
    require_closed(getattr(part, "whereclause", None))
    if is_select(part):
        for column in computed_columns(part):
            _check_computed_column(column, own)
        if joins_eagerly(part):
            raise _refusal("an entity that loads a relationship by a join")


def _check_cte(part: object, own: Table) -> None:
    """Refuse the name of an owned table too: the SELECT would read the CTE, and bind the owner in that."""
    _check_select(part, own)
    name = str(getattr(part, "name", "")).lower()  # PostgreSQL folds what is not quoted
    if any(name == owner.table.name.lower() for owner in owner_columns().values()):
        raise UsageError(f"a CTE has the name of the table {name}, which has owners: give it another")


def _check_computed_column(column: ColumnElement[object], own: Table) -> None:
    parts = list(iterate(column))
    require_scopable(parts, own)
    if any(isinstance(part, TableClause) and part.fullname in owner_columns() for part in parts):
        raise UsageError(
            "an attribute of a model is computed from a table that has owners: "
            "select the model's other columns, and the subquery itself"
        )


def _check_derived(part: object, own: Table) -> None:
    """Check the columns too: a function in FROM may render their types."""
    _check_name(part, own)
    columns: Iterable[object] = getattr(part, "c", ())
    for column in columns:
        _check_column(column, own)
        _check_type(column)


def _check_parameter(part: object, own: Table) -> None:
    """Refuse a parameter named like the owner's: its own type could change the bound value."""
    if getattr(part, "literal_execute", False):
        raise _refusal("a parameter that is written into the statement")
    key: object = getattr(part, "key", None)
    if not is_name(key):
        raise _refusal(_UNQUOTED)
    if key != OWNER_PARAMETER:
        return
    owners, kind = owner_columns(), getattr(part, "type", None)
    known = [owner.type for owner in owners.values() if owner.type is kind]
    if not known or not bind_alike(owners[own.fullname].type, known[0]):
        raise UsageError("a parameter has the name of the scope's own: give it another")


def _check_table(table: object, own: Table) -> None:
    """Refuse a table outside the models' metadata, and another object with the name of an owned table."""
    owned = [owner.table for owner in owner_columns().values()]
    if any(is_same_table(table, other) for other in owned):
        return
    if not isinstance(table, Table) or table.metadata is not own.metadata:
        raise _refusal(f"the table {table}, which is not of the models' metadata,")
    if not is_name(table.name) or not is_name(table.schema):
        raise _refusal(_UNQUOTED)
    same_name = (one for one in owned if one.name.lower() == table.name.lower())  # PostgreSQL folds what is not quoted
    if any(None in (one.schema, table.schema) or one.schema == table.schema for one in same_name):
        raise _refusal(f"the table {table}, which has the name of one with owners,")


def _refusal(what: str) -> UsageError:
    return UsageError(f"{what} cannot be restricted to one owner: use expressions of the models' columns")


_NAMES: Final = {
    "textclause": _STRING,
    "textual_select": _STRING,
    "insert": "a statement that writes",
    "update": "a statement that writes",
    "delete": "a statement that writes",
}

# fmt: off
_ALWAYS_ALLOWED: Final = (
    "aggregate_order_by", "aggregateorderby", "array", "case", "cast", "false", "frame_clause",
    "funcfilter", "grouping", "join", "label_reference",
    "memoized_select_entities", "null", "over", "postgresql_distinct_on", "select_statement_grouping",
    "slice", "textual_label_reference", "true", "tuple", "type_coerce", "withingroup",
)
# fmt: on

_CHECK_BY_KIND: Final[Mapping[str, Callable[[object, Table], None] | None]] = {
    **dict.fromkeys(_ALWAYS_ALLOWED),
    **dict.fromkeys(("alias", "label", "lateral", "subquery"), _check_name),
    **dict.fromkeys(("binary", "expression_clauselist", "unary"), _check_operator),
    **dict.fromkeys(("column", "scalar_function_column"), _check_column),
    **dict.fromkeys(("compound_select", "select"), _check_select),
    "bindparam": _check_parameter,
    "clauselist": _check_list,
    "collation": _check_collation,
    "cte": _check_cte,
    "extract": _check_extract,
    "function": _check_function,
    "table": _check_table,
    "table_valued_alias": _check_derived,
}
"""The check of each allowed kind of element, by its `__visit_name__`; `None` for kinds that need no check."""

ALLOWED_KINDS: Final = frozenset(_CHECK_BY_KIND)
"""The kinds of element that may be in a scoped statement."""
