"""How the process reaches the server: the URL as understood, the way, TLS, and what a connect and a round trip take."""

import ipaddress
from dataclasses import dataclass
from typing import Final

import psycopg
from sqlalchemy import URL, Connection

from backend.commands.check.findings import Finding
from backend.commands.check.handshake import Handshake
from backend.database.connections.neon import direct_host, is_neon_host
from backend.settings import Settings

_SLOW_MS: Final = 20.0
"""A round trip within one region takes a few milliseconds."""

_SUSPENDS_S: Final = 300
"""Seconds without a query after which Neon suspends a compute."""

_VERIFY: Final = "add sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt to DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Route:
    """What one connection says of the way to its server."""

    host: str
    is_socket: bool
    is_neon: bool
    is_pooled: bool
    uses_tls: bool
    sslmode: str
    channel_binding: str
    prepare_threshold: int | None = None
    """Runs after which this connection prepares a statement; `None`: never."""

    @property
    def is_within_the_machine(self) -> bool:
        """Return whether nothing crosses a network."""
        return self.is_socket or _is_loopback(self.host)


def route_of(connection: Connection, process: int) -> Route:
    """Return the route of an open connection; `process` is the server's process that answers its statements.

    A pooler gives each client a number of its own instead of that of a process, and so does Neon's proxy, where the
    host's name says whether it leads to the pooler.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise AssertionError("an engine of a Database has psycopg's connections")
    info = driver.info
    parameters = info.get_parameters()
    host, is_neon = info.host, is_neon_host(info.host)
    is_pooled = direct_host(host) != host if is_neon else info.backend_pid != process
    return Route(
        host,
        host.startswith(("/", "@")),
        is_neon,
        is_pooled,
        driver.pgconn.ssl_in_use,
        parameters.get("sslmode", "prefer"),
        parameters.get("channel_binding", "prefer"),
        driver.prepare_threshold,
    )


def check_url(url: URL) -> Finding:
    """Return the URL as it was understood, without its secrets."""
    text = url.render_as_string(hide_password=True)
    return Finding("url", text, {"url": text})


def check_route(route: Route) -> Finding:
    """Return whether a pooler is in between."""
    text = "through a pooler" if route.is_pooled else "direct"
    if route.is_neon:
        text += ", Neon's pooler" if route.is_pooled else ", Neon's compute"
    return Finding("route", text, {"pooled": route.is_pooled, "neon": route.is_neon})


def check_prepare(route: Route, settings: Settings) -> Finding:
    """Return whether the connection prepares statements, and why; to be changed where a pooler may lose them."""
    given, runs = settings.prepare_threshold, route.prepare_threshold
    text = "statements are not prepared" if runs is None else f"statements are prepared after {runs} runs"
    if given is None:
        text += ": PREPARE_THRESHOLD is not set"
    elif given == "auto":
        text += f": auto, and the connection is {_passage(route)}"
    fix = None
    if runs is not None and route.is_pooled and not route.is_neon:
        fix = (
            "set PREPARE_THRESHOLD=auto, unless this pooler keeps prepared statements, as PgBouncer from 1.22 does "
            "with max_prepared_statements: else another client's statement may run instead"
        )
    return Finding("prepare", text, {"setting": given, "threshold": runs}, fix)


def check_tls(route: Route, version: str | None) -> Finding:
    """Return whether the connection is encrypted, and whether the server has proven who it is."""
    values = {"in_use": route.uses_tls, "version": version, "sslmode": route.sslmode}
    if not route.uses_tls:
        text = "none, within this machine" if route.is_within_the_machine else "none: others can read what is sent"
        return Finding("tls", text, values, None if route.is_within_the_machine else _VERIFY)
    name = version or "in use"
    if route.sslmode == "verify-full":
        return Finding("tls", f"{name}, certificate and host name verified", values)
    if route.channel_binding == "require":
        return Finding("tls", f"{name}, the server proven by the password (channel_binding=require)", values)
    return Finding("tls", f"{name}, the server not verified (sslmode={route.sslmode})", values, _VERIFY)


def check_connect(duration_ms: float, handshake: Handshake, first: int | None) -> Finding:
    """Return what the first connect took: `first` are the round trips of the questions after it."""
    known = None if handshake.round_trips is None or first is None else handshake.round_trips + first
    trips = "" if known is None else f", {known} round trips ({handshake.round_trips} to connect, {first} to ask)"
    return Finding(
        "connect", f"{duration_ms:.1f} ms{trips}", {"duration_ms": round(duration_ms, 3), "round_trips": known}
    )


def check_latency(duration_ms: float, pings: int) -> Finding:
    """Return what one round trip takes."""
    return Finding(
        "latency",
        f"{duration_ms:.2f} ms (one round trip, best of {pings})",
        {"duration_ms": round(duration_ms, 3)},
        "run the application in the region of the database" if duration_ms > _SLOW_MS else None,
    )


def check_pool(settings: Settings, route: Route) -> Finding:
    """Return the pool's settings, and whether its connections outlive a suspend."""
    if settings.pool_size == 0:
        return Finding("pool", "none: each call and each transaction connects", {"size": 0})
    age_s = settings.pool_recycle_s
    recycled = "never recycled" if age_s < 0 else f"recycled after {age_s} s"
    fix = None
    if route.is_neon and not 0 <= age_s < _SUSPENDS_S:
        fix = f"set POOL_RECYCLE_S below {_SUSPENDS_S}: Neon suspends a compute after {_SUSPENDS_S} s without a query"
    return Finding(
        "pool",
        f"{settings.pool_size} + {settings.pool_max_overflow} connections, {recycled}",
        {"size": settings.pool_size, "max_overflow": settings.pool_max_overflow, "recycle_s": age_s},
        fix,
    )


def _passage(route: Route) -> str:
    if route.is_neon:
        return "through Neon's proxy: set a number to prepare there"
    return "through a pooler" if route.is_pooled else "direct"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"
