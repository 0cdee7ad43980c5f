"""Compares an application's models and repositories with the database: `--models`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, Table

from backend.commands.check.catalogue import read_relations
from backend.commands.check.constraints import Difference, constraint_differences, read_constraints
from backend.commands.check.declared import plain_indexes, unique_keys
from backend.commands.check.findings import Finding
from backend.commands.check.indexes import Index
from backend.commands.check.reads import (
    Read,
    reads_of_entity,
    reads_of_references,
    reads_of_relationships,
    suggested_index,
)
from backend.commands.check.tables import MIGRATE, column_differences, read_columns
from backend.commands.models import Application

_KINDS: Final[Mapping[str, str]] = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}
"""By the letter of `pg_class.relkind`; the others are tables."""

_INIT: Final = "run python -m backend init with the same --models, which creates missing tables"
_RENAME: Final = "let the model name a table, or rename it and run python -m backend init with the same --models"


def check_application(connection: Connection, application: Application) -> list[Finding]:
    """Return for each table whether it is as declared, and for each call whether an index serves it.

    Reads the catalogue, and locks nothing.
    """
    relations = read_relations(connection, application.tables)
    columns = read_columns(connection, application.tables)
    constraints = read_constraints(connection, application.tables)
    found: list[Finding] = []
    for table in application.tables:
        repositories = [(name, entity) for name, entity in application.entities if entity.table is table]
        relation, there = relations.get(table.fullname), columns.get(table.fullname)
        if relation is None or there is None:
            differences = [Difference("is missing", _INIT)]
        elif relation.kind in _KINDS:
            differences = [Difference(f"is {_KINDS[relation.kind]}, the model a table", _RENAME)]
        else:
            owner = next((entity.owner_column for _, entity in repositories), None)
            of_columns = column_differences(table, there, connection.dialect)
            differences = [
                *(Difference(text, MIGRATE) for text in of_columns),
                *constraint_differences(table, relation, constraints[table.fullname], owner),
            ]
        names = " and ".join(name for name, _ in repositories)
        values = {"table": table.fullname, "repositories": names or None}
        found += _table_findings(table, differences, values)
        if relation is not None and relation.kind not in _KINDS:
            found += _index_findings(application, table, relation.indexes, values)
    return found


def _table_findings(
    table: Table, differences: Sequence[Difference], values: Mapping[str, str | None]
) -> Iterator[Finding]:
    for one in differences:
        yield Finding("tables", f"{table.fullname} {one.text}", values, one.fix, is_problem=True)
    if not differences:
        used_by = f", for {values['repositories']}" if values["repositories"] else "; no repository of it was imported"
        yield Finding("tables", f"{table.fullname} is as its model declares it{used_by}", values)


def _index_findings(
    application: Application, table: Table, indexes: Sequence[Index], values: Mapping[str, str | None]
) -> Iterator[Finding]:
    reads: dict[object, Read] = {}
    for read in _reads(application, table):
        reads.setdefault((frozenset(read.equal), read.order), read)
    lacking = [read for read in reads.values() if not read.is_served_by(indexes)]
    declared = [*unique_keys(table), *plain_indexes(table)]
    for read in lacking:
        if not read.is_served_by(declared):  # else the declared one is missing, which is a finding
            index = suggested_index(read)
            yield Finding(
                "indexes",
                f"{table.fullname} has no index for {read.purpose}",
                {**values, "for": read.purpose, "columns": ", ".join(read.columns), "index": index},
                f"add {index} to __table_args__ of {_model(application, table)}, and create it in the database: "
                "init changes no table that exists",
            )
    if reads and not lacking:
        yield Finding("indexes", f"{table.fullname} serves {'; '.join(one.purpose for one in reads.values())}", values)


def _reads(application: Application, table: Table) -> Iterator[Read]:
    for _, entity in application.entities:
        if entity.table is table:
            yield from reads_of_entity(entity)
    yield from reads_of_references(table)
    for mapper in application.mappers:
        yield from reads_of_relationships(mapper, table)


def _model(application: Application, table: Table) -> str:
    return next((mapper.class_.__name__ for mapper in application.mappers if mapper.local_table is table), table.name)
