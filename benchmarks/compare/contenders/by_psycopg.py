"""psycopg by hand, on an autocommit connection for each thread."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import LiteralString, TypeAlias

import psycopg
from pydantic import TypeAdapter

from backend.tasks import Task, TaskCreate
from benchmarks.compare.calls import BATCH, OWNER, PAGE, PAGE_NUMBER, Call, Contender, Ids, Target
from benchmarks.compare.models import Label, TaskView

_Row: TypeAlias = tuple[object, ...]
_Connection: TypeAlias = "psycopg.Connection[_Row]"
_Build: TypeAlias = Callable[[_Row], object]

_COLUMNS = "id, title, description, completed, user_id, created_at, updated_at"
_ALL = f"task.{_COLUMNS.replace(', ', ', task.')}"
_NEXT = "greatest(clock_timestamp(), task.updated_at + interval '1 microsecond')"
_ROW = "WHERE id = %s AND user_id = %s"
_GET = f"SELECT {_COLUMNS} FROM task {_ROW}"
_EXISTS = f"SELECT EXISTS (SELECT FROM task {_ROW})"
_DELETE = f"DELETE FROM task {_ROW} RETURNING {_COLUMNS}"
_GET_MANY = f"SELECT {_COLUMNS} FROM task WHERE id = ANY(%s) AND user_id = %s"
_DELETE_MANY = f"DELETE FROM task WHERE id = ANY(%s) AND user_id = %s RETURNING {_COLUMNS}"
_CREATE = f"INSERT INTO task (title, completed, user_id) VALUES (%s, %s, %s) RETURNING {_COLUMNS}"
_UPDATE = f"UPDATE task SET title = %s, updated_at = {_NEXT} {_ROW} RETURNING {_COLUMNS}"
_TOGGLE = f"UPDATE task SET completed = NOT completed, updated_at = {_NEXT} {_ROW} RETURNING {_COLUMNS}"
_LIST = f"SELECT {_COLUMNS} FROM task WHERE user_id = %s ORDER BY id LIMIT %s"
_VIEW = "SELECT id, title, completed FROM task WHERE user_id = %s ORDER BY id LIMIT %s"
_PAGE = f"""
    SELECT page.*, total.total FROM (SELECT count(*) AS total FROM task WHERE user_id = %s) total
    LEFT JOIN (SELECT {_COLUMNS} FROM task WHERE user_id = %s ORDER BY id LIMIT %s OFFSET %s) page ON true ORDER BY id
"""
_AFTER = f"SELECT {_COLUMNS} FROM task WHERE user_id = %s AND id > %s ORDER BY id LIMIT %s"
_ON_CONFLICT = (
    "ON CONFLICT (user_id, name) DO UPDATE SET colour = excluded.colour "
    "RETURNING id, user_id, name, colour, xmax::text = '0'"
)
_UPSERT = f"INSERT INTO label (user_id, name, colour) VALUES (%s, %s, %s) {_ON_CONFLICT}"
_UPSERT_MANY = f"""
    INSERT INTO label (user_id, name, colour) SELECT %s, name, 'green' FROM unnest(%s::text[]) name
    {_ON_CONFLICT}
"""
_CREATE_MANY = f"""
    INSERT INTO task (title, description, completed, user_id)
    SELECT title, description, completed, %s
    FROM unnest(%s::text[], %s::text[], %s::bool[]) WITH ORDINALITY new(title, description, completed, n) ORDER BY n
    RETURNING {_COLUMNS}
"""
_UPDATE_MANY = f"""
    UPDATE task SET title = new.title, updated_at = {_NEXT} FROM unnest(%s::bigint[], %s::text[]) new(id, title)
    WHERE task.id = new.id AND task.user_id = %s RETURNING {_ALL}
"""

_NAMES, _VIEW_NAMES, _LABEL_NAMES = tuple(Task.model_fields), tuple(TaskView.model_fields), tuple(Label.model_fields)
_TASKS = TypeAdapter(list[TaskCreate])


@contextmanager
def objects(target: Target) -> Generator[Contender]:
    """The rows become the objects that the repository returns, without validation; bulk input is validated."""
    with _opened(_Calls(target, _task, _view, _label)) as contender:
        yield contender


@contextmanager
def rows(target: Target) -> Generator[Contender]:
    """The rows stay as they are."""
    with _opened(_Calls(target, _as_it_is, _as_it_is, _as_it_is)) as contender:
        yield contender


class _Calls:
    def __init__(self, target: Target, task: _Build, view: _Build, label: _Build) -> None:
        self._target = target
        self._task, self._view, self._label = task, view, label
        self._thread = threading.local()

    def contender(self) -> Contender:
        one, many, task = self._one, self._many, self._task
        calls: dict[str, Call] = {
            "create": lambda _: one(task, _CREATE, "Buy groceries", False, OWNER),
            "get": lambda ids: one(task, _GET, ids[0], OWNER),
            "first": lambda _: one(task, _LIST, OWNER, 1),
            "update": lambda ids: one(task, _UPDATE, "Buy food", ids[0], OWNER),
            "toggle": lambda ids: one(task, _TOGGLE, ids[0], OWNER),
            "delete": lambda ids: one(task, _DELETE, ids[0], OWNER),
            "exists": lambda ids: one(_as_it_is, _EXISTS, ids[0], OWNER),
            "upsert": lambda ids: one(self._label, _UPSERT, OWNER, f"label {ids[0]}", "green"),
            "list of 20": lambda _: many(task, _LIST, OWNER, 20),
            "list of 100": lambda _: many(task, _LIST, OWNER, 100),
            "view of 20": lambda _: many(self._view, _VIEW, OWNER, 20),
            "view of 100": lambda _: many(self._view, _VIEW, OWNER, 100),
            "page": lambda _: self._page(),
            "cursor page, first": lambda _: many(task, _LIST, OWNER, PAGE + 1)[:PAGE],
            "cursor page, deep": lambda _: many(task, _AFTER, OWNER, self._target.deep_id, PAGE + 1)[:PAGE],
            "get_many of 100": lambda ids: many(task, _GET_MANY, list(ids), OWNER),
            "transaction of ten writes": self._transaction,
            "create_many": self._create_many,
            "update_many": lambda ids: many(task, _UPDATE_MANY, list(ids), [f"Buy food for {id}" for id in ids], OWNER),
            "upsert_many": lambda ids: many(self._label, _UPSERT_MANY, OWNER, [f"label {id}" for id in ids]),
            "delete_many": lambda ids: many(task, _DELETE_MANY, list(ids), OWNER),
            "stream": lambda _: self._stream(),
        }
        return Contender(calls, end_thread=lambda: self._connection().close())

    def _connection(self) -> "_Connection":
        try:
            connection: _Connection = self._thread.connection
        except AttributeError:
            connection = self._thread.connection = psycopg.connect(
                self._target.conninfo, autocommit=True, prepare_threshold=self._target.prepare_threshold
            )
        return connection

    def _one(self, build: _Build, query: LiteralString, *parameters: object) -> object:
        row = self._connection().execute(query, parameters).fetchone()
        assert row is not None
        return build(row)

    def _many(self, build: _Build, query: LiteralString, *parameters: object) -> Sequence[object]:
        return [build(row) for row in self._connection().execute(query, parameters).fetchall()]

    def _page(self) -> Sequence[object]:
        found = self._connection().execute(_PAGE, (OWNER, OWNER, PAGE, PAGE * (PAGE_NUMBER - 1))).fetchall()
        return [self._task(row[:-1]) for row in found]

    def _transaction(self, ids: Ids) -> None:
        with self._connection().transaction():
            for id in ids[:5]:
                self._one(self._task, _UPDATE, "Buy food", id, OWNER)
            for _ in ids[5:]:
                self._one(self._task, _CREATE, "Buy groceries", False, OWNER)

    def _create_many(self, ids: Ids) -> Sequence[object]:
        tasks = _TASKS.validate_python([{"title": f"Buy food for {id}"} for id in ids])
        return self._many(
            self._task,
            _CREATE_MANY,
            OWNER,
            [task.title for task in tasks],
            [task.description for task in tasks],
            [task.completed for task in tasks],
        )

    def _stream(self) -> int:
        connection = self._connection()
        number = 0
        with connection.transaction(), connection.cursor("stream") as cursor:
            cursor.itersize = BATCH
            for row in cursor.execute(f"SELECT {_COLUMNS} FROM task ORDER BY id"):
                self._task(row)
                number += 1
        return number


@contextmanager
def _opened(calls: _Calls) -> Generator[Contender]:
    contender = calls.contender()
    try:
        yield contender
    finally:
        contender.end_thread()


def _task(row: _Row) -> Task:
    return Task.model_construct(None, **dict(zip(_NAMES, row, strict=True)))


def _view(row: _Row) -> TaskView:
    return TaskView.model_construct(None, **dict(zip(_VIEW_NAMES, row, strict=True)))


def _label(row: _Row) -> tuple[Label, object]:
    return Label.model_construct(None, **dict(zip(_LABEL_NAMES, row[:-1], strict=True))), row[-1]


def _as_it_is(row: _Row) -> _Row:
    return row
