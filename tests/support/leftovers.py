"""What a test leaves behind: connections out of their pool or in use, open transactions, statements of a session.

Behind a pooler in transaction mode the next transaction may be on another server connection: what a statement leaves
on one of them is lost, or met by another client.
"""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final, Self, TextIO
from weakref import WeakSet

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, Pool, event, make_url
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

_LOGGED: Final = ("log_statement = 'all'", "log_line_prefix = ''", "log_parameter_max_length = 0")
_ENTRY: Final = re.compile(r"^LOG:  (?:statement|execute (?P<name>[^:\n]+)): (?P<sql>.*(?:\n\t.*)*)", re.MULTILINE)
_OF_A_SESSION: Final = re.compile(
    r"^\s*(?:SET\s+(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|(?:RESET|DISCARD|LISTEN|UNLISTEN|DEALLOCATE|EXECUTE|LOAD)\b"
    r"|PREPARE\s+(?!TRANSACTION\b)|DECLARE\b.*\bWITH\s+HOLD\b|CREATE\s+(?:(?:LOCAL|GLOBAL)\s+)?TEMP(?:ORARY)?\b)"
    r"|\bpg_(?:try_)?advisory_(?:un)?lock|\bset_config\s*\(|\b(?:curr|last)val\s*\(|\bINTO\s+TEMP",
    re.IGNORECASE | re.DOTALL,
)
_OF_PGBOUNCER: Final = re.compile(r"SET application_name='[^']*';")
"""What PgBouncer itself sends when a server connection passes from one client to another."""
_OPEN: Final = (
    "SELECT state, application_name, query FROM pg_stat_activity "
    "WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
)


def depends_on_session(sql: str, name: str | None = None) -> bool:
    """Whether a statement leaves something on its server connection, or needs what another one left there."""
    if _OF_PGBOUNCER.fullmatch(sql):
        return False
    return name not in (None, "<unnamed>") or _OF_A_SESSION.search(sql) is not None


class Watch:
    """While it is entered: the pools of every engine that has connected, and what is open on the server of the run."""

    def __init__(self) -> None:
        self._pools = WeakSet[Pool]()
        self._in_use: list[str] = []
        self._connection: psycopg.Connection | None = None
        self._log: TextIO | None = None

    def __enter__(self) -> Self:
        event.listen(Engine, "engine_connect", self._on_connect)
        event.listen(Pool, "checkin", self._on_checkin)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "engine_connect", self._on_connect)
        event.remove(Pool, "checkin", self._on_checkin)

    @contextmanager
    def server(self, url: str, log: Path | None) -> Generator[None]:
        """Watches this server too while the block runs; what is sent to it, if it is one whose log can be read."""
        conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with (
            psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection,
            nullcontext() if log is None else log.open(errors="replace") as opened,
        ):
            if opened is not None:
                for setting in _LOGGED:
                    connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                connection.execute("SELECT pg_reload_conf()")
            self._connection, self._log = connection, opened
            try:
                yield
            finally:
                self._connection = self._log = None

    def pool_leftovers(self) -> list[str]:
        """What is out of its pool, or went back as no idle connection without modes since the last time."""
        found, self._in_use = self._in_use, []
        # an old pool that was disposed of while a connection was out counts one less than none
        out = sum(max(0, pool.checkedout()) for pool in self._pools if isinstance(pool, QueuePool))
        return [*found, *([f"{out} connections out of their pools"] if out else [])]

    def open_transactions(self, *, settled_s: float = 30) -> list[tuple[object, ...]]:
        """State, application and last statement of each session that stays idle in a transaction.

        A server takes a moment to notice that a client has gone.
        """
        if self._connection is None:
            return []
        deadline = time.monotonic() + settled_s
        while found := self._connection.execute(_OPEN).fetchall():
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        return found

    def statements_of_a_session(self) -> list[str]:
        """The statements sent since the last time that depend on their session."""
        logged = "" if self._log is None else self._log.read()
        return [one["sql"] for one in _ENTRY.finditer(logged) if depends_on_session(one["sql"], one["name"])]

    def _on_connect(self, connection: Connection) -> None:
        self._pools.add(connection.engine.pool)

    def _on_checkin(self, _connection: object, record: PoolProxiedConnection) -> None:
        driver = record.driver_connection
        if not isinstance(driver, psycopg.Connection | psycopg.AsyncConnection) or driver.closed:
            return
        status = TransactionStatus(driver.pgconn.transaction_status)
        modes = (driver.read_only or None, driver.deferrable or None)
        if status != TransactionStatus.IDLE or modes != (None, None):
            self._in_use.append(f"{status.name}, read only and deferrable {modes}")
