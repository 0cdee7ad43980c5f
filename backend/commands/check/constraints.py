"""Compares the unique keys, indexes, foreign keys and checks of a table with those of its model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, Connection, Enum, ForeignKeyConstraint, Table, inspect
from sqlalchemy.engine.interfaces import ReflectedCheckConstraint, ReflectedForeignKeyConstraint

from backend.commands.check.catalogue import Relation
from backend.commands.check.declared import exclusions, plain_indexes, unique_keys
from backend.commands.check.indexes import (
    Index,
    closest,
    differences,
    is_same_key,
    is_stricter,
    keeps,
    listed,
    replaces,
)
from backend.commands.check.sql_words import is_same, sql_of, words_of
from backend.entity.column_types import database_type


@dataclass(frozen=True, slots=True)
class Difference:
    """What a table lacks or has otherwise than its model, and what to change."""

    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Constraints:
    """The foreign keys and checks of one table in the database."""

    foreign_keys: Sequence[ReflectedForeignKeyConstraint]
    checks: Sequence[ReflectedCheckConstraint]


def read_constraints(connection: Connection, tables: Sequence[Table]) -> Mapping[str, Constraints]:
    """Return the constraints by the full name of the table: two statements for each schema."""
    inspector = inspect(connection)
    found: dict[str, Constraints] = {}
    for schema in {table.schema for table in tables}:
        of_schema = {table.name: table.fullname for table in tables if table.schema == schema}
        foreign_keys = inspector.get_multi_foreign_keys(schema, [*of_schema])
        checks = inspector.get_multi_check_constraints(schema, [*of_schema])
        for name, fullname in of_schema.items():
            found[fullname] = Constraints(foreign_keys.get((schema, name), ()), checks.get((schema, name), ()))
    return found


def constraint_differences(
    table: Table, relation: Relation, actual: Constraints, owner: Column[object] | None
) -> Iterator[Difference]:
    """Yield each difference; that of an index last."""
    keys = [*unique_keys(table)]
    for key in keys:
        if not any(is_same_key(index, key) for index in relation.indexes):
            kind = "primary key" if key.columns == tuple(column.name for column in table.primary_key) else "unique key"
            yield _difference(kind, key, relation.indexes)
    for index in relation.indexes:
        if is_stricter(index, keys):
            text = f"has the unique index {index.name} on ({listed(index)}), which the model does not declare"
            yield Difference(text, "declare it in the model, or drop it")
    for exclusion in exclusions(table):
        if not any(keeps(index, exclusion) for index in relation.indexes):
            yield _difference("exclusion constraint", exclusion, ())
    for foreign_key in sorted(table.foreign_key_constraints, key=lambda one: tuple(one.column_keys)):
        yield from _foreign_key_differences(foreign_key, actual.foreign_keys)
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint) and not _is_of_a_native_type(constraint):
            yield from _check_differences(constraint, actual.checks)
    for index in plain_indexes(table):
        if not any(replaces(one, index, None if owner is None else owner.name) for one in relation.indexes):
            yield _difference("index", index, relation.indexes)


def _difference(kind: str, declared: Index, actual: Sequence[Index]) -> Difference:
    text = f"has no {kind} ({listed(declared)}){_named(declared.name)}"
    near = closest(actual, declared)
    if near is None:
        return Difference(text, f"create it in the database: {_NOT_INIT}")
    if not near.is_valid:
        return Difference(f"{text}: {near.name} is invalid", f"reindex {near.name}, whose creation failed")
    reasons = ", ".join(differences(near, declared))
    return Difference(f"{text}: {near.name} {reasons}", f"create it in the database: {_NOT_INIT}")


_NOT_INIT: Final = "init changes no table that exists"


def _named(name: object) -> str:
    return f", which the model names {name}" if name else ""


def _foreign_key_differences(
    declared: ForeignKeyConstraint, actual: Sequence[ReflectedForeignKeyConstraint]
) -> Iterator[Difference]:
    table, referred = declared.table, declared.referred_table
    pairs = {(element.parent.name, element.column.name) for element in declared.elements}
    columns = ", ".join(element.parent.name for element in declared.elements)
    same = [one for one in actual if _pairs(one) == pairs and _refers_to(one, referred)]
    if not same:
        to = f"has no foreign key ({columns}) to {referred.fullname}"
        yield Difference(f"{to}{_named(declared.name)}", f"create it in the database: {_NOT_INIT}")
        return
    wanted = _actions(declared.ondelete, declared.onupdate, declared.deferrable, declared.initially)
    others = [_actions_of(one) for one in same]
    if wanted not in others:
        yield Difference(
            f"has the foreign key ({columns}) to {referred.fullname} with {others[0]}, the model with {wanted}",
            f"recreate {same[0]['name']} of {table.fullname} in the database: {_NOT_INIT}",
        )


def _pairs(actual: ReflectedForeignKeyConstraint) -> set[tuple[str, str]]:
    return set(zip(actual["constrained_columns"], actual["referred_columns"], strict=True))


def _refers_to(actual: ReflectedForeignKeyConstraint, referred: Table) -> bool:
    """Return whether it refers to this table; one whose schema is not said is in the search path."""
    schema = actual["referred_schema"]
    return actual["referred_table"] == referred.name and (schema is None or schema == referred.schema)


def _actions_of(actual: ReflectedForeignKeyConstraint) -> str:
    options = actual.get("options", {})
    return _actions(
        options.get("ondelete"), options.get("onupdate"), options.get("deferrable"), options.get("initially")
    )


def _actions(ondelete: str | None, onupdate: str | None, deferrable: bool | None, initially: str | None) -> str:
    parts = [f"ON {event} {_words(action)}" for event, action in (("DELETE", ondelete), ("UPDATE", onupdate))]
    parts = [part for part in parts if not part.endswith(("None", "NO ACTION"))]
    if deferrable:
        parts.append("DEFERRABLE")
    if deferrable and (initially or "").upper() == "DEFERRED":
        parts.append("INITIALLY DEFERRED")
    return " ".join(parts) or "no action"


def _words(action: str | None) -> str:
    return "None" if action is None else " ".join(action.upper().split())


def _check_differences(declared: CheckConstraint, actual: Sequence[ReflectedCheckConstraint]) -> Iterator[Difference]:
    own = sql_of(declared.sqltext)
    if any(is_same(own, one["sqltext"]) for one in actual):
        return
    named = next((one for one in actual if declared.name and one["name"] == declared.name), None)
    if named is None:
        text = f"has no check of {', '.join(sorted(words_of(own)))}{_named(declared.name)}"
    else:
        text = f"has another condition in the check {named['name']} than the model"
    yield Difference(text, f"create it in the database: {_NOT_INIT}")


def _is_of_a_native_type(constraint: CheckConstraint) -> bool:
    """Return whether SQLAlchemy declares it for types that have no such values, and PostgreSQL's has them."""
    columns: list[Column[object]] = [*constraint.columns]
    if len(columns) != 1:
        return False
    kind, words = database_type(columns[0]), words_of(sql_of(constraint.sqltext)) - {columns[0].name.lower()}
    if isinstance(kind, Boolean):
        return words <= {"0", "1"}
    labels = words_of(" ".join(kind.enums)) if isinstance(kind, Enum) and kind.native_enum else frozenset[str]()
    return bool(labels) and words == labels
