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
    )


def check_url(url: URL) -> Finding:
    """Return the URL as it was understood, without its secrets."""
    text = url.render_as_string(hide_password=True)
    return Finding("url", text, {"url": text})


def check_route(route: Route, settings: Settings) -> Finding:
    """Return whether a pooler is in between, and whether the settings suit it."""
    text = "through a pooler" if route.is_pooled else "direct"
    if route.is_neon:
        text += ", Neon's pooler" if route.is_pooled else ", Neon's compute"
    fix = None
    if route.is_pooled and settings.prepare_threshold is not None:
        fix = "unset PREPARE_THRESHOLD: a statement that was prepared on one connection runs on another"
    return Finding("route", text, {"pooled": route.is_pooled, "neon": route.is_neon}, fix)


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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"
