"""The statements that write the rows that meet conditions, and the upserts, as their SQL."""

import re
from collections.abc import Callable
from types import new_class
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, Identity, MetaData
from sqlmodel import Field, SQLModel, col

from backend.entity.checks import ClassOptions, define
from backend.errors import UsageError
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.statements import Statements
from backend.statements.upsert_shape import UpsertShape
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.support.compiling import SHELVES, compiled
from tests.support.models.suite import Note, NoteCreate, NoteUpdate, Shelf

CANARY = "canary-7d1f"
TASKS = Statements(
    define(
        "TaskRepository",
        (Task, TaskCreate, TaskUpdate, int, str),
        ClassOptions(owner=col(Task.user_id), version=col(Task.updated_at)),
    ),
    scoped=True,
)
NOTES = Statements(
    define("NoteRepository", (Note, NoteCreate, NoteUpdate, UUID, str), ClassOptions(version=col(Note.revision))),
    scoped=False,
)
NAMES = ("id", "title", "description", "completed", "user_id", "created_at", "updated_at")
TITLED = (col(Task.title) == "x",)
MET = "WITH met AS (SELECT task.id AS key_0 FROM task WHERE task.user_id = %(the_owner)s"
THIS = "WHERE task.id = met.key_0 AND task.user_id = %(the_owner)s RETURNING "
LATER = "updated_at=greatest(clock_timestamp(), updated_at + %(updated_at_1)s)"
SET = f"UPDATE task SET title=%(the_assigned_0)s, {LATER} FROM met"


def counted(first: int) -> str:
    """SELECT of the number of rows, which fails unless it is that of the rows that were met."""
    zero, lower, one, other, count, result = (f"%(param_{first + number})s" for number in range(6))
    return (
        f"SELECT count(*) AS count_1 FROM written HAVING width_bucket({zero}, {lower}, CASE WHEN (count(*) = (SELECT "
        f"count(*) AS count_2 FROM met)) THEN {one} ELSE {other} END, {count}) = {result}"
    )


def returned(first: int) -> str:
    """SELECT of the rows by key, which fails unless each that was met was written."""
    zero, lower, one, other, count, result = (f"%(param_{first + number})s" for number in range(6))
    return (
        f"SELECT {', '.join(f'written.{name}' for name in NAMES)} FROM written WHERE width_bucket({zero}, {lower}, "
        "CASE WHEN ((SELECT count(*) AS count_1 FROM written) = (SELECT count(*) AS count_2 FROM met)) THEN "
        f"{one} ELSE {other} END, {count}) = {result} ORDER BY written.id"
    )


COLUMNS = ", ".join(f"task.{name}" for name in NAMES)


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (
            TASKS.update_where({"title": "x"}, TITLED, returning=False),
            f"{MET} AND task.title = %(the_condition_0)s ORDER BY task.id FOR NO KEY UPDATE), "
            f"written AS ({SET} {THIS}task.id) {counted(1)}",
        ),
        (
            TASKS.update_where({"title": "x"}, (), returning=True),
            f"{MET} ORDER BY task.id FOR NO KEY UPDATE), written AS ({SET} {THIS}{COLUMNS}) {returned(1)}",
        ),
        (
            TASKS.delete_where(TITLED, returning=False),
            f"{MET} AND task.title = %(the_condition_0)s ORDER BY task.id FOR UPDATE), "
            f"written AS (DELETE FROM task USING met {THIS}task.id) {counted(1)}",
        ),
        (
            TASKS.delete_where((), returning=True),
            f"{MET} ORDER BY task.id FOR UPDATE), written AS (DELETE FROM task USING met {THIS}{COLUMNS}) "
            f"{returned(1)}",
        ),
    ],
    ids=["update", "update returning", "delete", "delete returning"],
)
def test_a_write_by_condition_compiles_to_its_sql(statement: ScopedStatement, sql: str) -> None:
    assert compiled(statement).sql == sql


def test_an_update_by_condition_is_built_once_for_each_set_of_columns() -> None:
    one = TASKS.update_where({"title": "a"}, [col(Task.title) == "b"], returning=False)
    other = TASKS.update_where({"title": "c"}, [col(Task.title) == "d"], returning=False)
    assert one.statement is other.statement
    assert [list(made.values.values()) for made in (one, other)] == [["b", "a"], ["d", "c"]]
    for values in ({"title": "a", "completed": True}, {"completed": True}):
        assert TASKS.update_where(values, [col(Task.title) == "b"], returning=False).statement is not one.statement


def test_update_with_the_row_before_compiles_to_its_sql() -> None:
    statements = Statements(SHELVES.entity, scoped=True, returns_old=True)
    old = '"old".id AS id_1, "old".owner_id AS owner_id_1, "old".code AS code_1, "old".label AS label_1, '
    names = ("id", "owner_id", "code", "label", "note", "revision")
    assert compiled(statements.update, ["note"]).sql == (
        "UPDATE shelf SET note=%(note)s, revision=(revision + %(revision_1)s) WHERE shelf.id = %(the_id)s AND "
        f"shelf.owner_id = %(the_owner)s RETURNING {', '.join(f'shelf.{name}' for name in names)}, {old}"
        '"old".note AS note_1, "old".revision AS revision_2'
    )
    assert (statements.update.needs_18, SHELVES.update.needs_18) == (True, False)


def test_a_table_called_old_has_no_row_before() -> None:
    model = new_class("Aged", (SQLModel,), {"table": True}, _aged)
    entity = define("AgedRepository", (model, BaseModel, BaseModel, int, str), ClassOptions())
    with pytest.raises(UsageError, match="its table is called old, as PostgreSQL calls the row before"):
        Statements(entity, scoped=False, returns_old=True)


def _aged(namespace: dict[str, object]) -> None:
    namespace |= {
        "__module__": __name__,
        "__tablename__": "old",
        "__annotations__": {"id": int},
        "metadata": MetaData(),
        "id": Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True)),
    }


def test_upsert_of_one_row_compiles_to_its_sql_for_each_server() -> None:
    statement = SHELVES.upsert_one(SHELVES.upsert(col(Shelf.code), "set"), frozenset({"note"}))
    upserted = (
        "INSERT INTO shelf (owner_id, code, note) VALUES (%(the_owner)s, %(code)s, %(note)s) ON CONFLICT "
        "(owner_id, code) DO UPDATE SET note = excluded.note, revision = (shelf.revision + %(revision_1)s) WHERE "
        "shelf.owner_id = %(the_owner)s RETURNING shelf.id, shelf.owner_id, shelf.code, shelf.label, shelf.note, "
        "shelf.revision, "
    )
    older = statement.before_18
    assert older is not None
    assert compiled(statement, ["code", "note"]).sql == f'{upserted}"old".id IS NULL AS anon_1'
    assert compiled(older, ["code", "note"]).sql == f"{upserted}CAST(xmax AS TEXT) = %(param_1)s AS anon_1"
    assert SHELVES.upsert_one(SHELVES.upsert(col(Shelf.code), "set"), frozenset({"note"})) is statement


def test_upsert_of_many_rows_compiles_to_its_sql() -> None:
    shape = UpsertShape(("code", "note"), frozenset(), ("note",), frozenset(), False, False)
    made = compiled(SHELVES.upsert_many(SHELVES.upsert(col(Shelf.code), "set"), shape).statement)
    columns = ("id", "owner_id", "code", "label", "note", "revision")
    assert made.sql == (
        "WITH new_rows AS (SELECT given.position AS position, given.value_0 AS value_0, given.value_1 AS value_1, "
        "%(the_owner)s AS value_2 FROM unnest(%(the_values_0)s::TEXT[], %(the_values_1)s::TEXT[]) WITH ORDINALITY AS "
        "given(value_0, value_1, position)), written AS (INSERT INTO shelf (code, note, owner_id) SELECT "
        "new_rows.value_0 AS value_0, new_rows.value_1 AS value_1, new_rows.value_2 AS value_2 FROM new_rows ORDER BY "
        "new_rows.value_0, new_rows.position ON CONFLICT (owner_id, code) DO UPDATE SET note = excluded.note, "
        "revision = (shelf.revision + %(revision_1)s) WHERE shelf.owner_id = %(the_owner)s RETURNING "
        + ", ".join(f"shelf.{name}" for name in columns)
        + ', "old".id IS NULL AS is_new), result AS (SELECT new_rows.position AS position, '
        + ", ".join(f"written.{name} AS column_{at}" for at, name in enumerate(columns))
        + ", written.is_new AS is_new FROM new_rows JOIN written ON written.code = new_rows.value_0) SELECT "
        + ", ".join(f"result.column_{at}" for at in range(len(columns)))
        + ", result.is_new FROM result WHERE width_bucket(%(param_1)s, %(param_2)s, CASE WHEN ((SELECT count(*) AS "
        "count_1 FROM result) = %(the_count)s) THEN %(param_3)s ELSE %(param_4)s END, %(param_5)s) = %(param_6)s "
        "ORDER BY result.position"
    )
    assert made.parameters["the_owner"] is None


OF_ONE = frozenset({"note"})
EACH = UpsertShape(("code", "label", "note"), frozenset(), ("note",), frozenset(), False, False)
SOME = UpsertShape(("code", "label", "note"), frozenset({"note"}), ("note",), frozenset({"note"}), True, False)
NONE = UpsertShape(("code", "label", "note"), frozenset(), (), frozenset(), True, True)
WRITES: dict[str, Callable[[Statements[Any]], ScopedStatement]] = {
    "upsert": lambda s: s.upsert_one(s.upsert(col(Shelf.code), "set"), OF_ONE),
    "get_or_create": lambda s: s.upsert_many(s.upsert(col(Shelf.code), "nothing"), NONE).statement,
    "upsert of many": lambda s: s.upsert_many(s.upsert(col(Shelf.code), "set"), EACH).statement,
    "upsert of different fields": lambda s: s.upsert_many(s.upsert(col(Shelf.code), "set"), SOME).statement,
    "upsert by a shared key": lambda s: s.upsert_many(s.upsert(col(Shelf.label), (col(Shelf.note),)), EACH).statement,
    "upsert of NULL": lambda s: s.upsert_many(s.upsert(col(Shelf.label), "nothing"), NONE).statement,
}


@pytest.mark.parametrize("make", WRITES.values(), ids=WRITES)
def test_an_upsert_names_its_owner_by_a_parameter_and_is_built_once(
    make: Callable[[Statements[Any]], ScopedStatement],
) -> None:
    statement = make(SHELVES)
    made = compiled(statement, ["code", "note"])
    reads_and_changes = re.findall(r"(?:FROM|JOIN) shelf\b|DO UPDATE SET", made.sql)
    assert made.sql.count("%(the_owner)s") == len(reads_and_changes) + 1  # one for the new rows
    assert made.parameters["the_owner"] is None
    assert make(SHELVES) is statement


@pytest.mark.parametrize("returning", [False, True])
def test_the_values_of_a_write_by_condition_are_bound(returning: bool) -> None:
    where = (col(Task.title) == CANARY,)
    for statement in (
        TASKS.update_where({"title": CANARY}, where, returning=returning),
        TASKS.delete_where(where, returning=returning),
    ):
        made = compiled(statement)
        assert CANARY not in made.sql
        assert CANARY in made.parameters.values()


def test_new_rows_with_drawn_keys_are_inserted_in_the_order_of_the_keys_and_returned_in_that_of_the_data() -> None:
    made = compiled(NOTES.insert_many(("text", "rank"), frozenset({"rank"}), returning=True).statement)
    assert made.sql == (
        "WITH new_rows AS (SELECT given.position AS position, given.value_0 AS value_0, CASE WHEN given.is_set_1 THEN "
        "given.value_1 ELSE NULL END AS value_1, gen_random_uuid() AS value_2 FROM unnest(%(the_values_0)s::TEXT[], "
        "%(the_values_1)s, %(the_mask_1)s) WITH ORDINALITY AS given(value_0, value_1, is_set_1, position)), written AS "
        "(INSERT INTO note (text, rank, id) SELECT new_rows.value_0 AS value_0, new_rows.value_1 AS value_1, "
        "new_rows.value_2 AS value_2 FROM new_rows ORDER BY new_rows.value_2 RETURNING note.id, note.text, note.rank, "
        "note.revision) SELECT written.id, written.text, written.rank, written.revision FROM written LEFT OUTER JOIN "
        "new_rows ON written.id = new_rows.value_2 WHERE width_bucket(%(param_1)s, %(param_2)s, CASE WHEN ((SELECT "
        "count(*) AS count_1 FROM written) = %(the_count)s) THEN %(param_3)s ELSE %(param_4)s END, %(param_5)s) = "
        "%(param_6)s AND width_bucket(%(param_7)s, %(param_8)s, CASE WHEN (new_rows.position IS NOT NULL) THEN "
        "%(param_9)s ELSE %(param_10)s END, %(param_11)s) = %(param_12)s ORDER BY new_rows.position"
    )
