"""What a connection is as it goes back to its pool: to the driver, and in its session on the server."""

from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, Select, column, event, func, select, table
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection


@dataclass(frozen=True)
class Returned:
    """To the driver."""

    autocommit: bool
    backend: int
    is_idle: bool = True
    has_modes: bool = False
    """Another isolation level than the server's, read only, or deferrable."""
    has_unread: bool = False
    """A result or a notification that nobody has read."""


class ReturnWatch:
    """Looks at each connection that goes back to the pool of an engine."""

    def __init__(self, engine: Engine | AsyncEngine) -> None:
        self._seen: list[Returned | None] = []
        event.listen(sync_engine(engine), "checkin", self._on_checkin)

    def take(self) -> list[Returned | None]:
        """What went back since the last time; `None` is a connection that was closed."""
        seen, self._seen = self._seen, []
        return seen

    def _on_checkin(self, _connection: object, record: PoolProxiedConnection) -> None:
        driver = record.driver_connection
        if not isinstance(driver, psycopg.Connection | psycopg.AsyncConnection) or driver.closed:
            self._seen.append(None)
            return
        status = TransactionStatus(driver.pgconn.transaction_status)
        level_is_kept = driver.isolation_level not in (None, IsolationLevel.READ_COMMITTED)
        driver.pgconn.consume_input()
        self._seen.append(
            Returned(
                driver.autocommit,
                driver.info.backend_pid,
                status == TransactionStatus.IDLE,
                level_is_kept or bool(driver.read_only) or bool(driver.deferrable),
                bool(driver.pgconn.is_busy()) or driver.pgconn.notifies() is not None,
            )
        )


def sync_engine(engine: Engine | AsyncEngine) -> Engine:
    """The engine's synchronous side."""
    return engine.sync_engine if isinstance(engine, AsyncEngine) else engine


def _number_of(relation: str) -> Select[int]:
    return select(func.count()).select_from(table(relation))


_CURSORS: Final = table("pg_cursors", column("name"))
_LOCKS: Final = table("pg_locks", column("pid"), column("locktype"))
SESSION: Final = select(
    func.current_setting("transaction_isolation"),
    func.current_setting("transaction_read_only"),
    func.current_setting("transaction_deferrable"),
    func.current_setting("default_transaction_read_only"),
    func.pg_my_temp_schema(),
    _number_of("pg_prepared_statements").scalar_subquery(),
    select(func.count()).select_from(_CURSORS).where(_CURSORS.c.name != "").scalar_subquery(),
    select(func.count())
    .select_from(_LOCKS)
    .where(_LOCKS.c.pid == func.pg_backend_pid(), _LOCKS.c.locktype == "advisory")
    .scalar_subquery(),
    func.pg_backend_pid(),
)
"""What its session on the server is, in the next transaction; the last column is its process."""

NEW: Final = ("read committed", "off", "off", "off", 0, 0, 0, 0)
"""A session on which nothing has happened."""
