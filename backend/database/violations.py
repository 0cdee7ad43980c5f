"""Which fields a violated constraint concerns: what the table's own metadata says, and nothing where it is not sure.

A constraint is found by table, schema, kind and name. One without a name is known by the name that PostgreSQL gives.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias, cast

from psycopg.errors import Diagnostic
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    make_url,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.schema import AddConstraint, ColumnCollectionConstraint
from sqlalchemy.sql.elements import ClauseElement, ColumnClause, TextClause
from sqlalchemy.sql.visitors import iterate

Columns: TypeAlias = Mapping[str, Column[object]]
_Named: TypeAlias = ColumnCollectionConstraint | Index

_NAME_BYTES: Final = 63
"""PostgreSQL's NAMEDATALEN, less the closing zero: what is longer is cut."""

_DIALECT: Final = make_url("postgresql+psycopg://").get_dialect()()
_QUOTING: Final = _DIALECT.identifier_preparer

_KINDS: Final[dict[str, tuple[type[_Named], ...]]] = {
    "23505": (PrimaryKeyConstraint, UniqueConstraint, Index),
    "23503": (ForeignKeyConstraint,),
    "23001": (ForeignKeyConstraint,),
    "23514": (CheckConstraint,),
    "23P01": (ExcludeConstraint,),
}
_NAME_SUFFIXES: Final[dict[type[_Named], str]] = {
    PrimaryKeyConstraint: "pkey",
    UniqueConstraint: "key",
    ForeignKeyConstraint: "fkey",
}


def violated_fields(diagnostic: Diagnostic, table: Table, columns: Columns, schema: str | None) -> tuple[str, ...]:
    """The attributes that the server's report concerns, in the table's order; none if they are not known for sure.

    `columns` are the model's, by attribute; `schema` is the one that the table lies in.
    """
    if (
        diagnostic.table_name != _truncate_identifier(table.name)
        or schema is None
        or diagnostic.schema_name != _truncate_identifier(schema)
    ):
        return ()
    if diagnostic.column_name is not None:
        return _attributes(
            columns, (column for column in table.columns if _truncate_identifier(column.name) == diagnostic.column_name)
        )
    kinds = _KINDS.get(diagnostic.sqlstate or "", ())
    named = [one for one in (*table.constraints, *table.indexes) if isinstance(one, kinds)]
    found = [one for one in named if _is_named(one, diagnostic.constraint_name)]
    found = found or [one for one in named if _default_constraint_name(one, table) == diagnostic.constraint_name]
    return _attributes(columns, _columns_of(found[0])) if len(found) == 1 else ()


def schema_of(table: Table, connection: Connection | None) -> str | None:
    """The schema that the statement found the table in, `None` if that is not known."""
    if connection is None:
        return table.schema
    translated_to: Mapping[str | None, str | None] = (
        connection.get_execution_options().get("schema_translate_map") or {}
    )
    return translated_to.get(table.schema, table.schema) or connection.dialect.default_schema_name


def _attributes(columns: Columns, concerned: Iterable[object]) -> tuple[str, ...]:
    """The attributes of these columns; none if one of them is no column of the model."""
    wanted = set(concerned)
    found = tuple(attribute for attribute, column in columns.items() if column in wanted)
    return found if len(found) == len(wanted) else ()


def _columns_of(constraint: _Named) -> Iterator[object]:
    """The columns that a constraint compares or checks; a stranger among them where it holds SQL in a string."""
    match constraint:
        case Index():
            for expression in constraint.expressions:
                yield from _referenced_columns(expression)
        case CheckConstraint():
            yield from _referenced_columns(constraint.sqltext)
        case ExcludeConstraint() if not _is_of_columns(constraint):
            return
        case _:
            yield from constraint.columns


def _referenced_columns(expression: object) -> Iterator[object]:
    if not isinstance(expression, ClauseElement):
        yield expression
        return
    for part in iterate(expression):
        if isinstance(part, ColumnClause | TextClause):
            yield part


def _is_of_columns(constraint: ExcludeConstraint) -> bool:
    """Whether an exclusion constraint compares plain columns: its DDL then names each with its operator alone."""
    operators = cast("dict[str, str]", constraint.operators)  # by column, as they were given
    compared = (f"{_QUOTING.quote(one.name)} WITH {operators.get(one.name)}" for one in constraint.columns)
    created = AddConstraint(constraint, isolate_from_table=False)  # the table's own DDL keeps it
    return f"({', '.join(compared)})" in str(created.compile(dialect=_DIALECT))


def _is_named(constraint: _Named, name: str | None) -> bool:
    """Whether this is the name that the metadata gives, be it quoted, made by a convention, or cut for its length."""
    if name is None or constraint.name is None:
        return False
    return _truncate_identifier(str(constraint.name)) == name or _QUOTING.format_constraint(
        constraint
    ) == _QUOTING.quote(name)


def _default_constraint_name(constraint: _Named, table: Table) -> str | None:
    """The name that PostgreSQL gives a constraint without one, where no other on the table has it."""
    label = _NAME_SUFFIXES.get(type(constraint))
    if label is None or constraint.name is not None:
        return None
    columns = [] if label == "pkey" else [_truncate_identifier(column.name) for column in constraint.columns]
    parts = [_truncate_identifier(table.name).encode(), *(["_".join(columns).encode()] if columns else [])]
    room = _NAME_BYTES - len(label) - len(parts)
    while sum(map(len, parts)) > room:
        longest = max(range(len(parts)), key=lambda at: (len(parts[at]), at))
        parts[longest] = parts[longest][:-1]
    return "_".join([*(part.decode(errors="ignore") for part in parts), label])


def _truncate_identifier(name: str) -> str:
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")
