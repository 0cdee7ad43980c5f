"""Reports whether the database of this process is usable, and what to change: `python -m backend check`.

connecting   the URL, the way to the server, TLS, what a connect and a round trip take, the pool
server       version, clock, limit of connections
handshake    a connect that is traced
tables       the tables beside those of the models
findings     a finding, and the report
"""

import sys
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import MetaData, literal, select

from backend import Database
from backend.commands.check.connecting import (
    check_connect,
    check_latency,
    check_pool,
    check_prepare,
    check_route,
    check_tls,
    check_url,
    route_of,
)
from backend.commands.check.findings import Finding, as_json, as_text, is_usable
from backend.commands.check.handshake import Handshake
from backend.commands.check.server import check_clock, check_limit, check_server, read_server
from backend.commands.check.tables import check_tables
from backend.commands.wire import FirstConnect
from backend.database.connections.checkout import may_switch_mode
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.errors import RepositoryError
from backend.settings import Settings
from backend.tasks import Task

_PINGS = 5
_PING = select(literal(1))
_OPERATION = Operation("check", writes=False)


def check(metadata: MetaData = Task.metadata, *, json: bool = False) -> int:
    """Print a report on the database and these tables. Return 0 if they are usable, else 1. Changes nothing.

    Raises the errors of settings and of a connect; with `json` they are in the report.
    """
    try:
        findings = _findings(Settings.load(), metadata)
    except RepositoryError as error:
        if not json:
            raise
        sys.stdout.write(as_json([], str(error)))
        return 1
    sys.stdout.write(as_json(findings) if json else as_text(findings))
    return 0 if is_usable(findings) else 1


def _findings(settings: Settings, metadata: MetaData) -> list[Finding]:
    with Database(settings) as database:
        with FirstConnect(database.engine) as first:
            connected_ms = _duration_ms(database.ping)
        with translate_errors(_OPERATION, "connect"):
            connection = database.engine.connect()
        with connection, translate_errors(_OPERATION, "statement"):
            if may_switch_mode(connection):  # a listener of the application may have begun a transaction
                connection.execution_options(isolation_level="AUTOCOMMIT")
            latency_ms = min(_duration_ms(partial(connection.execute, _PING)) for _ in range(_PINGS))
            server = read_server(connection)
            route = route_of(connection, server.process)
            tables = check_tables(connection, metadata)
        handshake = Handshake.of(settings)
        return [
            check_url(database.engine.url),
            check_route(route),
            check_prepare(route, settings),
            check_tls(route, handshake.tls),
            check_server(server),
            check_connect(connected_ms, handshake, first.round_trips),
            check_latency(latency_ms, _PINGS),
            check_clock(server),
            check_pool(settings, route),
            check_limit(server, settings, is_pooled=route.is_pooled),
            *tables,
        ]


def _duration_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
