"""Reads what the database has by the names of tables: of which kind it is, and its indexes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Row,
    Select,
    SmallInteger,
    String,
    Table,
    TableValuedAlias,
    Text,
    and_,
    column,
    func,
    literal,
    select,
    table,
    true,
)

from backend.commands.check.indexes import Index, IndexKey, expression_name, unless_default


@dataclass(frozen=True, slots=True)
class Relation:
    """What the database has by a name."""

    kind: str
    """The letter of `pg_class.relkind`."""
    indexes: tuple[Index, ...]


def read_relations(connection: Connection, tables: Sequence[Table]) -> Mapping[str, Relation]:
    """Return what is there, by the full name of the table. One statement, which reads the catalogue and no table."""
    preparer = connection.dialect.identifier_preparer
    names = {preparer.format_table(one): one.fullname for one in tables}
    rows: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_select([*names])):
        rows.setdefault(names[row.asked], []).append(row)
    return {name: Relation(of[0].kind, tuple(_indexes(of))) for name, of in rows.items()}


def _indexes(rows: Sequence[Row[Any]]) -> Iterator[Index]:
    by_index: dict[str, list[Row[Any]]] = {}
    for row in rows:
        if row.index_name is not None:
            by_index.setdefault(row.index_name, []).append(row)
    for name, keys in by_index.items():
        first = keys[0]
        yield Index(
            name,
            tuple(_key(key) for key in keys if not key.is_included),
            first.method,
            first.predicate,
            frozenset(key.attribute for key in keys if key.is_included),
            first.is_unique,
            first.is_valid,
            not first.is_immediate,
            first.nulls_not_distinct,
            first.is_exclusion,
        )


def _key(row: Row[Any]) -> IndexKey:
    name: str = expression_name(row.expression) if row.attribute is None else row.attribute
    if row.collation is not None:
        name += f" collate {row.collation}"
    descending, nulls_first = bool(row.option & 1), bool(row.option & 2)
    return IndexKey(name, descending, nulls_first, unless_default(row.operator_class))


_CLASS: Final = table(
    "pg_class", column("oid", BigInteger), column("relname", String), column("relkind", String),
    column("relam", BigInteger), schema="pg_catalog",
)  # fmt: skip
_INDEX: Final = table(
    "pg_index", column("indexrelid", BigInteger), column("indrelid", BigInteger), column("indnatts", Integer),
    column("indnkeyatts", Integer), column("indisunique", Boolean), column("indimmediate", Boolean),
    column("indisvalid", Boolean), column("indisready", Boolean), column("indisexclusion", Boolean),
    column("indpred", String),
    column("indkey", ARRAY(SmallInteger)), column("indcollation", ARRAY(BigInteger)),
    column("indclass", ARRAY(BigInteger)), column("indoption", ARRAY(SmallInteger)), schema="pg_catalog",
)  # fmt: skip
_METHOD: Final = table("pg_am", column("oid", BigInteger), column("amname", String), schema="pg_catalog")
_ATTRIBUTE: Final = table(
    "pg_attribute", column("attrelid", BigInteger), column("attnum", SmallInteger), column("attname", String),
    column("attcollation", BigInteger), schema="pg_catalog",
)  # fmt: skip
_OPERATORS: Final = table(
    "pg_opclass", column("oid", BigInteger), column("opcname", String), column("opcdefault", Boolean),
    schema="pg_catalog",
)  # fmt: skip
_COLLATION: Final = table("pg_collation", column("oid", BigInteger), column("collname", String), schema="pg_catalog")
_INDEX_CLASS: Final = _CLASS.alias("own")
"""The row of the index itself; `_CLASS` is that of its table."""
_NUMBER: Final = (
    func.generate_series(1, _INDEX.c.indnatts).table_valued(column("n", Integer), name="number").render_derived().c.n
)
"""The number of a key within its index."""


def _select(names: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """Return the SELECT of each key of each index of the tables with these names, and of those without an index."""
    asked = func.unnest(literal(names, ARRAY(Text))).table_valued(column("name", Text), name="asked").render_derived()
    definition = func.pg_get_indexdef(_INDEX.c.indexrelid, type_=String())
    return (
        select(
            asked.c.name.label("asked"),
            _CLASS.c.relkind.label("kind"),
            _INDEX_CLASS.c.relname.label("index_name"),
            _METHOD.c.amname.label("method"),
            _INDEX.c.indisunique.label("is_unique"),
            (_INDEX.c.indisvalid & _INDEX.c.indisready).label("is_valid"),
            _INDEX.c.indimmediate.label("is_immediate"),
            func.pg_get_expr(_INDEX.c.indpred, _INDEX.c.indrelid, type_=String()).label("predicate"),
            definition.contains("NULLS NOT DISTINCT").label("nulls_not_distinct"),
            _INDEX.c.indisexclusion.label("is_exclusion"),
            (_INDEX.c.indnkeyatts < _NUMBER).label("is_included"),
            _ATTRIBUTE.c.attname.label("attribute"),
            func.pg_get_indexdef(_INDEX.c.indexrelid, _NUMBER, literal(True), type_=String()).label("expression"),
            _nth(_INDEX.c.indoption).label("option"),
            _OPERATORS.c.opcname.label("operator_class"),
            _COLLATION.c.collname.label("collation"),
        )
        .select_from(_join_indexes(asked))
        .order_by(asked.c.name, _INDEX_CLASS.c.relname, _NUMBER)
    )


def _join_indexes(asked: TableValuedAlias) -> FromClause:
    """Return the tables of these names, with their indexes, and with what the catalogue has of each key."""
    key_collation = _nth(_INDEX.c.indcollation)
    return (
        asked.join(_CLASS, _CLASS.c.oid == func.to_regclass(asked.c.name))
        .outerjoin(_INDEX, _INDEX.c.indrelid == _CLASS.c.oid)
        .outerjoin(_INDEX_CLASS, _INDEX_CLASS.c.oid == _INDEX.c.indexrelid)
        .outerjoin(_METHOD, _METHOD.c.oid == _INDEX_CLASS.c.relam)
        .outerjoin(_NUMBER.table, true())
        .outerjoin(
            _ATTRIBUTE, and_(_ATTRIBUTE.c.attrelid == _CLASS.c.oid, _ATTRIBUTE.c.attnum == _nth(_INDEX.c.indkey))
        )
        .outerjoin(_OPERATORS, and_(_OPERATORS.c.oid == _nth(_INDEX.c.indclass), ~_OPERATORS.c.opcdefault))
        .outerjoin(_COLLATION, and_(_COLLATION.c.oid == key_collation, _COLLATION.c.oid != _ATTRIBUTE.c.attcollation))
    )


def _nth(array: ColumnElement[Any]) -> ColumnElement[Any]:
    return array[_NUMBER - 1]  # PostgreSQL numbers these arrays from 0
