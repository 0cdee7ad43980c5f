"""The rows that the calls meet, made by a connection that no contender uses."""

from collections.abc import Sequence
from typing import LiteralString, Self, TypeAlias

import psycopg
from sqlalchemy import make_url

from backend import Database, init_db
from backend.tasks import Task
from benchmarks.compare.calls import CALLS, OWNER, Ids
from benchmarks.compare.models import Label

LEAST_ROWS = 300
"""The owner has 200 of them, and a list of 100 and the pages are full."""

_FILL = """
    INSERT INTO task (title, user_id)
    SELECT 'Task ' || n, CASE WHEN n %% %(every)s = 0 THEN %(owner)s ELSE 'owner ' || n %% 999 END
    FROM generate_series(1, %(rows)s) n
"""
_NEW = "INSERT INTO task (title, user_id) SELECT 'Task ' || n, %s FROM generate_series(1, %s) n RETURNING id"
_LABELS = "INSERT INTO label (user_id, name, colour) SELECT %s, 'label ' || n, 'red' FROM unnest(%s::int[]) n"

_Row: TypeAlias = tuple[object, ...]


class Data:
    """The tables `task` and `label` of one database, which it empties and fills."""

    def __init__(self, url: str, rows: int, bulk: int) -> None:
        self.rows, self.bulk = rows, bulk
        self._url = url
        conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[_Row] = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
        self._last_id = 0
        self.deep = self.deep_id = 0

    def fill(self) -> Self:
        """Make the tables anew: one owner among a thousand has a thousandth of the rows, and 200 at least."""
        with Database(self._url) as database:
            for model in (Task, Label):
                init_db(database, model.metadata)
        run = self._connection.execute
        run("TRUNCATE task, label RESTART IDENTITY")
        own = max(self.rows // 1000, 200)
        run(_FILL, {"every": self.rows // own, "owner": OWNER, "rows": self.rows})
        run("ALTER TABLE task SET (autovacuum_enabled = false)")
        run("VACUUM ANALYZE task")
        self.deep = min(own // 2, 500)
        self._last_id = self._int("SELECT max(id) FROM task")
        self.deep_id = self._int("SELECT id FROM task WHERE user_id = %s ORDER BY id OFFSET %s", OWNER, self.deep - 1)
        return self

    def find(self, place: Sequence[int]) -> Self:
        """Take over the rows that another process has made."""
        self.deep, self.deep_id, self._last_id = place
        return self

    @property
    def place(self) -> tuple[int, int, int]:
        """What `find` takes."""
        return self.deep, self.deep_id, self._last_id

    def tidy(self) -> None:
        """Remove the dead rows of earlier rounds."""
        self._connection.execute("VACUUM task, label")

    def batch(self, name: str, calls: int) -> Sequence[Ids]:
        """The ids for each of so many calls: of new rows, those of earlier batches are gone."""
        kind = CALLS[name]
        size = {"none": 0, "one": 1, "ten": 10, "hundred": 100, "many": self.bulk}[kind.rows]
        self._connection.execute("DELETE FROM task WHERE user_id = %s AND id > %s", (OWNER, self._last_id))
        if kind.is_upsert:
            ids = list(range(1, size * calls + 1))
            self._connection.execute("TRUNCATE label")
            self._connection.execute(_LABELS, (OWNER, ids[1::2]))  # half of them are there
        elif name == "create_many" or size == 0:
            ids = list(range(size * calls))
        else:
            ids = [one for (one,) in self._connection.execute(_NEW, (OWNER, size * calls)) if isinstance(one, int)]
        return [ids[at * size : (at + 1) * size] for at in range(calls)]

    def backends(self) -> Sequence[int]:
        """The process ids of the contenders' sessions on the server."""
        found = self._connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in found if isinstance(pid, int)]

    def server_version(self) -> str:
        """PostgreSQL's version."""
        return str(self._connection.execute("SHOW server_version").fetchall()[0][0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _int(self, query: LiteralString, *parameters: object) -> int:
        row = self._connection.execute(query, parameters).fetchone()
        assert row is not None
        assert isinstance(row[0], int)
        return row[0]
