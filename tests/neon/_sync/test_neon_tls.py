# Generated from tests/neon/_async/test_neon_tls.py by `python -m tools.generate_sync`: edit that one.
"""TLS to Neon: required, verified, and where it fails, one error that says why and is not tried again."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import Database
from backend.errors import ConnectError, CredentialsError
from backend.settings import Settings
from tests.conftest import Server
from tests.support.neon import DIRECT, POOLED, REGION, Neon
from tests.support.wire import Seen, WireProxy
from tests.support.wire.clients import until_end
from tests.support.wire.tls import Certificates


def ping(url: str) -> None:
    settings = Settings.from_url(url).model_copy(update={"connect_retry_s": 30})
    with Database(settings) as database:
        database.ping()


@pytest.fixture(scope="module")
def expired(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neon]:
    certificates = Certificates([f"*.{REGION}"], expired=True)
    with Neon(server.upstream, tmp_path_factory.mktemp("expired"), certificates) as running:
        yield running


@pytest.mark.parametrize(
    ("options", "round_trips"),
    [
        ({}, 5),  # request, handshake, startup, two messages of SCRAM
        ({"sslnegotiation": "direct"}, 4),
        ({"sslnegotiation": "direct", "ssl_max_protocol_version": "TLSv1.2"}, 5),  # its handshake takes two
        ({"sslmode": "verify-ca", "channel_binding": "prefer"}, 5),
        ({"sslmode": "require", "sslrootcert": "", "channel_binding": "disable"}, 5),
        ({"sslmode": "", "sslrootcert": "", "channel_binding": ""}, 5),
    ],
)
def test_a_connection_is_encrypted_and_counted(neon: Neon, options: dict[str, str], round_trips: int) -> None:
    with neon.watch() as seen:
        ping(neon.url_of(**options))
    assert (seen.connects, seen.encrypted, seen.connect_round_trips) == (1, 1, round_trips)


@pytest.mark.parametrize("host", [POOLED, DIRECT])
def test_the_host_is_named_to_the_proxy_of_neon(neon: Neon, host: str) -> None:
    ping(neon.url_of(host))
    assert neon.certificates.hosts[-1] == host


def refused(url: str, neon: WireProxy) -> tuple[ConnectError, Seen]:
    with neon.watch() as seen, pytest.raises(ConnectError) as raised:
        ping(url)
    return raised.value, seen


@pytest.mark.parametrize("options", [{"sslmode": "verify-ca"}, {"sslmode": "verify-full"}, {"sslmode": "require"}])
def test_a_certificate_of_an_unknown_authority_is_refused(neon: Neon, tmp_path: Path, options: dict[str, str]) -> None:
    other = Certificates(["other.example"]).write_authority(tmp_path / "other.pem")
    error, seen = refused(neon.url_of(**options, sslrootcert=str(other)), neon)
    assert str(error) == (
        f"ping found no connection: no TLS with host {POOLED!r}, port {neon.port}: SSL error: certificate verify failed"
    )
    assert (type(error), error.retryable, error.outcome, seen.connects) == (ConnectError, False, "not_applied", 0)


def test_a_handshake_that_fails_at_its_first_bytes_ends_that_connection_alone(neon: Neon) -> None:
    with socket.create_connection(("127.0.0.1", neon.port)) as client:
        client.sendall(b"\x16" + bytes(20))
        until_end(client)
    ping(neon.url_of(sslnegotiation="direct"))


def test_an_expired_certificate_is_refused(expired: Neon) -> None:
    error, seen = refused(expired.url, expired)
    assert str(error).endswith(": SSL error: certificate verify failed")
    assert (error.retryable, seen.connects) == (False, 0)


def test_a_certificate_for_another_name_is_refused(neon: Neon) -> None:
    error, seen = refused(neon.url_of("db.example.org"), neon)
    assert str(error).endswith(f'server certificate for "*.{REGION}" does not match host name "db.example.org"')
    assert (error.retryable, seen.connects) == (False, 0)


def test_a_server_without_tls_is_refused_where_tls_is_required(proxy: WireProxy) -> None:
    error, seen = refused(f"{proxy.tcp_url}?sslmode=require", proxy)
    assert str(error) == (
        f"ping found no connection: no TLS with host '127.0.0.1', port {proxy.port}: "
        "server does not support SSL, but SSL was required"
    )
    assert (error.retryable, seen.connects) == (False, 0)


def test_nothing_is_sent_in_plaintext_to_a_host_of_neon(proxy: WireProxy) -> None:
    url = f"postgresql://postgres:s3cret@{POOLED}/postgres?hostaddr=127.0.0.1&port={proxy.port}"
    error, seen = refused(url, proxy)
    assert "server does not support SSL" in str(error)
    assert (error.retryable, seen.connects) == (False, 0)


def test_a_server_without_channel_binding_is_named_as_the_cause(server: Server, tmp_path: Path) -> None:
    with WireProxy(server.upstream, password="x") as plain:  # noqa: S106 - of the imitation
        url = f"{plain.tcp_url.replace('postgres@', 'postgres:x@')}?channel_binding=require"
        error, _ = refused(url, plain)
    assert "channel binding that DATABASE_URL requires" in str(error)


def test_a_wrong_password_is_refused_and_not_tried_again(neon: Neon) -> None:
    error, seen = refused(neon.url_of(password="wrong"), neon)  # noqa: S106 - of the imitation
    assert str(error) == "ping found no connection: the server refuses user or password (SQLSTATE XX000)"
    assert (type(error), error.retryable, seen.connects) == (CredentialsError, False, 2)
