"""Which text a scoped statement may render as it is: names, operators and types. No I/O.

SQLAlchemy quotes a name unless it carries `quote=False`, binds a value, and renders the rest as text: this module says
for each sort of text which of it cannot leave its place. `elements` says where text of each sort is.
"""

import re
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final, cast
from weakref import WeakSet

from sqlalchemy.exc import CompileError
from sqlalchemy.sql import operators
from sqlalchemy.sql.sqltypes import TableValueType
from sqlalchemy.types import NullType, TupleType, TypeEngine

from backend.entity.columns import DIALECT

_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*")

_PLACEHOLDERS: Final = ("__[", "~~")
"""Marks that SQLAlchemy's compiler replaces in the finished text, within quotes too."""

_SYMBOLS: Final = re.compile(r"(?!.*(--|/\*))[-+*/<>=~!@#%^&|`?]+|AT TIME ZONE|OVERLAPS|SIMILAR TO", re.IGNORECASE)
"""Operators that bind tighter than AND, OR and NOT, whichever precedence they claim."""

# fmt: off
KNOWN_OPERATORS: Final = frozenset(
    getattr(operators, name)
    for name in (
        "add", "all_op", "and_", "any_op", "asc_op", "between_op", "bitwise_and_op", "bitwise_lshift_op",
        "bitwise_not_op", "bitwise_or_op", "bitwise_rshift_op", "bitwise_xor_op", "collate", "comma_op", "concat_op",
        "contains_op", "desc_op", "distinct_op", "endswith_op", "eq", "exists", "floordiv", "ge", "getitem", "gt",
        "icontains_op", "iendswith_op", "ilike_op", "in_op", "inv", "is_", "is_distinct_from", "is_false", "is_not",
        "is_not_distinct_from", "is_true", "istartswith_op", "json_getitem_op", "json_path_getitem_op", "le",
        "like_op", "lshift", "lt", "match_op", "mod", "mul", "ne", "neg", "not_between_op", "not_contains_op",
        "not_endswith_op", "not_icontains_op", "not_iendswith_op", "not_ilike_op", "not_in_op",
        "not_istartswith_op", "not_like_op", "not_match_op", "not_regexp_match_op", "not_startswith_op",
        "nulls_first_op", "nulls_last_op", "or_", "pow_", "regexp_match_op", "regexp_replace_op", "rshift",
        "startswith_op", "sub", "truediv",
    )
)
# fmt: on
"""SQLAlchemy's operators whose operands a scope sees. FROM, AS and a function's comparison are not among them."""

_RENDERED_OPERATORS: Final = (None, "hstore_getitem")
"""The own renderings of custom operators, by the name of the compiler's method."""

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
"""One type of PostgreSQL: its name, arguments and collation, and not a word more."""


def is_name(name: object) -> bool:
    """Whether a name is quoted when it is rendered, or needs no quotes; `None` renders no name."""
    if not isinstance(name, str):
        return name is None
    if any(mark in name for mark in _PLACEHOLDERS):
        return False
    quoted: object = getattr(name, "quote", None)  # as SQLAlchemy asks any text, not only a `quoted_name`
    return quoted is None or bool(quoted) or _IDENTIFIER.fullmatch(name) is not None


def is_field(name: object) -> bool:
    """Whether this is one word, as the field of EXTRACT is."""
    return isinstance(name, str) and _IDENTIFIER.fullmatch(name) is not None


def is_number(text: str) -> bool:
    """Whether a column that is a literal is a plain number, or the `*` of `count(*)`."""
    return text == "*" or (text.isascii() and text.isdigit())


def is_operator(operator: object) -> bool:
    """Whether an operator is SQLAlchemy's, or symbols; `None` renders none."""
    if isinstance(operator, operators.custom_op):
        custom = cast("operators.custom_op[object]", operator)  # whatever it returns
        is_plain = type(custom) is operators.custom_op and custom.visit_name in _RENDERED_OPERATORS
        return is_plain and _SYMBOLS.fullmatch(custom.opstring) is not None
    return operator is None or (
        isinstance(operator, FunctionType | BuiltinFunctionType) and operator in KNOWN_OPERATORS
    )


def is_type(type_: TypeEngine[Any]) -> bool:
    """Whether the type renders as one type, in a cast and as the cast of a parameter.

    Asks the compiler itself, so that each type is read, the application's own too. An accepted type is not read again.
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
    except (CompileError, AttributeError, TypeError, ValueError):  # it cannot be rendered, by text for a number say
        return ("",)


_accepted: Final[WeakSet[TypeEngine[Any]]] = WeakSet()
