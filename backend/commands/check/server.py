"""What the server says of itself, read in one statement, and what it says about the settings."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    String,
    cast,
    column,
    func,
    select,
    table,
)

from backend.commands.check.findings import Finding
from backend.settings import Settings

_SHARES: Final = table("pg_stat_database", column("numbackends", Integer), schema="pg_catalog")
"""The open connections of each database, which every role may read."""

_MOMENT: Final = DateTime(timezone=True)
_TOLERATED_S: Final = 1.0
"""Clocks that are set by NTP differ by less."""


@dataclass(frozen=True, slots=True)
class Server:
    """What one statement has read."""

    version: str
    is_standby: bool
    process: int
    limit: int
    """Connections for roles that are no superusers."""
    in_use: int
    ahead_s: float
    """By how much its clock is ahead of this machine's."""
    within_s: float
    """By how much that may be wrong: half the time of the statement."""


def read_server(connection: Connection) -> Server:
    """Read the server's version, limits and clock: one round trip."""
    reserved = func.coalesce(func.current_setting("reserved_connections", True), "0")  # of PostgreSQL 16 and later
    statement = select(
        func.current_setting("server_version", type_=String()),
        func.pg_is_in_recovery(),
        func.pg_backend_pid(type_=Integer()),
        _number(func.current_setting("max_connections"))
        - _number(func.current_setting("superuser_reserved_connections"))
        - _number(reserved),
        select(cast(func.sum(_SHARES.c.numbackends), BigInteger)).scalar_subquery(),
        func.clock_timestamp(type_=_MOMENT),
    )
    before = datetime.now(UTC)
    version, is_standby, process, limit, in_use, clock = connection.execute(statement).one()
    within = (datetime.now(UTC) - before) / 2
    ahead_s = (clock - (before + within)).total_seconds()
    return Server(version, is_standby, process, limit, in_use, ahead_s, within.total_seconds())


def check_server(server: Server) -> Finding:
    """Return the version, and whether the server takes writes."""
    if server.is_standby:
        return Finding(
            "server", f"PostgreSQL {server.version}, a standby that takes no writes",
            {"version": server.version, "standby": True},
            "name the primary, or several hosts with target_session_attrs=read-write in DATABASE_URL", is_problem=True,
        )  # fmt: skip
    return Finding("server", f"PostgreSQL {server.version}", {"version": server.version, "standby": False})


def check_clock(server: Server) -> Finding:
    """Return how far the clocks of server and client are apart."""
    apart_s = abs(server.ahead_s)
    side = "ahead of" if server.ahead_s > 0 else "behind"
    return Finding(
        "clock",
        f"the server's is {apart_s:.3f} s {side} this machine's, give or take {server.within_s:.3f} s",
        {"ahead_s": round(server.ahead_s, 3), "within_s": round(server.within_s, 3)},
        "set the clock by NTP, and compare times of the database only with each other"
        if apart_s - server.within_s > _TOLERATED_S
        else None,
    )


def check_limit(server: Server, settings: Settings, *, is_pooled: bool) -> Finding:
    """Return the server's limit of connections, and whether the pool of one process stays below it."""
    most = settings.pool_size + settings.pool_max_overflow if settings.pool_size else 0
    fix = None
    if not is_pooled and most > server.limit:
        fix = f"set POOL_SIZE and POOL_MAX_OVERFLOW to less than {server.limit} together, shared by all processes"
    return Finding(
        "limit",
        f"{server.limit} connections besides those kept for administration, {server.in_use} in use",
        {"limit": server.limit, "in_use": server.in_use},
        fix,
    )


def _number(value: ColumnElement[object]) -> ColumnElement[int]:
    return cast(value, Integer)
