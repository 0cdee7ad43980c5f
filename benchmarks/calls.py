"""The six calls as each contender makes them: all build `Task`s of the same rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, LiteralString, TypeAlias

import psycopg
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update
from sqlmodel import Session

from backend import Database
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate

OWNER: Final = "benchmark"
LIST_OWNER: Final = "benchmark-list"
LIST_LENGTH: Final = 100

Call: TypeAlias = Callable[[int], object]
"""Makes one call; takes the id of the task that it is about."""

Calls: TypeAlias = Mapping[str, Call]
"""The calls by name."""

NAMES: Final = ("create", "get", "update", "toggle", "delete", "list of 100")

_NAMES = tuple(Task.model_fields)
_COLUMNS = "id, title, description, completed, user_id, created_at, updated_at"
_NEXT = "greatest(clock_timestamp(), updated_at + interval '1 microsecond')"
_Row: TypeAlias = tuple[object, ...]


def by_psycopg(connection: "psycopg.Connection[_Row]") -> Calls:
    """psycopg on an autocommit connection that stays open; the rows made `Task`s without validation."""

    def one(query: LiteralString, *parameters: object) -> Task:
        row = connection.execute(query, parameters).fetchone()
        assert row is not None
        return _built(row)

    create = f"INSERT INTO task (title, completed, user_id) VALUES (%s, %s, %s) RETURNING {_COLUMNS}"
    get = f"SELECT {_COLUMNS} FROM task WHERE id = %s AND user_id = %s"
    change = f"UPDATE task SET title = %s, updated_at = {_NEXT} WHERE id = %s AND user_id = %s RETURNING {_COLUMNS}"
    toggle = (
        f"UPDATE task SET completed = NOT completed, updated_at = {_NEXT} WHERE id = %s AND user_id = %s "
        f"RETURNING {_COLUMNS}"
    )
    remove = f"DELETE FROM task WHERE id = %s AND user_id = %s RETURNING {_COLUMNS}"
    every = f"SELECT {_COLUMNS} FROM task WHERE user_id = %s ORDER BY id"
    return {
        "create": lambda _: one(create, "Buy groceries", False, OWNER),
        "get": lambda id: one(get, id, OWNER),
        "update": lambda id: one(change, "Buy food", id, OWNER),
        "toggle": lambda id: one(toggle, id, OWNER),
        "delete": lambda id: one(remove, id, OWNER),
        "list of 100": lambda _: [_built(row) for row in connection.execute(every, (LIST_OWNER,)).fetchall()],
    }


def by_core(connection: Connection) -> Calls:
    """SQLAlchemy Core on an AUTOCOMMIT connection that stays open; statements built once, with bound parameters."""
    calls = _core_calls()

    def call(name: str) -> Call:
        return lambda id: calls[name](connection, id)

    return {name: call(name) for name in NAMES}


def by_core_from_pool(engine: Engine) -> Calls:
    """The same with a connection from the pool for each call: what SQLAlchemy's public way costs at least."""
    calls = _core_calls()

    def call(name: str) -> Call:
        def made(id: int) -> object:
            with engine.connect() as connection:
                return calls[name](connection.execution_options(isolation_level="AUTOCOMMIT"), id)

        return made

    return {name: call(name) for name in NAMES}


def _core_calls() -> Mapping[str, Callable[[Connection, int], object]]:
    table = Task.metadata.tables["task"]
    row = (table.c.id == bindparam("id_is"), table.c.user_id == bindparam("owner_is"))
    create = insert(table).returning(*table.c)
    get = select(*table.c).where(*row)
    change = update(table).where(*row).returning(*table.c)
    toggle = change.values(completed=~table.c.completed)
    remove = delete(table).where(*row).returning(*table.c)
    every = select(*table.c).where(row[1]).order_by(table.c.id)
    values = {"title": "Buy groceries", "completed": False, "user_id": OWNER}

    def of(id: int) -> dict[str, object]:
        return {"id_is": id, "owner_is": OWNER}

    return {
        "create": lambda connection, _: _built(connection.execute(create, values).one()),
        "get": lambda connection, id: _built(connection.execute(get, of(id)).one()),
        "update": lambda connection, id: _built(connection.execute(change, {**of(id), "title": "Buy food"}).one()),
        "toggle": lambda connection, id: _built(connection.execute(toggle, of(id)).one()),
        "delete": lambda connection, id: _built(connection.execute(remove, of(id)).one()),
        "list of 100": lambda connection, _: [
            _built(row) for row in connection.execute(every, {"owner_is": LIST_OWNER})
        ],
    }


def by_repository(session: Session) -> Calls:
    """This project on a session that stays open."""

    def call(name: str) -> Call:
        mine = TaskRepository(session).owned_by(_owner(name))
        return lambda id: _CALLS[name](mine, id)

    return {name: call(name) for name in NAMES}


def by_repository_on_new_sessions(database: Database) -> Calls:
    """This project with a session opened, scoped and closed for each call."""

    def call(name: str) -> Call:
        def made(id: int) -> object:
            with database.session() as session:
                return _CALLS[name](TaskRepository(session).owned_by(_owner(name)), id)

        return made

    return {name: call(name) for name in NAMES}


_CALLS: Mapping[str, Callable[[TaskRepository, int], object]] = {
    "create": lambda mine, _: mine.create(TaskCreate(title="Buy groceries")),
    "get": lambda mine, id: mine.get_one(id),
    "update": lambda mine, id: mine.update(id, TaskUpdate(title="Buy food")),
    "toggle": lambda mine, id: mine.toggle_complete(id),
    "delete": lambda mine, id: mine.delete(id),
    "list of 100": lambda mine, _: mine.list(),
}


def _owner(name: str) -> str:
    return LIST_OWNER if name == "list of 100" else OWNER


def _built(row: Sequence[object]) -> Task:
    return Task.model_construct(None, **dict(zip(_NAMES, row, strict=True)))
