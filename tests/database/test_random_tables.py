"""`fields` name what a violated constraint concerns, as the server's own catalogue has it, or nothing: never wrong.

Tables are made at random from metadata; the oracle reads pg_constraint, pg_index and pg_attribute, no metadata.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Engine,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import IdentifierError, ProgrammingError

from backend import Database
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.errors import ConstraintViolationError
from tests.conftest import Server
from tests.support.extensions import create_extensions_or_skip

ATTRIBUTES = ("a", "b", "c", "d")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def engine(server: Server, direct: Database) -> Iterator[Engine]:
    create_extensions_or_skip(server.url, "btree_gist")
    engine = direct.engine
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS elsewhere"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA elsewhere CASCADE"))


# Names: plain, quoted, with a per cent sign, and longer in bytes than PostgreSQL keeps.
suffixes = st.sampled_from(["", "Wide Name", 'q"uote', "per%cent", "l" * 70, "ü" * 55])
names = st.one_of(st.none(), st.sampled_from(["x", "y", 'Q"', "per%cent", "ü" * 60, "n" * 63]))
some = st.lists(st.sampled_from(ATTRIBUTES), min_size=1, max_size=2, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table and its parent, each column named otherwise than its attribute now and then."""
    number = next(_numbers)
    suffix = draw(suffixes)
    schema = draw(st.sampled_from([None, "elsewhere"]))
    metadata = MetaData(
        schema=schema,
        naming_convention=draw(
            st.sampled_from(
                [
                    {},
                    {"uq": "uq_%(table_name)s_%(column_0_N_name)s", "fk": "fk_%(table_name)s_%(column_0_N_name)s"},
                    {"pk": "pk_" + "long_" * 14 + "%(table_name)s"},
                ]
            )
        ),
    )
    parent = Table(f"parent{number}", metadata, Column("id", Integer, primary_key=True))
    kept = suffix.encode()[:50].decode(errors="ignore") if draw(st.booleans()) else ""
    columns = {key: Column(f"{key}{kept}", Integer) for key in ATTRIBUTES}
    table = Table(f"t{number}{suffix}"[:60], metadata, Column("id", Integer, primary_key=True), *columns.values())
    for kind in draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=5)):
        chosen = [columns[key] for key in draw(some)]
        name = draw(names)
        KINDS[kind](table, parent, chosen, f"{name}{kind}{draw(st.integers(0, 9))}" if name else None)
    return table


def _unique(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    table.append_constraint(UniqueConstraint(*columns, name=name and name[:63]))


def _index(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    Index(_index_name(table, name), *columns, unique=True, postgresql_include=[table.c.id])


def _partial(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    Index(_index_name(table, name), *columns, unique=True, postgresql_where=table.c.id > 0)


def _expression(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    Index(_index_name(table, name), func.abs(sum(columns[1:], columns[0])), columns[-1], unique=True)


def _in_a_string(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    quoted = columns[0].name.replace('"', '""').replace("%", "%%")
    Index(_index_name(table, name), text(f'abs("{quoted}")'), columns[-1], unique=True)


def _index_name(table: Table, name: str | None) -> str:
    return f"{name or 'ix'}_{len(table.indexes)}_{table.name}"[: 60 if (name or "").isascii() else 63]


def _check(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    table.append_constraint(CheckConstraint(sum(columns[1:], columns[0]) > 0, name=name and name[:50]))


def _check_in_a_string(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    quoted = columns[0].name.replace('"', '""').replace("%", "%%")
    table.append_constraint(CheckConstraint(f'"{quoted}" > 0', name=name and name[:50]))


def _exclusion(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    table.append_constraint(ExcludeConstraint(*((column, "=") for column in columns), name=name and name[:63]))


def _exclusion_of_an_expression(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    elements = ((func.abs(sum(columns[1:], columns[0])), "="), (columns[-1], "="))
    table.append_constraint(ExcludeConstraint(*elements, name=name and name[:63]))


def _foreign_key(table: Table, parent: Table, columns: list[Column[int]], name: str | None) -> None:
    table.append_constraint(ForeignKeyConstraint([columns[0]], [parent.c.id], name=name and name[:63]))


def _own_foreign_key(table: Table, _parent: Table, columns: list[Column[int]], name: str | None) -> None:
    table.append_constraint(ForeignKeyConstraint([columns[0]], [table.c.id], name=name and name[:63]))


def _not_null(_table: Table, _parent: Table, columns: list[Column[int]], _name: str | None) -> None:
    columns[0].nullable = False


KINDS = {
    "nn": _not_null,
    "uq": _unique,
    "ix": _index,
    "px": _partial,
    "ex": _expression,
    "sx": _in_a_string,
    "ck": _check,
    "cs": _check_in_a_string,
    "xc": _exclusion,
    "xe": _exclusion_of_an_expression,
    "fk": _foreign_key,
    "of": _own_foreign_key,
}

rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(1, 20),
            **dict.fromkeys(ATTRIBUTES, st.one_of(st.integers(-1, 2), st.none())),
        }
    ),
    min_size=4,
    max_size=10,
)


def violations(connection: Connection, table: Table, given_rows: list[dict[str, int | None]]) -> Iterator[Any]:
    """The errors of inserting these rows and deleting from both sides, with the table that each is reported for."""
    attributes = {"id": table.c.id} | dict(zip(ATTRIBUTES, list(table.c)[1:], strict=True))
    operation = Operation("create", "Random", table, columns=attributes)
    parent = next(one for one in table.metadata.sorted_tables if one is not table)
    parent_operation = Operation("delete", "Parent", parent, columns={"key": parent.c.id})
    connection.execute(insert(parent), [{"id": 1}, {"id": 2}])
    statements = [
        *(
            (operation, insert(table).values({attributes[key]: value for key, value in row.items()}))
            for row in given_rows
        ),
        (parent_operation, delete(parent)),
        (operation, delete(table).where(table.c.id == 1)),
        (parent_operation, insert(parent).values(id=1)),
    ]
    for about, statement in statements:
        try:
            with connection.begin_nested(), translate_errors(about, "statement", connection):
                connection.execute(statement)
        except ConstraintViolationError as error:
            yield about, error


def concerned(connection: Connection, error: ConstraintViolationError, operation: Operation) -> set[str]:
    """The columns that the server's catalogue gives to what its report names, if it reports the work's own table."""
    assert operation.table is not None
    driver: Any = error.driver_error
    said = driver.orig.diag
    own = connection.execute(
        text("SELECT to_regclass(:one) = to_regclass(:other)"),
        {
            "one": _dotted(said.schema_name, said.table_name),
            "other": _dotted(operation.table.schema or "public", operation.table.name),
        },
    ).scalar()
    if not own:
        return set()
    if said.column_name:
        return {said.column_name}
    relation = _dotted(said.schema_name, said.table_name)
    kind = {"23503": "f", "23001": "f", "23514": "c"}.get(said.sqlstate, "index")
    named = {"name": said.constraint_name, "relation": relation, "kind": kind}
    return set(connection.execute(text(_CATALOGUE), named).scalars())


_CATALOGUE = """
    SELECT a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
    WHERE c.conname = :name AND c.conrelid = to_regclass(:relation) AND c.contype = :kind
    UNION
    SELECT a.attname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND (
        EXISTS (SELECT FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n)
                WHERE k.attnum = a.attnum AND k.n <= i.indnkeyatts)
        OR i.indexprs IS NOT NULL AND EXISTS (
            SELECT FROM pg_depend d WHERE d.objid = i.indexrelid AND d.refobjid = i.indrelid
            AND d.refobjsubid = a.attnum))
    WHERE x.relname = :name AND i.indrelid = to_regclass(:relation) AND :kind = 'index'
"""
"""The columns of a constraint or unique index: of its key, and those that its expressions mention."""


def _dotted(schema: str, name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))


def test_fields_are_those_of_the_catalogue_or_none(engine: Engine) -> None:
    seen: Counter[tuple[str, bool]] = Counter()

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(tables(), rows)
    def hold(table: Table, given_rows: list[dict[str, int | None]]) -> None:
        with engine.connect() as connection, connection.begin() as transaction:
            try:
                table.metadata.create_all(connection)
            except (ProgrammingError, IdentifierError):  # two of the random names are one
                reject()
            for operation, error in violations(connection, table, given_rows):
                truth = concerned(connection, error, operation)
                named = {operation.columns[field].name for field in error.fields}
                assert named in (set(), truth), (error, truth)
                seen[type(error).__name__, bool(named)] += 1
            transaction.rollback()

    hold()
    assert sum(count for (_, named), count in seen.items() if named) > 50, seen
