"""Decides whether a statement may write, from its text, which also shows what SQLAlchemy's elements do not.

Only names are known here. A view, a row security policy, or a user-defined operator or cast may call a function that
writes, and cannot be told from one that only reads.
"""

import re
from functools import lru_cache
from typing import Final

from sqlalchemy import Executable, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ClauseElement

_DIALECT: Final = make_url("postgresql+psycopg://").get_dialect()()

_QUOTED: Final = re.compile(r"""%\([^)]*\)s | '(?:[^']|'')*' | "(?:[^"]|"")*" """, re.VERBOSE)
_NAME: Final = "§"
"""Replaces a quoted identifier."""

_UNREADABLE: Final = re.compile(r"""['"\\;$] | -- | /\*""", re.VERBOSE)
"""What may hide part of the text: unbalanced quotes, escapes, dollar quotes, comments, a second statement."""

_ROW_LOCK: Final = re.compile(r"\bFOR (?:NO KEY )?UPDATE\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d]\w*")
_WRITING: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"})

_BEFORE_PARENTHESIS: Final = re.compile(rf"(?<![\w.{_NAME}])(?<!\bAS )([\w.{_NAME}]+)\s*\(", re.IGNORECASE)
"""What may be a function; after AS it is the name of a table with its columns."""

_GRAMMAR: Final = (
    "ALL AND ANY ARRAY AS BETWEEN BY CASE CAST DISTINCT ELSE EXCEPT EXISTS EXTRACT FILTER FROM GROUP HAVING ILIKE IN "
    "INTERSECT JOIN LATERAL LIKE LIMIT MATERIALIZED NOT OFFSET ON OR OVER ROW SELECT SETS SIMILAR SOME THEN UNION "
    "VALUES WHEN WHERE WITHIN"
)
_TYPES: Final = "BIT CHAR DECIMAL FLOAT INTERVAL NUMERIC TIME TIMESTAMP VARCHAR"
_FUNCTIONS: Final = (
    "ARRAY_AGG CHAR_LENGTH COALESCE CONCAT COUNT CUBE CUME_DIST DENSE_RANK GREATEST LEAST MAX MIN MODE NOW NULLIF "
    "PERCENT_RANK PERCENTILE_CONT PERCENTILE_DISC RANDOM RANK ROLLUP STRING_AGG SUM UNNEST"
)
_READING: Final = frozenset(f"{_GRAMMAR} {_TYPES} {_FUNCTIONS}".split())
"""What may come before a parenthesis in text that only reads."""

_OPERATOR: Final = re.compile(r"[-+*/<>=~!@#%^&|`?:]+")
_OPERATORS: Final = (
    "+ - * / % %% ^ & | # ~ << >> = < > <= >= <> != || :: : -> ->> #> #>> @> <@ ? ?| ?& && ~* !~ !~* @@ @? -|- &< &>"
)
_READING_OPERATORS: Final = frozenset(_OPERATORS.split())


def may_write(statement: Executable) -> bool:
    """Return whether running the statement may change a row."""
    if not isinstance(statement, ClauseElement):
        return True
    try:
        sql = str(statement.compile(dialect=_DIALECT))
    except SQLAlchemyError:
        return True
    return may_write_sql(sql)


@lru_cache(maxsize=256)
def may_write_sql(sql: str) -> bool:
    """Return whether running this text may change a row: only a SELECT of known functions and operators does not."""
    text = _ROW_LOCK.sub("", _QUOTED.sub(lambda found: _NAME if found[0].startswith('"') else "0", sql))
    words = _WORD.findall(text.upper())
    return (
        _UNREADABLE.search(text) is not None
        or words[:1] not in (["SELECT"], ["WITH"])
        or not _WRITING.isdisjoint(words)
        or any(name.upper() not in _READING for name in _BEFORE_PARENTHESIS.findall(text))
        or any(operator not in _READING_OPERATORS for operator in _OPERATOR.findall(text))
    )
