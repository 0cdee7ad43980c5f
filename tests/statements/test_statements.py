"""Every statement as the SQL that it compiles to: scoped in its own text, values bound, orders total."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select, Text, and_, bindparam, func, select, true
from sqlmodel import SQLModel, col

from backend import typed
from backend.entity.checks import ClassOptions, define
from backend.entity.parameters import EXPECTED_PARAMETER, keys_parameter
from backend.errors import OwnerRequiredError, UsageError
from backend.statements.assignments import Assignment
from backend.statements.change import Change
from backend.statements.keyset import Position
from backend.statements.locks import Lock
from backend.statements.ordering import Order
from backend.statements.scope.scoped import ScopedStatement
from backend.statements.statements import Statements
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.support.compiling import compiled
from tests.support.models.suite import Note, NoteCreate, NoteUpdate

CANARY = "canary-7d1f"
A_MICROSECOND = timedelta(microseconds=1)


TASK = define(
    "TaskRepository",
    (Task, TaskCreate, TaskUpdate, int, str),
    ClassOptions(owner=col(Task.user_id), version=col(Task.updated_at)),
)
NOTE = define("NoteRepository", (Note, NoteCreate, NoteUpdate, UUID, str), ClassOptions(version=col(Note.revision)))
SCOPED, OPEN = Statements(TASK, scoped=True), Statements(TASK, scoped=False)
_SHOWN = (col(Task.title), func.lower(col(Task.title)))
VIEWS: dict[Statements[Any], Statements[Any]] = {
    SCOPED: Statements(TASK, scoped=True, columns=_SHOWN),
    OPEN: Statements(TASK, scoped=False, columns=_SHOWN),
}
"""The statements of a view, by those of its model."""

COLUMNS = "task.id, task.title, task.description, task.completed, task.user_id, task.created_at, task.updated_at"
NAMES = [column.removeprefix("task.") for column in COLUMNS.split(", ")]
WRITTEN = ", ".join(f"written.{name}" for name in NAMES)
PAGE_COLUMNS = ", ".join(f'"column {number}"' for number in range(len(NAMES)))
CARRIED = ", ".join(f'task.{name} AS "column {number}"' for number, name in enumerate(NAMES))
MINE = "task.user_id = %(the_owner)s"
THIS = f"WHERE task.id = %(the_id)s AND {MINE}"
LATER = "updated_at=greatest(clock_timestamp(), updated_at + %(updated_at_1)s)"

EACH_WRITTEN = (
    "width_bucket(%(param_1)s, %(param_2)s, CASE WHEN ((SELECT count(*) AS count_1 FROM written) = %(the_count)s) THEN "
    "%(param_3)s ELSE %(param_4)s END, %(param_5)s) = %(param_6)s"
)

KEYS = keys_parameter(0)
AMONG = "task.id IN (SELECT given.value_0 FROM given)"
EACH_FOUND = "(SELECT count(*) AS count_1 FROM named) = (SELECT count(*) AS count_1 FROM given)"
TITLE = "task.title = %(the_condition_0)s"
SOME_CURRENT = "NOT given.is_set_1 OR named.column_7 IS NOT DISTINCT FROM given.value_1"

TITLED = (col(Task.title) == CANARY,)
TOGGLE = Change(typed(Task.completed).to(~col(Task.completed)))
RENAME = Change(typed(Task.title).to(bindparam("new", type_=Text())), where=and_(*TITLED))

Make = Callable[[Statements[SQLModel]], ScopedStatement]


def keyset(s: Statements[SQLModel], order: Order, position: Position, where: tuple[Any, ...] = ()) -> ScopedStatement:
    """The SELECT of the rows from a position on."""
    return s.keyset(where, s.order(order), position)


def sent(arrays: int, *masks: int) -> str:
    """The columns of the rows that are sent as this many arrays, of which some have masks."""
    names = [*(f"value_{at}" for at in range(arrays)), *(f"is_set_{at}" for at in masks), "position"]
    return ", ".join(f"sent.{name} AS {name}" for name in names)


def each_current(condition: str) -> str:
    """The condition that each row has the version that is expected."""
    found = f"(SELECT count(*) AS count_1 FROM given JOIN named ON named.key_0 = given.value_0 WHERE {condition})"
    return f"{found} = (SELECT count(*) AS count_1 FROM given)"


SHAPES: dict[str, tuple[Make, tuple[str, ...], str]] = {
    "one": (lambda s: s.select_by_id, (), f"SELECT {COLUMNS} FROM task {THIS}"),
    "insert": (
        lambda s: s.insert,
        ("title", "description"),
        "INSERT INTO task (title, description, completed, user_id) "
        f"VALUES (%(title)s, %(description)s, %(completed)s, %(the_owner)s) RETURNING {COLUMNS}",
    ),
    "insert of many": (
        lambda s: s.insert_many(("title", "completed"), frozenset({"completed"}), returning=True).statement,
        (),
        "WITH written AS (INSERT INTO task (title, completed, user_id) SELECT given.value_0 AS value_0, CASE WHEN "
        "given.is_set_1 THEN given.value_1 ELSE false END AS anon_1, %(the_owner)s AS anon_2 FROM "
        "unnest(%(the_values_0)s, %(the_values_1)s, %(the_mask_1)s) WITH ORDINALITY AS given(value_0, value_1, "
        f"is_set_1, position) ORDER BY given.position RETURNING {COLUMNS}) SELECT {WRITTEN} FROM written "
        f"WHERE {EACH_WRITTEN} ORDER BY written.id",
    ),
    "number of many inserted": (
        lambda s: s.insert_many(("title", "completed"), frozenset(), returning=False).statement,
        (),
        "WITH written AS (INSERT INTO task (title, completed, user_id) SELECT given.value_0 AS value_0, "
        "given.value_1 AS value_1, %(the_owner)s AS anon_1 FROM unnest(%(the_values_0)s, %(the_values_1)s) WITH "
        "ORDINALITY AS given(value_0, value_1, position) ORDER BY given.position RETURNING task.id) SELECT "
        "count(*) AS count_1 FROM written HAVING "
        + EACH_WRITTEN.replace("(SELECT count(*) AS count_1 FROM written)", "count(*)"),
    ),
    "update": (
        lambda s: s.update,
        ("title",),
        f"UPDATE task SET title=%(title)s, {LATER} {THIS} RETURNING {COLUMNS}",
    ),
    "update of a version": (
        lambda s: s.update_expected,
        ("title", "completed"),
        f"UPDATE task SET title=%(title)s, completed=%(completed)s, {LATER} {THIS} "
        f"AND task.updated_at = %(the_version)s RETURNING {COLUMNS}",
    ),
    "update of many": (
        lambda s: s.update_many((KEYS, "title"), frozenset(), some_set_nothing=False).statement,
        (),
        f"WITH given AS (SELECT {sent(2)} FROM unnest(%(the_values_0)s, %(the_values_1)s) WITH ORDINALITY AS "
        "sent(value_0, value_1, position)), "
        f"named AS (SELECT task.id AS key_0 FROM task WHERE {AMONG} AND {MINE} ORDER BY task.id FOR NO KEY UPDATE), "
        f"written AS (UPDATE task SET title=given.value_1, {LATER} FROM given WHERE task.id = given.value_0 AND {MINE} "
        f"AND {EACH_FOUND} RETURNING {COLUMNS}, given.position AS given_position) SELECT {WRITTEN}, named.key_0 "
        "FROM given LEFT OUTER JOIN named ON named.key_0 = given.value_0 "
        "LEFT OUTER JOIN written ON written.given_position = given.position "
        f"WHERE CASE WHEN ({EACH_FOUND}) THEN {EACH_WRITTEN.replace('count_1', 'count_2')} ELSE true END "
        "ORDER BY given.position",
    ),
    "update of many, each with its version": (
        lambda s: (
            s.update_many(
                (KEYS, EXPECTED_PARAMETER, "title", "completed"), frozenset({"completed"}), some_set_nothing=False
            ).statement
        ),
        (),
        f"WITH given AS (SELECT {sent(4, 3)} FROM unnest(%(the_values_0)s, %(the_values_1)s, %(the_values_2)s, "
        "%(the_values_3)s, %(the_mask_3)s) WITH ORDINALITY AS sent(value_0, value_1, value_2, value_3, is_set_3, "
        "position)), "
        f"named AS (SELECT task.id AS key_0, task.updated_at AS column_0 FROM task WHERE {AMONG} AND {MINE} ORDER BY "
        "task.id FOR NO KEY UPDATE), written AS (UPDATE task SET title=given.value_2, completed=CASE WHEN "
        f"given.is_set_3 THEN given.value_3 ELSE task.completed END, {LATER} FROM given WHERE task.id = given.value_0 "
        f"AND {MINE} AND {EACH_FOUND} AND {each_current('named.column_0 IS NOT DISTINCT FROM given.value_1')} "
        f"RETURNING {COLUMNS}, given.position AS given_position) SELECT {WRITTEN}, named.key_0, "
        "named.column_0 IS NOT DISTINCT FROM given.value_1 AS anon_1 "
        "FROM given LEFT OUTER JOIN named ON named.key_0 = given.value_0 "
        "LEFT OUTER JOIN written ON written.given_position = given.position "
        f"WHERE CASE WHEN ({EACH_FOUND} AND {each_current('named.column_0 IS NOT DISTINCT FROM given.value_1')}) "
        f"THEN {EACH_WRITTEN.replace('count_1', 'count_2')} ELSE true END ORDER BY given.position",
    ),
    "update of many, of which some set something and some have a version": (
        lambda s: (
            s.update_many(
                (KEYS, EXPECTED_PARAMETER, "title"), frozenset({EXPECTED_PARAMETER, "title"}), some_set_nothing=True
            ).statement
        ),
        (),
        f"WITH given AS (SELECT {sent(3, 1, 2)} FROM unnest(%(the_values_0)s, %(the_values_1)s, %(the_values_2)s, "
        "%(the_mask_1)s, %(the_mask_2)s) WITH ORDINALITY AS sent(value_0, value_1, value_2, is_set_1, is_set_2, "
        "position)), named AS (SELECT task.id AS key_0, "
        + ", ".join(f"task.{name} AS column_{at}" for at, name in enumerate([*NAMES, "updated_at"]))
        + f" FROM task WHERE {AMONG} AND {MINE} ORDER BY task.id FOR NO KEY UPDATE), written AS (UPDATE task SET "
        f"title=CASE WHEN given.is_set_2 THEN given.value_2 ELSE task.title END, {LATER} FROM given WHERE task.id = "
        f"given.value_0 AND {MINE} AND {EACH_FOUND} AND {each_current(SOME_CURRENT)} AND given.is_set_2 "
        f"RETURNING {COLUMNS}, given.position AS given_position) SELECT "
        + ", ".join(
            f"CASE WHEN (written.given_position IS NOT NULL) THEN written.{name} ELSE named.column_{at} END "
            f"AS anon_{at + 1}"
            for at, name in enumerate(NAMES)
        )
        + f", named.key_0, {SOME_CURRENT} AS anon_8 "
        "FROM given LEFT OUTER JOIN named ON named.key_0 = given.value_0 "
        "LEFT OUTER JOIN written ON written.given_position = given.position "
        f"WHERE CASE WHEN ({EACH_FOUND} AND {each_current(SOME_CURRENT)}) "
        f"THEN {EACH_WRITTEN.replace('count_1', 'count_2')} ELSE true END ORDER BY given.position",
    ),
    "update of many that sets nothing": (
        lambda s: s.update_many((KEYS,), frozenset(), some_set_nothing=True).statement,
        (),
        f"WITH given AS (SELECT {sent(1)} FROM unnest(%(the_values_0)s) WITH ORDINALITY AS sent(value_0, position)), "
        "named AS (SELECT task.id AS key_0, "
        + ", ".join(f"task.{name} AS column_{at}" for at, name in enumerate(NAMES))
        + f" FROM task WHERE {AMONG} AND {MINE} ORDER BY task.id) SELECT "
        + ", ".join(f"named.column_{at}" for at in range(len(NAMES)))
        + ", named.key_0 FROM given LEFT OUTER JOIN named ON named.key_0 = given.value_0 ORDER BY given.position",
    ),
    "delete of many": (
        lambda s: s.delete_many.statement,
        (),
        f"WITH given AS (SELECT {sent(1)} FROM unnest(%(the_values_0)s) WITH ORDINALITY AS sent(value_0, position)), "
        f"named AS (SELECT task.id AS key_0 FROM task WHERE {AMONG} AND {MINE} ORDER BY task.id FOR UPDATE), "
        f"written AS (DELETE FROM task USING given WHERE task.id = given.value_0 AND {MINE} AND {EACH_FOUND} "
        f"RETURNING {COLUMNS}, given.position AS given_position) SELECT {WRITTEN}, named.key_0 FROM given "
        "LEFT OUTER JOIN named ON named.key_0 = given.value_0 "
        "LEFT OUTER JOIN written ON written.given_position = given.position "
        f"WHERE CASE WHEN ({EACH_FOUND}) THEN {EACH_WRITTEN.replace('count_1', 'count_2')} ELSE true END "
        "ORDER BY given.position",
    ),
    "delete": (lambda s: s.delete, (), f"DELETE FROM task {THIS} RETURNING {COLUMNS}"),
    "delete of a version": (
        lambda s: s.delete_expected,
        (),
        f"DELETE FROM task {THIS} AND task.updated_at = %(the_version)s RETURNING {COLUMNS}",
    ),
    "change": (
        lambda s: s.change(TOGGLE, {}),
        (),
        f"UPDATE task SET completed=NOT task.completed, {LATER} {THIS} RETURNING {COLUMNS}",
    ),
    "change under a condition": (
        lambda s: s.change(RENAME, {}),
        (),
        f"UPDATE task SET title=%(new)s, {LATER} {THIS} AND task.title = %(title_1)s RETURNING {COLUMNS}",
    ),
    "list": (lambda s: s.list((), (), None, 0), (), f"SELECT {COLUMNS} FROM task WHERE {MINE} ORDER BY task.id"),
    "list with all there is": (
        lambda s: s.list(TITLED, [col(Task.completed), col(Task.title).desc().nulls_last()], 2, 3),
        (),
        f"SELECT {COLUMNS} FROM task WHERE {MINE} AND task.title = %(the_condition_0)s "
        "ORDER BY task.completed, task.title DESC NULLS LAST, task.id LIMIT %(the_limit)s OFFSET %(the_offset)s",
    ),
    "list of some": (
        lambda s: s.list((), (), 2, 3),
        (),
        f"SELECT {COLUMNS} FROM task WHERE {MINE} ORDER BY task.id LIMIT %(the_limit)s OFFSET %(the_offset)s",
    ),
    "first rows of an order": (
        lambda s: keyset(s, (), Position("from", ())),
        (),
        f"SELECT {COLUMNS}, CAST(task.id AS VARCHAR) AS key_0 FROM task WHERE {MINE} "
        "ORDER BY task.id LIMIT %(the_limit)s",
    ),
    "rows before a place under a condition": (
        lambda s: keyset(s, (), Position("before", ("7",)), TITLED),
        (),
        f"SELECT {COLUMNS}, CAST(task.id AS VARCHAR) AS key_0 FROM task WHERE {MINE} "
        "AND task.id < CAST(%(the_cursor_0)s AS BIGINT) AND task.title = %(the_condition_0)s "
        "ORDER BY task.id DESC LIMIT %(the_limit)s",
    ),
    "page": (
        lambda s: s.page((), ()),
        (),
        f'SELECT {PAGE_COLUMNS}, "number of rows", "is a row" '
        f'FROM (SELECT count(*) AS "number of rows" FROM task WHERE {MINE}) AS anon_1 '
        f'LEFT OUTER JOIN (SELECT {CARRIED}, true AS "is a row", task.id AS "sort key 0" FROM task WHERE {MINE} '
        "ORDER BY task.id LIMIT %(the_limit)s OFFSET %(the_offset)s) AS anon_2 ON true "
        'ORDER BY "sort key 0"',
    ),
    "page with all there is": (
        lambda s: s.page(TITLED, [func.lower(col(Task.title)), col(Task.title).desc().nulls_last()]),
        (),
        f'SELECT {PAGE_COLUMNS}, "number of rows", "is a row" '
        f'FROM (SELECT count(*) AS "number of rows" FROM task WHERE {MINE} AND {TITLE}) AS anon_1 '
        f'LEFT OUTER JOIN (SELECT {CARRIED}, true AS "is a row", lower(task.title) AS "sort key 0", '
        f'task.title AS "sort key 1", task.id AS "sort key 2" FROM task WHERE {MINE} AND {TITLE} '
        "ORDER BY lower(task.title), task.title DESC NULLS LAST, task.id "
        "LIMIT %(the_limit)s OFFSET %(the_offset)s) AS anon_2 ON true "
        'ORDER BY "sort key 0", "sort key 1" DESC NULLS LAST, "sort key 2"',
    ),
    "many": (
        lambda s: s.select_by_ids,
        (),
        f"SELECT {COLUMNS}, task.id AS id_1 FROM task WHERE task.id = ANY (%(the_keys_0)s) AND {MINE}",
    ),
    "count": (lambda s: s.count(()), (), f"SELECT count(*) AS count_1 FROM task WHERE {MINE}"),
    "count under a condition": (
        lambda s: s.count(TITLED),
        (),
        f"SELECT count(*) AS count_1 FROM task WHERE {MINE} AND task.title = %(the_condition_0)s",
    ),
    "exists": (
        lambda s: s.exists(()),
        (),
        f"SELECT EXISTS (SELECT task.id FROM task WHERE {MINE}) AS anon_1",
    ),
    "exists under a condition": (
        lambda s: s.exists(TITLED),
        (),
        f"SELECT EXISTS (SELECT task.id FROM task WHERE {MINE} AND task.title = %(the_condition_0)s) AS anon_1",
    ),
    "one as a view": (
        lambda s: VIEWS[s].select_by_id,
        (),
        f"SELECT task.title, lower(task.title) AS lower_1 FROM task {THIS}",
    ),
    "rows from a place as a view": (
        lambda s: keyset(VIEWS[s], (), Position("after", ("7",))),
        (),
        "SELECT task.title, lower(task.title) AS lower_1, CAST(task.id AS VARCHAR) AS key_0 FROM task "
        f"WHERE {MINE} AND task.id > CAST(%(the_cursor_0)s AS BIGINT) ORDER BY task.id LIMIT %(the_limit)s",
    ),
    "list as a view": (
        lambda s: VIEWS[s].list((), (), None, 0),
        (),
        f"SELECT task.title, lower(task.title) AS lower_1 FROM task WHERE {MINE} ORDER BY task.id",
    ),
    "select": (
        lambda s: s.bind_owner(s.select([col(Task.completed), func.count()]).group_by(col(Task.completed))),
        (),
        f"SELECT task.completed, count(*) AS count_1 FROM task WHERE {MINE} GROUP BY task.completed",
    ),
}
each_shape = pytest.mark.parametrize(("make", "columns", "sql"), SHAPES.values(), ids=SHAPES)


@each_shape
def test_each_statement_compiles_to_its_sql(make: Make, columns: tuple[str, ...], sql: str) -> None:
    assert compiled(make(SCOPED), columns).sql == sql


@each_shape
def test_the_owner_is_a_parameter_of_the_call(make: Make, columns: tuple[str, ...], sql: str) -> None:
    made = compiled(make(SCOPED), columns)
    assert made.sql.count("%(the_owner)s") == max(1, sql.count("FROM task") + sql.count("UPDATE task SET"))
    assert made.parameters["the_owner"] is None


@each_shape
def test_without_a_scope_the_owner_is_no_condition(make: Make, columns: tuple[str, ...], sql: str) -> None:
    made = compiled(make(OPEN), columns)
    assert "the_owner" not in made.parameters
    assert made.sql == _without_owner(sql)


def _without_owner(sql: str) -> str:
    for scoped, is_open in (
        (f" AND {MINE}", ""),
        (f" WHERE {MINE} AND ", " WHERE "),
        (f" WHERE {MINE}", ""),
        ("completed, user_id) VALUES", "completed) VALUES"),
        ("%(completed)s, %(the_owner)s)", "%(completed)s)"),
        (", user_id) SELECT", ") SELECT"),
        (", %(the_owner)s AS anon_2", ""),
        (", %(the_owner)s AS anon_1", ""),
    ):
        sql = sql.replace(scoped, is_open)
    return sql


@each_shape
def test_literals_are_bound(make: Make, columns: tuple[str, ...], sql: str) -> None:
    made = compiled(make(SCOPED), columns)
    assert CANARY not in made.sql
    assert (CANARY in made.parameters.values()) == ("%(title_1)s" in sql or "%(the_condition_0)s" in sql)


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "select"])
def test_a_statement_is_built_once(name: str) -> None:
    make, _, _ = SHAPES[name]
    assert make(SCOPED).statement is make(SCOPED).statement
    assert make(SCOPED) is not make(OPEN)


@pytest.mark.parametrize(
    ("lock", "sql"),
    [
        (Lock(), "FOR UPDATE"),
        (Lock("no key update"), "FOR NO KEY UPDATE"),
        (Lock("share"), "FOR SHARE"),
        (Lock(if_locked="nowait"), "FOR UPDATE NOWAIT"),
        (Lock("share", if_locked="skip"), "FOR SHARE SKIP LOCKED"),
    ],
)
def test_a_lock_ends_the_statement_of_one_row_and_is_built_once(lock: Lock, sql: str) -> None:
    assert compiled(SCOPED.select_by_id_for_update(lock)).sql == f"SELECT {COLUMNS} FROM task {THIS} {sql}"
    assert SCOPED.select_by_id_for_update(lock) is SCOPED.select_by_id_for_update(lock)


def test_list_with_lock_ends_with_it() -> None:
    made = compiled(SCOPED.list((), (), 2, 0, Lock(if_locked="skip"))).sql
    assert made.endswith("ORDER BY task.id LIMIT %(the_limit)s FOR UPDATE SKIP LOCKED")
    again = SCOPED.list((), (), 5, 0, Lock(if_locked="skip")).statement
    assert again is SCOPED.list((), (), 2, 0, Lock(if_locked="skip")).statement
    assert again is not SCOPED.list((), (), 2, 0, Lock()).statement


@pytest.mark.parametrize(
    ("page", "size", "message"),
    [
        (1, 5000, "page size is 5000, at most 1000: use stream() for more"),
        (1, 0, "page size is 0, expected a whole number from 1 to 1000"),
        (1, -1, "page size is -1, expected a whole number from 1 to 1000"),
        (1, True, "page size is True, expected a whole number from 1 to 1000"),
        (1, None, "page size is None, expected a whole number from 1 to 1000"),
        (1, CANARY, "page size is a str, expected a whole number from 1 to 1000"),
        (1, 10**30, "page size is a whole number of more than 64 bits, at most 1000: use stream() for more"),
        (0, 1000, "page number is 0, expected a whole number from 1 to 9223372036854775"),
        (2**63, 1, "page number is 9223372036854775808, expected a whole number from 1 to 9223372036854775807"),
        (2**60, 20, "page number is 1152921504606846976, expected a whole number from 1 to 461168601842738790"),
        (True, 1000, "page number is True, expected a whole number from 1 to 9223372036854775"),
        (2.0, 1000, "page number is 2.0, expected a whole number from 1 to 9223372036854775"),
        (CANARY, 1000, "page number is a str, expected a whole number from 1 to 9223372036854775"),
    ],
)
def test_page_out_of_bounds_is_refused(page: Any, size: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        SCOPED.page_parameters(page, size)
    assert str(raised.value) == message


def test_page_takes_the_bounds_themselves() -> None:
    assert [*SCOPED.page_parameters(1, 1000).values()] == [1000, 0]
    assert [*SCOPED.page_parameters(2**63 - 1, 1).values()] == [1, 2**63 - 2]


def test_a_statement_whose_count_lacks_the_owner_is_refused() -> None:
    counted, rows = OPEN.count(()).statement, SCOPED.list((), (), None, 0).statement
    assert isinstance(counted, Select)
    assert isinstance(rows, Select)
    joined = select(counted.subquery().outerjoin(rows.subquery(), true()))
    with pytest.raises(OwnerRequiredError):
        SCOPED.bind_owner(joined)


def test_a_select_reads_the_table_whatever_its_columns() -> None:
    assert compiled(OPEN.select([func.count()])).sql == "SELECT count(*) AS count_1 FROM task"


def test_limit_and_offset_are_parameters_of_the_call() -> None:
    parameters = SCOPED.list_parameters(7, 9)
    assert [*parameters.values()] == [7, 9]
    assert {name.rstrip("_") for name in parameters} < compiled(SCOPED.list((), (), 7, 9)).parameters.keys()


def test_a_limit_of_zero_is_a_limit() -> None:
    assert compiled(SCOPED.list((), (), 0, 0)).sql.endswith("LIMIT %(the_limit)s")
    assert [*SCOPED.list_parameters(0, 0).values()] == [0]
    assert SCOPED.list_parameters(None, 0) == {}


@pytest.mark.parametrize(("value", "shown"), [(-1, "-1"), (True, "True"), (1.5, "1.5"), ("1", "a str")])
def test_a_limit_or_offset_that_is_no_number_of_rows_is_refused(value: Any, shown: str) -> None:
    with pytest.raises(UsageError, match=f"limit is {shown},"):
        SCOPED.list((), (), value, 0)
    with pytest.raises(UsageError, match=f"offset is {shown},"):
        SCOPED.list((), (), None, value)


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, iter])
def test_a_collection_of_conditions_is_refused(kind: Callable[[object], Any]) -> None:
    with pytest.raises(UsageError, match=r"expected one expression per argument: write \*conditions"):
        SCOPED.count((kind(TITLED),))


@pytest.mark.parametrize("value", [None, "", False, 0.0])
def test_an_offset_that_is_false_is_refused(value: Any) -> None:
    with pytest.raises(UsageError, match="offset is"):
        SCOPED.list((), (), None, value)


@pytest.mark.parametrize(
    ("order_by", "sql"),
    [
        ((), "task.id"),
        (col(Task.title), "task.title, task.id"),
        (col(Task.title).desc(), "task.title DESC, task.id"),
        ((col(Task.title), col(Task.completed)), "task.title, task.completed, task.id"),
        ([col(Task.user_id), col(Task.created_at).desc()], "task.user_id, task.created_at DESC, task.id"),
        (func.lower(col(Task.title)), "lower(task.title), task.id"),
        (col(Task.id).desc(), "task.id DESC, task.id"),
    ],
)
def test_every_order_ends_with_the_primary_key(order_by: Order, sql: str) -> None:
    made = compiled(SCOPED.list((), order_by, None, 0)).sql
    assert made.partition(" ORDER BY ")[2] == sql


def test_list_without_limits_compiles_to_neither_limit_nor_offset() -> None:
    assert "LIMIT" not in compiled(SCOPED.list((), (), None, 0)).sql
    assert "OFFSET" not in compiled(SCOPED.list((), (), 1, 0)).sql


def test_an_update_writes_the_columns_of_its_parameters_and_the_version() -> None:
    written = {columns: compiled(SCOPED.update, columns).sql for columns in [("title",), ("completed", "description")]}
    assert {given: sql.partition(" SET ")[2].partition(f", {LATER}")[0] for given, sql in written.items()} == {
        ("title",): "title=%(title)s",
        ("completed", "description"): "description=%(description)s, completed=%(completed)s",
    }


def test_what_a_change_names_is_a_parameter_of_each_call() -> None:
    made = compiled(SCOPED.change(RENAME, {}))
    assert made.parameters == {
        "new": None,
        "title_1": CANARY,
        "the_id": None,
        "the_owner": None,
        "updated_at_1": A_MICROSECOND,
    }


def test_a_change_is_one_statement_for_its_life_and_each_change_its_own() -> None:
    again = Change(typed(Task.completed).to(~col(Task.completed)))
    assert SCOPED.change(TOGGLE, {}) is SCOPED.change(TOGGLE, {})
    assert SCOPED.change(TOGGLE, {}) is not SCOPED.change(again, {})
    assert SCOPED.change(TOGGLE, {}) is not SCOPED.change(RENAME, {})


@pytest.mark.parametrize(
    "assignment",
    [
        typed(Task.id).to(1),
        typed(Task.user_id).to("x"),
        typed(Task.updated_at).to(func.now()),
        typed(Note.text).to("x"),
    ],
)
def test_a_change_of_a_column_that_never_changes_is_refused(assignment: Assignment) -> None:
    with pytest.raises(UsageError, match=r"cannot set primary key, owner or version|names a column of"):
        SCOPED.change(Change(assignment), {})


@pytest.mark.parametrize("scoped", [True, False])
def test_a_model_without_an_owner_is_never_scoped(scoped: bool) -> None:
    made = compiled(Statements(NOTE, scoped=scoped).select_by_id)
    assert made.sql == "SELECT note.id, note.text, note.rank, note.revision FROM note WHERE note.id = %(the_id)s"
    assert made.parameters == {"the_id": None}


def test_expected_of_statements_without_a_version_is_refused_with_the_fix() -> None:
    unversioned = Statements(replace(NOTE, version=None), scoped=False)
    with pytest.raises(UsageError, match=r"^Note has no version: name it, version=col\(Note\.updated_at\)$"):
        _ = unversioned.update_expected


def test_a_place_in_an_order_with_nulls_is_found_by_a_union_of_ranges() -> None:
    order = [col(Task.description), col(Task.title).desc()]
    made = compiled(keyset(SCOPED, order, Position("after", ("x", "y", "7"))))
    assert made.sql.count(MINE) == 4
    for condition in (
        "task.description = CAST(%(the_cursor_0)s AS TEXT) AND task.title = CAST(%(the_cursor_1)s AS VARCHAR(200)) "
        "AND task.id > CAST(%(the_cursor_2)s AS BIGINT)",
        "task.description = CAST(%(the_cursor_0)s AS TEXT) AND task.title < CAST(%(the_cursor_1)s AS VARCHAR(200))",
        "task.description > CAST(%(the_cursor_0)s AS TEXT)",
        "task.description IS NULL",
    ):
        assert f"{MINE} AND {condition} ORDER BY task.description, task.title DESC, task.id LIMIT" in made.sql
    assert made.sql.endswith("ORDER BY rows.key_0, rows.key_1 DESC, rows.key_2 LIMIT %(the_limit)s")


def test_a_place_in_an_order_of_one_direction_is_found_by_row_values() -> None:
    made = compiled(keyset(SCOPED, [col(Task.created_at), col(Task.title)], Position("until", ("x", "y", "7"))))
    assert (
        "(task.created_at, task.title, task.id) <= (CAST(%(the_cursor_0)s AS TIMESTAMP WITH TIME ZONE), "
        "CAST(%(the_cursor_1)s AS VARCHAR(200)), CAST(%(the_cursor_2)s AS BIGINT))" in made.sql
    )
