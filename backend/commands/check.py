"""Reports whether the database of this process is usable: server, latency, pool, tables."""

import sys
import time

from sqlalchemy import Engine, String, func, inspect, select

from backend import Database
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.settings import Settings
from backend.tasks import Task

_PINGS = 5
_OPERATION = Operation("check", writes=False)


def check() -> int:
    """Print a report. Return 0 if the database has the tables of tasks, else 1. Raises the errors of a connect."""
    settings = Settings.load()
    with Database(settings) as database:
        started = time.perf_counter()
        database.ping()
        connected = _ms_since(started)
        version, missing = _version_and_missing_tables(database.engine)
        latency = min(_ping_ms(database) for _ in range(_PINGS))
    report = {
        "server": f"PostgreSQL {version}",
        "connect": f"{connected:.1f} ms",
        "latency": f"{latency:.2f} ms (one round trip, best of {_PINGS})",
        "pool": f"{settings.pool_size} + {settings.pool_max_overflow} connections, "
        f"recycled after {settings.pool_recycle_s} s",
        "tables": f"missing: {', '.join(missing)}; run python -m backend init"
        if missing
        else f"all there: {', '.join(table.name for table in Task.metadata.sorted_tables)}",
    }
    for name, value in report.items():
        sys.stdout.write(f"{name:8} {value}\n")
    return 1 if missing else 0


def _ping_ms(database: Database) -> float:
    started = time.perf_counter()
    database.ping()
    return _ms_since(started)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _version_and_missing_tables(engine: Engine) -> tuple[str, list[str]]:
    with translate_errors(_OPERATION, "connect"):
        connection = engine.connect()
    with connection, translate_errors(_OPERATION, "statement"):
        version = connection.execute(select(func.current_setting("server_version", type_=String()))).scalar_one()
        existing = inspect(connection)
        tables = Task.metadata.sorted_tables
        return version, [table.name for table in tables if not existing.has_table(table.name, schema=table.schema)]
