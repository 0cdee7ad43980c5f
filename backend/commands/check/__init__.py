"""Reports whether the database of this process is usable, and what to change: `python -m backend check`.

connecting   the URL, the way to the server, TLS, what a connect and a round trip take, the pool
server       version, clock, limit of connections
handshake    a connect that is traced
tables       the columns beside those of the models; column_defaults: what the database fills in
application  the models and repositories of `--models` beside the database
constraints  unique keys, indexes, foreign keys and checks beside those of the models
reads        the reads of a repository, each of which needs an index
indexes      which reads an index serves; declared: the indexes of a model; catalogue: those of the database
sql_words    expressions beside what PostgreSQL makes of them
findings     a finding, and the report
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import MetaData, literal, select

from backend import Database
from backend.commands.check.application import check_application
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
from backend.commands.models import Application, import_application
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


def check(metadata: MetaData = Task.metadata, *, json: bool = False, models: Sequence[str] = ()) -> int:
    """Print a report on the database and these tables. Return 0 if they are usable, else 1. Changes nothing.

    With `models`, modules of an application, its models and repositories are checked instead of the tables.

    Raises the errors of settings, of an import and of a connect; with `json` they are in the report.
    """
    try:
        settings = Settings.load()
        findings = _findings(settings, import_application(models) if models else metadata)
    except RepositoryError as error:
        if not json:
            raise
        sys.stdout.write(as_json([], str(error)))
        return 1
    sys.stdout.write(as_json(findings) if json else as_text(findings))
    return 0 if is_usable(findings) else 1


def _findings(settings: Settings, tables: MetaData | Application) -> list[Finding]:
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
            if isinstance(tables, Application):
                of_tables = check_application(connection, tables)
            else:
                of_tables = check_tables(connection, tables)
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
            *of_tables,
        ]


def _duration_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
