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
"""PostgreSQL's NAMEDATALEN, less the terminating zero: longer names are truncated."""

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
    """Return the attributes that a violation concerns, in the order of `columns`; none if they are not certain.

    `columns` are the model's, by attribute; `schema` is the schema of the table.
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
    name = diagnostic.constraint_name
    candidates = [constraint for constraint in (*table.constraints, *table.indexes) if isinstance(constraint, kinds)]
    matches = [constraint for constraint in candidates if _is_named(constraint, name)]
    matches = matches or [item for item in candidates if _default_constraint_name(item, table) == name]
    return _attributes(columns, _columns_of(matches[0])) if len(matches) == 1 else ()


def schema_of(table: Table, connection: Connection | None) -> str | None:
    """Return the schema of the table on this connection, `None` if it is not known."""
    if connection is None:
        return table.schema
    translated_to: Mapping[str | None, str | None] = (
        connection.get_execution_options().get("schema_translate_map") or {}
    )
    return translated_to.get(table.schema, table.schema) or connection.dialect.default_schema_name


def _attributes(columns: Columns, concerned: Iterable[object]) -> tuple[str, ...]:
    """Return the attributes of these columns; none if one of them is not a column of the model."""
    wanted = set(concerned)
    attributes = tuple(attribute for attribute, column in columns.items() if column in wanted)
    return attributes if len(attributes) == len(wanted) else ()


def _columns_of(constraint: _Named) -> Iterator[object]:
    """Yield the columns that a constraint compares or checks, and each part that is SQL in a string."""
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
    """Return whether an exclusion constraint compares plain columns: its DDL then names only columns and operators."""
    operators = cast("dict[str, str]", constraint.operators)  # by column name
    compared = (f"{_QUOTING.quote(column.name)} WITH {operators.get(column.name)}" for column in constraint.columns)
    created = AddConstraint(constraint, isolate_from_table=False)  # else the DDL of the table would omit it
    return f"({', '.join(compared)})" in str(created.compile(dialect=_DIALECT))


def _is_named(constraint: _Named, name: str | None) -> bool:
    """Return whether the metadata gives this name: as it is, by a naming convention, or truncated by PostgreSQL."""
    if name is None or constraint.name is None:
        return False
    return _truncate_identifier(str(constraint.name)) == name or _QUOTING.format_constraint(
        constraint
    ) == _QUOTING.quote(name)


def _default_constraint_name(constraint: _Named, table: Table) -> str | None:
    """Return the name that PostgreSQL gives an unnamed constraint; a longer one than it keeps matches none."""
    suffix = _NAME_SUFFIXES.get(type(constraint))
    if suffix is None or constraint.name is not None:
        return None
    columns = [] if suffix == "pkey" else [column.name for column in constraint.columns]
    return "_".join([table.name, *columns, suffix])


def _truncate_identifier(name: str) -> str:
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")
