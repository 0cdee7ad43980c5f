"""The statements that write the rows that meet conditions, and an upsert of one row, as their SQL."""

import pytest
from sqlmodel import col

from backend.entity.checks import ClassOptions, define
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.statements import Statements
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.support.compiling import compiled
from tests.support.models.suite import Shelf, ShelfCreate, ShelfUpdate

TASKS = Statements(
    define(
        "TaskRepository",
        (Task, TaskCreate, TaskUpdate, int, str),
        ClassOptions(owner=col(Task.user_id), version=col(Task.updated_at)),
    ),
    scoped=True,
)
SHELVES = Statements(
    define(
        "ShelfRepository",
        (Shelf, ShelfCreate, ShelfUpdate, int, str),
        ClassOptions(owner=col(Shelf.owner_id), version=col(Shelf.revision), shared_keys=(col(Shelf.label),)),
    ),
    scoped=True,
)
NAMES = ("id", "title", "description", "completed", "user_id", "created_at", "updated_at")
TITLED = (col(Task.title) == "x",)
MET = "WITH met AS (SELECT task.id AS key_0 FROM task WHERE task.user_id = %(the_owner)s"
THIS = "WHERE task.id = met.key_0 AND task.user_id = %(the_owner)s RETURNING "
SET = (
    "UPDATE task SET title=%(param_1)s, updated_at=greatest(clock_timestamp(), updated_at + %(updated_at_1)s) FROM met"
)


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
            f"{MET} AND task.title = %(title_1)s ORDER BY task.id FOR NO KEY UPDATE), written AS ({SET} {THIS}task.id) "
            f"{counted(2)}",
        ),
        (
            TASKS.update_where({"title": "x"}, (), returning=True),
            f"{MET} ORDER BY task.id FOR NO KEY UPDATE), written AS ({SET} {THIS}{COLUMNS}) {returned(2)}",
        ),
        (
            TASKS.delete_where(TITLED, returning=False),
            f"{MET} AND task.title = %(title_1)s ORDER BY task.id FOR UPDATE), written AS (DELETE FROM task USING met "
            f"{THIS}task.id) {counted(1)}",
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
