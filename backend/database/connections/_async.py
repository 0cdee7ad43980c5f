"""Makes the connections of an engine, with several attempts for each."""

import time
from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg.abc import AdaptContext
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Dialect

from backend.database.bridge import async_run_blocking, async_sleep, async_wait_for_socket
from backend.database.connections.backoff import Backoff
from backend.database.connections.cursors import AsyncCursor
from backend.database.connections.places import Diagnosis, Place
from backend.database.connections.preparing import AUTO_THRESHOLD, compile_process_query, may_be_direct
from backend.database.connections.probe import ConnectProbe, with_sqlstate
from backend.settings import Settings

_KEEPALIVES: Final = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""For libpq: a dead peer is noticed after 30 + 3 · 10 s."""

_CLIENT_ENCODING: Final = {"client_encoding": "UTF8"}
"""For libpq: the server converts to and from its own encoding, and reports a character that this one lacks."""


class AsyncConnector:
    """Makes the connections of one engine, with retries for each until `connect_retry_s` has passed."""

    def __init__(self, settings: Settings, parameters: Mapping[str, str]) -> None:
        self._settings = settings
        self._context: AdaptContext | None = None
        self._process_query = b""
        self._parameters = parameters
        self._hosts = [host for host in parameters.get("hostaddr", parameters.get("host", "")).split(",") if host]
        timeout = {"connect_timeout": settings.connect_timeout_s}
        options: dict[str, str | int | None] = {**timeout, **_KEEPALIVES, **_CLIENT_ENCODING, **parameters}
        self._conninfo = make_conninfo("", **options)

    def configure(self, dialect: Dialect) -> None:
        """Adopt the type adapters of the engine's dialect, and compile a query for it."""
        _, arguments = dialect.create_connect_args(URL.create(dialect.name))
        self._context = arguments.get("context")
        self._process_query = compile_process_query(dialect)

    async def connect(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        """Return a connection; retry for `connect_retry_s` while the server is waking. Other refusals are final.

        Raises psycopg's error, of the class for the server's SQLSTATE if the server sent one.
        """
        backoff = Backoff(self._settings.connect_retry_s)
        while True:
            try:
                return await self._connect_once()
            except psycopg.errors.ConnectionTimeout as error:
                error.add_note(Place.of(self._parameters, Diagnosis("silent")))
                raise error.with_traceback(None) from None  # without the frames that hold the attempt's socket open
            except psycopg.OperationalError as error:
                diagnosis = await self._diagnose()
                delay_s = backoff.next_delay_s() if diagnosis.is_temporary else None
                if delay_s is None:
                    refused = with_sqlstate(error, diagnosis.sqlstate)
                    refused.add_note(Place.of(self._parameters, diagnosis))
                    raise refused from None
            except BaseException as error:
                raise error.with_traceback(None) from None  # a cancellation: as above
            await async_sleep(delay_s)

    async def _connect_once(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        threshold = self._settings.prepare_threshold
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo,
            autocommit=True,  # spares SQLAlchemy's first questions their BEGIN and ROLLBACK
            context=self._context,
            cursor_factory=AsyncCursor,
            prepare_threshold=None if threshold == "auto" else threshold,
        )
        if threshold == "auto" and may_be_direct(connection.info):
            try:
                answer = await (await connection.execute(self._process_query)).fetchone()
            except BaseException:
                await connection.close()
                raise
            if answer == (connection.info.backend_pid,):
                connection.prepare_threshold = AUTO_THRESHOLD
        return connection

    async def _diagnose(self) -> Diagnosis:
        """Connect once more and return why this attempt fails, or that it was accepted."""
        deadline = time.monotonic() + self._settings.connect_timeout_s
        with ConnectProbe(self._conninfo, self._hosts) as probe:
            await async_run_blocking(probe.start)
            probe.trace()
            while probe.is_pending:
                left_s = deadline - time.monotonic()
                if not await async_wait_for_socket(probe.socket, to_write=probe.waits_to_write, timeout_s=left_s):
                    break
                probe.poll()
            return probe.diagnosis()
