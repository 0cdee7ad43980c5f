"""Rules against SQL in strings and statements past SQLAlchemy."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.support.sources import Finding, Source, text_of

_TEXT: Final = {"text", "literal_column", "DDL", "*"}
_TEXT_CLASSES: Final = {"TextClause", "TextualSelect"}
"""May be named, to be refused; not called."""
_TEXT_METHODS: Final = {"exec_driver_sql", "executemany", "raw_connection", "from_statement"}
_TAKES_TEXT: Final = {"CheckConstraint", "Computed"}
_METHODS_THAT_TAKE_TEXT: Final = {
    "execute", "exec", "scalar", "scalars", "stream", "stream_scalars", "copy",
    "prefix_with", "suffix_with", "with_hint", "with_statement_hint",
}  # fmt: skip
_TEXT_KEYWORDS: Final = {"sqltext", "statement", "query", "text"}
_TEXT_KEYWORDS_ANYWHERE: Final = {"postgresql_where", "index_where", "postgresql_partition_by"}


def no_raw_sql(source: Source) -> Iterator[Finding]:
    """No `text()` and its kin, under whatever name, and no string where SQLAlchemy or the driver takes it for SQL."""
    for one in source.imports:
        if _is_text(one.name):
            yield Finding(one.line, f"imports {one.name}")
    for node in source.nodes:
        name = source.origin(node) if isinstance(node, ast.Attribute | ast.Call) else ""
        if _is_text(name) or name.rpartition(".")[2] in _TEXT_METHODS:
            yield Finding(getattr(node, "lineno", 0), f"uses {name}")
    for call in source.calls:
        name = source.origin(call.func)
        owner, _, last = name.rpartition(".")
        if last in _TEXT_CLASSES:
            yield Finding(call.lineno, f"makes a {last}")
        takes = last in _TAKES_TEXT or (last in _METHODS_THAT_TAKE_TEXT and owner not in {"", "shutil", "copy"})
        keywords = _TEXT_KEYWORDS_ANYWHERE | (_TEXT_KEYWORDS if takes else set[str]())
        given = [*(call.args if takes else ()), *(one.value for one in call.keywords if one.arg in keywords)]
        if any(source.is_string(argument) for argument in given):
            yield Finding(call.lineno, f"gives a string to {name}")


def _is_text(name: str) -> bool:
    parts = name.split(".")
    return parts[0] in {"sqlalchemy", "sqlmodel"} and parts[-1] in _TEXT and "func" not in parts


_STATEMENT: Final = re.compile(
    r"""\s*(?:
        SELECT\s+\S | INSERT\s+INTO\b | UPDATE\s+\S+\s+SET\b | DELETE\s+FROM\b | MERGE\s+INTO\b | TRUNCATE\s+\S
        | WITH\s+(?:RECURSIVE\s+)?\S+\s+AS\b | VALUES\s*\( | COPY\s+\S+\s+(?:FROM|TO)\b | EXPLAIN\s+(?:ANALYZE|SELECT)\b
        | (?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+|UNIQUE\s+|TEMP(?:ORARY)?\s+|MATERIALIZED\s+)*
          (?:TABLE|INDEX|SCHEMA|TYPE|SEQUENCE|VIEW|FUNCTION|TRIGGER|EXTENSION|DATABASE|ROLE|USER)\b
        | (?:BEGIN|COMMIT|ROLLBACK)\s*(?:;|$|WORK\b|TRANSACTION\b|ISOLATION\b|READ\b|TO\b|PREPARED\b)
        | SAVEPOINT\s+\w | SET\s+(?:LOCAL\s+|SESSION\s+)?\w+\s*(?:=|TO\b) | (?:LOCK|REINDEX|VACUUM|ANALYZE)\s+\S
    )""",
    re.VERBOSE,
)


def no_sql_in_a_string(source: Source) -> Iterator[Finding]:
    """No string, of characters or bytes, that reads as a statement; documentation may."""
    passed = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}
    for node in source.nodes:
        if isinstance(node, ast.JoinedStr):
            passed |= {id(part) for part in node.values}
    for node in source.nodes:
        if id(node) not in passed and _STATEMENT.match(text_of(node)):
            yield Finding(getattr(node, "lineno", 0), f"has SQL in a string: {text_of(node)[:30]!r}")


_CURSOR_METHODS: Final = {
    "cursor", "exec_", "exec_params", "exec_prepared", "send_query", "send_query_params", "send_query_prepared",
}  # fmt: skip


CONNECTORS: Final = frozenset(f"backend.database.connections.{name}" for name in ("_async", "_sync", "probe"))
"""The modules that make an engine's connections."""


def no_driver_cursor(source: Source) -> Iterator[Finding]:
    """No statement past SQLAlchemy, through psycopg or libpq. What starts a server may speak to it by other means.

    Connections that an engine takes over may be made in `backend.database.connections`, and run nothing there.
    """
    if source.module.startswith("backend.embedded"):
        return
    for one in source.imports:
        if one.name.split(".")[:2] == ["psycopg", "sql"]:
            yield Finding(one.line, f"imports {one.name}")
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and source.origin(node) == "psycopg.sql":
            yield Finding(node.lineno, "uses psycopg.sql")
    for call in source.calls:
        parts = source.origin(call.func).split(".")
        connects = (parts[0], parts[-1]) == ("psycopg", "connect") and not _makes_an_engines_connections(source)
        if len(parts) > 1 and (parts[-1] in _CURSOR_METHODS or connects):
            yield Finding(call.lineno, f"calls {'.'.join(parts)}")


def _makes_an_engines_connections(source: Source) -> bool:
    return source.module.startswith("backend.database.connections.")
