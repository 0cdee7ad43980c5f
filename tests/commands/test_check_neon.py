"""What `check` says of Neon: TLS and its version, whether its pooler is in between, and the round trips to connect."""

import ssl

import pytest
from sqlalchemy import Engine

from backend import Database, Settings
from backend.commands.check.connecting import Route, check_route, check_tls, route_of
from backend.commands.check.handshake import Handshake
from backend.commands.check.server import read_server
from tests.support.neon import DIRECT, POOLED, Neon


def route_to(url: str) -> Route:
    with Database(url) as database, database.engine.connect() as connection:
        return route_of(connection, read_server(connection).process)


@pytest.mark.parametrize(
    ("host", "text"),
    [(POOLED, "through a pooler, Neon's pooler"), (DIRECT, "direct, Neon's compute")],
    ids=["pooled", "direct"],
)
def test_a_check_knows_neons_pooler_by_the_hosts_name(neon: Neon, clean: Engine, host: str, text: str) -> None:
    url = neon.url_of(host)
    assert check_route(route_to(url)).text == text


@pytest.mark.parametrize(
    ("options", "text", "level"),
    [
        ({"channel_binding": ""}, "TLSv1.3, certificate and host name verified", "ok"),
        (
            {"sslmode": "require", "sslrootcert": ""},
            "TLSv1.3, the server proven by the password (channel_binding=require)",
            "ok",
        ),
        (
            {"sslmode": "require", "sslrootcert": "", "channel_binding": ""},
            "TLSv1.3, the server not verified (sslmode=require)",
            "advice",
        ),
    ],
    ids=["verify-full", "channel binding", "require"],
)
def test_a_check_says_how_the_server_is_verified(
    neon: Neon, clean: Engine, options: dict[str, str], text: str, level: str
) -> None:
    url = neon.url_of(**options)
    found = check_tls(route_to(url), Handshake.of(Settings.from_url(url)).tls)
    assert (found.text, found.level) == (text, level)


@pytest.mark.parametrize(
    ("version", "negotiation"),
    [
        (ssl.TLSVersion.TLSv1_3, "postgres"),
        (ssl.TLSVersion.TLSv1_3, "direct"),
        (ssl.TLSVersion.TLSv1_2, "postgres"),
    ],
    ids=["1.3", "1.3 at once", "1.2"],
)
def test_a_check_knows_the_version_of_tls_and_the_round_trips_to_connect(
    neon: Neon, clean: Engine, version: ssl.TLSVersion, negotiation: str
) -> None:
    url = neon.url_of(sslnegotiation=negotiation)
    context = neon.certificates.context
    newest = context.maximum_version
    context.maximum_version = version
    try:
        with neon.watch() as seen, Database(url) as database:
            database.ping()
        found = Handshake.of(Settings.from_url(url))
    finally:
        context.maximum_version = newest
    assert found == Handshake(
        seen.connect_round_trips + 1, version.name.replace("_", ".")
    )  # TCP's own is not in the bytes
