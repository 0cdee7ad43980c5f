"""The text that a scoped statement may render unquoted: names, operators and types. No I/O.

SQLAlchemy quotes a name unless it has `quote=False`, binds a value, and renders the rest as text. This module says for
each kind of text which of it cannot be read as other SQL; `allowlist` says which elements render text of each kind.
"""

import re
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final, cast
from weakref import WeakSet

from sqlalchemy.exc import CompileError
from sqlalchemy.sql import operators
from sqlalchemy.sql.sqltypes import TableValueType
from sqlalchemy.types import NullType, TupleType, TypeEngine

from backend.entity.column_types import DIALECT

_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*")

_PLACEHOLDERS: Final = re.compile(r"__\[|~~")
"""Marks that SQLAlchemy's compiler replaces in the finished text, within quotes too."""

_SYMBOLS: Final = re.compile(r"(?!.*(--|/\*))[-+*/<>=~!@#%^&|`?]+|AT TIME ZONE|OVERLAPS|SIMILAR TO", re.IGNORECASE)
"""Operators that bind tighter than AND, OR and NOT, whatever precedence they are given."""

# fmt: off
KNOWN_OPERATORS: Final = frozenset(
    getattr(operators, name)
    for name in (
        "add", "all_op", "and_", "any_op", "asc_op", "between_op", "bitwise_and_op", "bitwise_lshift_op",
        "bitwise_not_op", "bitwise_or_op", "bitwise_rshift_op", "bitwise_xor_op", "collate", "comma_op", "concat_op",
        "contains_op", "desc_op", "distinct_op", "endswith_op", "eq", "exists", "floordiv", "ge", "getitem", "gt",
        "icontains_op", "iendswith_op", "ilike_op", "in_op", "inv", "is_", "is_distinct_from", "is_false", "is_not",
        "is_not_distinct_from", "is_true", "istartswith_op", "json_getitem_op", "json_path_getitem_op", "le",
        "like_op", "lt", "match_op", "mod", "mul", "ne", "neg", "not_between_op", "not_contains_op",
        "not_endswith_op", "not_icontains_op", "not_iendswith_op", "not_ilike_op", "not_in_op",
        "not_istartswith_op", "not_like_op", "not_match_op", "not_regexp_match_op", "not_startswith_op",
        "nulls_first_op", "nulls_last_op", "or_", "regexp_match_op", "regexp_replace_op",
        "startswith_op", "sub", "truediv",
    )
)
# fmt: on
"""SQLAlchemy's operators whose operands a scope sees. FROM, AS and a function's comparison are not among them."""

_RENDERED_OPERATORS: Final = (None, "hstore_getitem")
"""The allowed `visit_name` of a custom operator: the name of the compiler's method that renders it."""

_NAME = r'(?:[^\W\d][\w$]*|"(?:(?! COLLATE )[^"\[]|"")+")'
_FIELDS = r"(?:YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)"
_TYPE: Final = re.compile(
    rf"{_NAME}(?:\.{_NAME})*"
    r"(?: ?\( ?-?\w+(?: ?, ?-?\w+)* ?\))?"
    r"(?: VARYING(?: ?\(\d+\))?| PRECISION| WITH(?:OUT)? TIME ZONE"
    rf"| {_FIELDS}(?: TO {_FIELDS})?(?: ?\(\d+\))?)?"
    r"(?:\[\d*\])*"
    rf"(?: COLLATE {_NAME}(?:\.{_NAME})?)?",
    re.IGNORECASE,
)
"""One type of PostgreSQL: its name, arguments and collation, and nothing else."""


def is_name(name: object) -> bool:
    """Return whether a name is quoted when it is rendered, or needs no quotes; `None` renders no name."""
    if not isinstance(name, str):
        return name is None
    if _PLACEHOLDERS.search(name):
        return False
    quoted: object = getattr(name, "quote", None)  # as SQLAlchemy asks any text, not only a `quoted_name`
    return quoted is None or bool(quoted) or _IDENTIFIER.fullmatch(name) is not None


def is_field(name: object) -> bool:
    """Return whether this is one word, as the field of EXTRACT is."""
    return isinstance(name, str) and _IDENTIFIER.fullmatch(name) is not None


def is_number(text: str) -> bool:
    """Return whether a literal column is a plain number, or the `*` of `count(*)`."""
    return text == "*" or (text.isascii() and text.isdigit())


def is_operator(operator: object) -> bool:
    """Return whether an operator is SQLAlchemy's or made of symbols; `None` renders nothing."""
    if isinstance(operator, operators.custom_op):
        custom = cast("operators.custom_op[object]", operator)  # whatever it returns
        is_plain = type(custom) is operators.custom_op and custom.visit_name in _RENDERED_OPERATORS
        return is_plain and _SYMBOLS.fullmatch(custom.opstring) is not None
    return operator is None or (
        isinstance(operator, FunctionType | BuiltinFunctionType) and operator in KNOWN_OPERATORS
    )


def are_modifiers(modifiers: Mapping[str, object]) -> bool:
    """Return whether each text that an operator is modified by, an escape character for one, is quoted."""
    return all(not isinstance(value, str) or is_name(value) for value in modifiers.values())


def is_type(type_: TypeEngine[Any]) -> bool:
    """Return whether the type renders as one type, in a cast and as the cast of a parameter.

    Renders the type with the compiler, so that the application's own types are checked too; once per accepted type.
    """
    if type_ in _accepted:
        return True
    if isinstance(type_, TupleType):
        plain = all(map(is_type, type_.types))
    elif isinstance(type_, NullType | TableValueType):  # these two cannot be rendered
        plain = True
    else:
        plain = all(_TYPE.fullmatch(text) for text in _renderings(type_))
    if plain:
        _accepted.add(type_)
    return plain


def _renderings(type_: TypeEngine[Any]) -> tuple[str, ...]:
    try:
        return type_.compile(DIALECT), type_.dialect_impl(DIALECT).compile(DIALECT)
    except (CompileError, AttributeError, TypeError, ValueError):  # it cannot be rendered: a text as its length, …
        return ("",)


_accepted: Final[WeakSet[TypeEngine[Any]]] = WeakSet()
