"""Connects once more while libpq traces the protocol: how many round trips a connect takes, and which TLS it uses.

libpq has no public function for the version of TLS, so the connect first asks for TLS 1.3 or later.
"""

import tempfile
import time
from dataclasses import dataclass
from typing import Final, Self

from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, PGconn, PollingStatus
from psycopg.pq.abc import PGconn as AnyPGconn

from backend.commands.wire import count_round_trips, start_trace
from backend.database.addresses import libpq_parameters
from backend.database.bridge import wait_for_socket
from backend.settings import Settings

_NEWEST: Final = "TLSv1.3"
_OLDER: Final = "TLSv1.2"
"""What libpq takes besides: its default for `ssl_min_protocol_version`."""

_TLS_ROUND_TRIPS: Final = {_NEWEST: 1, _OLDER: 2}
"""Of the handshake itself, which the trace does not show; RFC 8446 and RFC 5246."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What one connect showed; each is `None` if it is not known."""

    round_trips: int | None = None
    tls: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what a connect with these settings shows. Raises no error if it fails."""
        parameters = libpq_parameters(settings.database_url.get_secret_value())
        for options in ({"ssl_min_protocol_version": _NEWEST}, {}):
            deadline = time.monotonic() + settings.connect_timeout_s
            connection = PGconn.connect_start(make_conninfo("", **{**parameters, **options}).encode())
            try:
                with tempfile.TemporaryFile() as trace:
                    if not start_trace(connection, trace) or not _is_connected(connection, deadline):
                        continue
                    connection.untrace()
                    version = (_NEWEST if options else _OLDER) if connection.ssl_in_use else None
                    outside = _TLS_ROUND_TRIPS[version] if version else 0
                    tcp = 0 if connection.host.startswith((b"/", b"@")) else 1
                    return cls(tcp + outside + count_round_trips(trace), version)
            finally:
                connection.finish()
        return cls()


def _is_connected(connection: AnyPGconn, deadline: float) -> bool:
    """Finish the connect. Return whether it succeeded before the deadline."""
    waiting = PollingStatus.WRITING
    while waiting in (PollingStatus.READING, PollingStatus.WRITING):
        left_s, to_write = deadline - time.monotonic(), waiting == PollingStatus.WRITING
        if connection.status == ConnStatus.BAD or not wait_for_socket(
            connection.socket, to_write=to_write, timeout_s=left_s
        ):
            return False
        waiting = PollingStatus(connection.connect_poll())
    return waiting == PollingStatus.OK
