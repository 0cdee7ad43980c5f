"""Parses DATABASE_URL into libpq's parameters: server, database, user. Nothing is looked up or connected here.

The URL is libpq's, as `psql` accepts it: several hosts, sockets, `service` and `passfile` included. After its `?` a
space may be `+`, and a value may contain `=`, as in SQLAlchemy's URLs. No error shows a part of the URL.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import URL

from backend.database.connections.neon import direct_host
from backend.database.tls import UrlError, with_tls
from backend.errors import SettingsError

_DRIVER: Final = "postgresql+psycopg"

_CHOICES: Final = {
    "channel_binding": "disable prefer require",
    "gssencmode": "disable prefer require",
    "load_balance_hosts": "disable random",
    "sslcertmode": "disable allow require",
    "sslmode": "disable allow prefer require verify-ca verify-full",
    "sslnegotiation": "postgres direct",
    "target_session_attrs": "any read-write read-only primary standby prefer-standby",
}
"""Values that libpq checks only as it connects, as PostgreSQL 18's documentation (34.1.2) lists them."""

_NUMBERS: Final = (
    "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
)  # fmt: skip

_MISPLACED: Final = re.compile(r"\s|^[^:/@]*:[^:]*$")
"""Not part of a host name: white space, or a port."""


def libpq_parameters(url: str, variable: str = "DATABASE_URL") -> Mapping[str, str]:
    """Return libpq's parameters for a URL. Raises `SettingsError`, which names the variable, if it is wrong anywhere.

    TLS is required of Neon's hosts: see `tls`.
    """
    try:
        parameters = _parsed(url)
        _check(parameters)
        return with_tls(parameters)
    except UrlError as error:
        raise SettingsError(f"{variable} {error}") from None


def direct_parameters(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters with the host of the compute for that of Neon's pooler; others unchanged."""
    if "host" not in parameters:
        return parameters
    return {**parameters, "host": ",".join(map(direct_host, parameters["host"].split(",")))}


def _parsed(url: str) -> Mapping[str, str]:
    _, _, address = url.strip().partition("://")
    address, _, query = address.partition("?")
    authority, _, path = address.partition("/")
    if authority.count("@") > 1 or "@" in path:  # part of a password that is not encoded
        raise _malformed()
    try:
        parsed = conninfo_to_dict(f"postgresql://{address.replace(' ', '%20')}")  # libpq trims what is not encoded
        options = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except (psycopg.Error, ValueError):
        raise _malformed() from None
    return {key: str(value) for key, value in parsed.items()} | _once_each(options)


def shown_url(parameters: Mapping[str, str]) -> URL:
    """Return the engine's URL: the parameters without those that may hold a secret, except the masked password."""
    query = {key: value for key, value in parameters.items() if key not in {*_NAMED, *_secrets(), "options"}}
    host: str | None = parameters.get("host", "")
    port = parameters.get("port", "")
    if re.search("[,/@]", parameters.get("host", "")):
        host, query["host"] = None, parameters["host"]
    if "," in port or (host is None and port):
        query["port"] = port
    return URL.create(
        _DRIVER,
        parameters.get("user"),
        parameters.get("password"),
        host or None,
        int(port) if port and "port" not in query else None,
        parameters.get("dbname"),
        query,
    )


_NAMED: Final = ("user", "password", "host", "port", "dbname")
"""The parameters that a URL does not name after its `?`."""


def _secrets() -> set[str]:
    """Return the parameters that libpq itself marks as passwords or as debug options."""
    return {option.keyword.decode() for option in Conninfo.get_defaults() if option.dispchar}


def _once_each(options: list[tuple[str, str]]) -> dict[str, str]:
    """Return the options by name; several hosts, as SQLAlchemy's documentation writes them, become libpq's lists."""
    hosts = [value.partition(":") for key, value in options if key == "host"]
    if len(hosts) > 1:
        options = [(key, value) for key, value in options if key != "host"]
        options.append(("host", ",".join(host for host, _, _ in hosts)))
        if any(port for _, _, port in hosts):
            options.append(("port", ",".join(port for _, _, port in hosts)))
    by_name = dict(options)
    if len(by_name) < len(options):
        raise UrlError("is malformed: an option after its '?' is given twice")
    return by_name


def _check(parameters: Mapping[str, str]) -> None:
    try:
        make_conninfo("", **parameters)
    except psycopg.ProgrammingError:
        raise UrlError("has an option, after its '?', that libpq does not know") from None
    places = f"{parameters.get('host', '')},{parameters.get('hostaddr', '')}".split(",")
    if not all(map(_is_host, places)) or "\0" in "".join(parameters.values()):
        raise _malformed()
    hosts = parameters.get("hostaddr", parameters.get("host", "")).split(",")
    ports = parameters.get("port", "").split(",")
    if not re.fullmatch(r"[\d,]*", ",".join(ports), re.ASCII):  # part of a password that is not encoded
        raise _malformed()
    if len(ports) not in (1, len(hosts)) or not all(map(_is_port, ports)):
        raise UrlError("is malformed: expected one port from 1 to 65535, or one for each host")
    for key, choices in _CHOICES.items():
        if parameters.get(key) not in (None, "", *choices.split()):
            raise UrlError(f"is malformed: expected {key} to be one of {', '.join(choices.split())}")
    for key in _NUMBERS:
        if not re.fullmatch(r"-?\d{1,9}|", parameters.get(key, ""), re.ASCII):
            raise UrlError(f"is malformed: expected {key} to be a whole number")


def _is_host(text: str) -> bool:
    """Return whether this is a socket's folder, or a name that Python can look up: it encodes names in IDNA."""
    if text.startswith(("/", "@")):
        return True
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return _MISPLACED.search(text) is None


def _is_port(text: str) -> bool:
    return not text or (len(text) <= 5 and 0 < int(text) < 65536)


def _malformed() -> UrlError:
    return UrlError(
        "is malformed: expected postgresql://user:password@host/database, with special characters percent-encoded"
    )
