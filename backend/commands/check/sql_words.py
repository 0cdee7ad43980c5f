"""Compares an expression of a model with what PostgreSQL makes of it: other spaces, parentheses, casts and operators.

The columns, functions and values that it names stay as they are; so two expressions that name the same are taken for
the same. A difference of operators alone is not seen.
"""

import re
from typing import Final

from sqlalchemy import ClauseElement

from backend.entity.column_types import DIALECT

_CAST: Final = re.compile(
    r"::(?:character varying|double precision|bit varying|(?:timestamp|time)(?:\(\d\))? with(?:out)? time zone|"
    r"(?:\"[^\"]+\"|\w+)(?:\.(?:\"[^\"]+\"|\w+))?)(?:\([\d, ]+\))?(?:\[\])*"
)
_TIME: Final = re.compile(r"::(?:timestamp|time|date|interval)\b")

_SYNTAX: Final = frozenset({
    "all", "and", "any", "array", "as", "between", "both", "cast", "case", "else", "end", "false", "from", "ilike",
    "in", "is", "like", "not", "null", "or", "similar", "some", "symmetric", "then", "to", "true", "when",
    "bigint", "boolean", "character", "date", "double", "integer", "interval", "json", "jsonb", "numeric", "precision",
    "smallint", "text", "time", "timestamp", "uuid", "varchar", "varying", "with", "without", "zone",
})  # fmt: skip


def words_of(sql: str) -> frozenset[str]:
    """Return the columns, functions and values that an expression names. Of times, which have many forms, no values."""
    words = frozenset(re.findall(r"\w+", _CAST.sub("", sql).lower())) - _SYNTAX
    return frozenset(word for word in words if not word[0].isdigit()) if _TIME.search(sql) else words


def is_same(own: str, other: str) -> bool:
    """Return whether two expressions name the same; the other one is PostgreSQL's."""
    numbers = {word for word in words_of(own) if word[0].isdigit()} if _TIME.search(other) else set[str]()
    return words_of(own) - numbers == words_of(other)


def sql_of(expression: ClauseElement) -> str:
    """Return an expression as DDL has it."""
    compiled = expression.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True, "include_table": False})
    return str(compiled)
