"""What `check` advises, by what it has found; and that it counts the round trips that are on the wire."""

from dataclasses import replace

import pytest

from backend import Database, Settings
from backend.commands.check.connecting import Route, check_latency, check_pool, check_prepare, check_route, check_tls
from backend.commands.check.handshake import Handshake
from backend.commands.check.server import Server, check_clock, check_limit, check_server
from backend.commands.wire import FirstConnect
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault

SETTINGS = Settings.from_url("postgresql://user@host/database")
ROUTE = Route("db.example.com", False, False, False, True, "verify-full", "prefer")
NEON = replace(ROUTE, host="ep-x-pooler.eu-central-1.aws.neon.tech", is_neon=True, is_pooled=True)
SERVER = Server("18.6", False, 1, 97, 3, 0.0, 0.01)
VERIFY = "sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"


def with_settings(**values: int | str | None) -> Settings:
    return SETTINGS.model_copy(update=values)


@pytest.mark.parametrize(
    ("route", "text", "fix"),
    [
        (ROUTE, "TLSv1.3, certificate and host name verified", None),
        (
            replace(ROUTE, sslmode="require", channel_binding="require"),
            "TLSv1.3, the server proven by the password (channel_binding=require)",
            None,
        ),
        (
            replace(ROUTE, sslmode="require"),
            "TLSv1.3, the server not verified (sslmode=require)",
            f"add {VERIFY} to DATABASE_URL",
        ),
        (replace(ROUTE, uses_tls=False), "none: others can read what is sent", f"add {VERIFY} to DATABASE_URL"),
        (replace(ROUTE, uses_tls=False, host="127.0.0.2"), "none, within this machine", None),
        (replace(ROUTE, uses_tls=False, host="::1"), "none, within this machine", None),
        (replace(ROUTE, uses_tls=False, host="localhost"), "none, within this machine", None),
        (replace(ROUTE, uses_tls=False, host="/run", is_socket=True), "none, within this machine", None),
    ],
)
def test_tls_that_others_could_read_or_imitate_is_to_be_changed(route: Route, text: str, fix: str | None) -> None:
    found = check_tls(route, "TLSv1.3" if route.uses_tls else None)
    assert (found.text, found.fix, found.is_problem) == (text, fix, False)


@pytest.mark.parametrize(
    ("route", "text"),
    [
        (ROUTE, "direct"),
        (replace(ROUTE, is_pooled=True), "through a pooler"),
        (NEON, "through a pooler, Neon's pooler"),
        (replace(NEON, is_pooled=False), "direct, Neon's compute"),
    ],
)
def test_route_says_what_is_in_between(route: Route, text: str) -> None:
    assert (check_route(route).text, check_route(route).fix) == (text, None)


POOLED = replace(ROUTE, is_pooled=True)


@pytest.mark.parametrize(
    ("setting", "route", "text", "level"),
    [
        (None, ROUTE, "statements are not prepared: PREPARE_THRESHOLD is not set", "ok"),
        (None, NEON, "statements are not prepared: PREPARE_THRESHOLD is not set", "ok"),
        (
            "auto",
            replace(ROUTE, prepare_threshold=5),
            "statements are prepared after 5 runs: auto, and the connection is direct",
            "ok",
        ),
        ("auto", POOLED, "statements are not prepared: auto, and the connection is through a pooler", "ok"),
        (
            "auto",
            NEON,
            "statements are not prepared: auto, and the connection is through Neon's proxy: set a number to prepare "
            "there",
            "ok",
        ),
        (0, replace(ROUTE, prepare_threshold=0), "statements are prepared after 0 runs", "ok"),
        (3, replace(NEON, prepare_threshold=3), "statements are prepared after 3 runs", "ok"),
        (3, replace(POOLED, prepare_threshold=3), "statements are prepared after 3 runs", "advice"),
    ],
)
def test_statements_are_to_be_prepared_only_where_they_are_kept(
    setting: int | str | None, route: Route, text: str, level: str
) -> None:
    found = check_prepare(route, with_settings(prepare_threshold=setting))
    assert (found.text, found.level) == (text, level)


@pytest.mark.parametrize(
    ("route", "recycle_s", "level"),
    [(NEON, 299, "ok"), (NEON, 300, "advice"), (NEON, -1, "advice"), (ROUTE, 300, "ok"), (ROUTE, -1, "ok")],
)
def test_a_pool_that_outlives_a_suspend_is_to_be_changed(route: Route, recycle_s: int, level: str) -> None:
    assert check_pool(with_settings(pool_recycle_s=recycle_s), route).level == level


def test_without_a_pool_nothing_is_to_be_changed() -> None:
    assert check_pool(with_settings(pool_size=0, pool_recycle_s=-1), NEON).level == "ok"
    assert check_limit(SERVER, with_settings(pool_size=0, pool_max_overflow=999), is_pooled=False).level == "ok"


@pytest.mark.parametrize(
    ("pool_size", "is_pooled", "level"), [(92, False, "ok"), (93, False, "advice"), (93, True, "ok")]
)
def test_a_pool_beyond_the_servers_limit_is_to_be_changed(pool_size: int, is_pooled: bool, level: str) -> None:
    found = check_limit(SERVER, with_settings(pool_size=pool_size), is_pooled=is_pooled)
    assert found.text == "97 connections besides those kept for administration, 3 in use"
    assert found.level == level


@pytest.mark.parametrize(
    ("ahead_s", "text", "level"),
    [
        (1.0, "the server's is 1.000 s ahead of this machine's, give or take 0.010 s", "ok"),
        (-1.02, "the server's is 1.020 s behind this machine's, give or take 0.010 s", "advice"),
    ],
)
def test_clocks_that_are_apart_are_to_be_set(ahead_s: float, text: str, level: str) -> None:
    found = check_clock(replace(SERVER, ahead_s=ahead_s))
    assert (found.text, found.level) == (text, level)


def test_a_distant_server_is_to_be_brought_nearer() -> None:
    assert [check_latency(ms, 5).level for ms in (20.0, 20.1)] == ["ok", "advice"]


def test_a_standby_is_a_problem() -> None:
    assert check_server(SERVER).level == "ok"
    assert check_server(replace(SERVER, is_standby=True)).level == "problem"


@pytest.mark.parametrize(("place", "outside"), [("url", 0), ("tcp_url", 1)], ids=["unix", "tcp"])
@pytest.mark.parametrize("pool_size", [0, 1], ids=["no pool", "pool"])
def test_the_round_trips_of_a_connect_are_those_on_the_wire(
    proxy: WireProxy, place: str, outside: int, pool_size: int
) -> None:
    settings = Settings.from_url(getattr(proxy, place)).model_copy(update={"pool_size": pool_size})
    with proxy.watch() as seen, Database(settings) as database, FirstConnect(database.engine) as first:
        database.ping()
    assert first.round_trips == seen.round_trips
    assert Handshake.of(settings) == Handshake(seen.connect_round_trips + outside, None)


def test_a_connect_that_fails_shows_nothing(proxy: WireProxy) -> None:
    settings = Settings.from_url(proxy.url)
    with proxy.fault(Fault("connect", Cut(), times=2)) as armed:
        assert Handshake.of(settings) == Handshake()
    assert armed.fired == 2
