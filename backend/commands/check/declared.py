"""The indexes and unique keys that a model declares, as values that compare with those of the database."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from sqlalchemy import Column, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy import Index as SQLAlchemyIndex
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql.elements import ClauseElement

from backend.commands.check.indexes import Index, IndexKey, expression_name, unless_default
from backend.commands.check.sql_words import sql_of


def unique_keys(table: Table) -> Iterator[Index]:
    """Yield the unique keys of a table, the primary key first."""
    constraints = sorted(table.constraints, key=lambda one: not isinstance(one, PrimaryKeyConstraint))
    for constraint in constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint) and len(constraint.columns):
            options = constraint.dialect_options["postgresql"]
            yield Index(
                str(constraint.name or ""),
                tuple(IndexKey(one.name) for one in constraint.columns),
                is_unique=True,
                is_deferrable=bool(constraint.deferrable),
                nulls_not_distinct=bool(options.get("nulls_not_distinct")),
            )
    yield from (index for index in _indexes(table) if index.is_unique)


def exclusions(table: Table) -> Iterator[Index]:
    """Yield the exclusion constraints of a table, as the indexes that keep them."""
    for constraint in table.constraints:
        if isinstance(constraint, ExcludeConstraint):
            keys = tuple(IndexKey(one.name) for one in constraint.columns)
            yield Index(str(constraint.name or ""), keys, is_exclusion=True)


def plain_indexes(table: Table) -> Iterator[Index]:
    """Yield the indexes of a table that are not unique."""
    return (index for index in _indexes(table) if not index.is_unique)


def _indexes(table: Table) -> Iterator[Index]:
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        options = cast("dict[str, Any]", index.dialect_options["postgresql"])  # untyped
        where: ClauseElement | None = options.get("where")
        classes: dict[str, str] = options.get("ops") or {}
        included: list[str | Column[object]] = options.get("include") or []
        yield Index(
            str(index.name or ""),
            tuple(_keys(index, classes)),
            str(options.get("using") or "btree").lower(),
            None if where is None else sql_of(where),
            frozenset(one if isinstance(one, str) else one.name for one in included),
            is_unique=bool(index.unique),
            nulls_not_distinct=bool(options.get("nulls_not_distinct")),
        )


def _keys(index: SQLAlchemyIndex, classes: Mapping[str, str]) -> Iterator[IndexKey]:
    for expression in cast("list[ClauseElement]", index.expressions):  # untyped
        read = _KEY.fullmatch(sql_of(expression).strip())
        if read is None:
            raise AssertionError("any text is a key")
        descending = (read["order"] or "").upper() == "DESC"
        nulls_first = descending if read["nulls"] is None else read["nulls"].upper() == "FIRST"
        name = _name(read["key"])
        yield IndexKey(name, descending, nulls_first, unless_default(classes.get(name)))


def _name(key: str) -> str:
    column = _COLUMN.fullmatch(key)
    if column is None:
        return expression_name(key)
    name = column["name"] or column["quoted"].replace('""', '"')
    return f"{name} collate {column['collation']}" if column["collation"] else name


_KEY: Final = re.compile(
    r"(?P<key>.+?)(\s+(?P<order>ASC|DESC))?(\s+NULLS\s+(?P<nulls>FIRST|LAST))?", re.IGNORECASE | re.DOTALL
)
_COLUMN: Final = re.compile(
    r'(?:(?P<name>[^\W\d]\w*)|"(?P<quoted>(?:[^"]|"")+)")(?:\s+COLLATE\s+"?(?P<collation>[^"]+)"?)?', re.IGNORECASE
)
