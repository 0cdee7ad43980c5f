"""DATABASE_URL is libpq's: what it says is taken, or refused in one line that shows no part of it."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import func, make_url, select

from backend import AsyncDatabase, Database
from backend.database.addresses import direct_parameters, libpq_parameters, shown_url
from backend.errors import ConnectError, SettingsError
from backend.settings import Settings
from tests.conftest import Server
from tests.support.wire import WireProxy


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h/d\n", {"user": "u", "password": "p", "host": "h", "dbname": "d"}),
        ("  postgres://h", {"host": "h"}),
        ("postgresql+psycopg_async://h", {"host": "h"}),
        ("postgresql://u:p%40%2F%3F%23%25%20@h/d", {"user": "u", "password": "p@/?#% ", "host": "h", "dbname": "d"}),
        ("postgresql://u:p#:@h/d", {"user": "u", "password": "p#:", "host": "h", "dbname": "d"}),
        ("postgresql://u:@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        ("postgresql://h/d?user=u&password=p", {"user": "u", "password": "p", "host": "h", "dbname": "d"}),
        ("postgresql://h1:5432,h2:5433/d", {"host": "h1,h2", "port": "5432,5433", "dbname": "d"}),
        ("postgresql:///d?host=a,b&port=5432", {"host": "a,b", "port": "5432", "dbname": "d"}),
        ("postgresql:///d?host=a:1&host=b:2", {"host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql:///d?host=a&host=b", {"host": "a,b", "dbname": "d"}),
        ("postgresql://[::1]:5432/d", {"host": "::1", "port": "5432", "dbname": "d"}),
        ("postgresql://%2Frun%2Fpg/d", {"host": "/run/pg", "dbname": "d"}),
        ("postgresql:///d?host=%2Frun%2Fpg", {"host": "/run/pg", "dbname": "d"}),
        ("postgresql:///d?host=%40abstract", {"host": "@abstract", "dbname": "d"}),
        ("postgresql:///?service=x&passfile=%2Fp", {"service": "x", "passfile": "/p"}),
        ("postgresql://bücher.example/d", {"host": "bücher.example", "dbname": "d"}),
        ("postgresql://h/d?options=-c+a=b", {"host": "h", "dbname": "d", "options": "-c a=b"}),
        ("postgresql://h/d?target_session_attrs=read-write",
         {"host": "h", "dbname": "d", "target_session_attrs": "read-write"}),
    ],
)  # fmt: skip
def test_a_url_says_what_libpq_reads(url: str, expected: dict[str, str]) -> None:
    assert dict(libpq_parameters(Settings.from_url(url).database_url.get_secret_value())) == expected
    shown = shown_url(expected)
    again = dict(libpq_parameters(shown.render_as_string(hide_password=False)))
    assert again == {key: value for key, value in expected.items() if key != "options"}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3@cret@h/d",
        "postgresql://u:s3/cret@h/d",
        "postgresql://u:12/cret@h/d",
        "postgresql://u:s3?cret@h/d",
        "postgresql://u:12?cret@h/d",
        "postgresql://u:s3%cret@h/d",
        "postgresql://u:s3%ffcret@h/d",
        "postgresql://u:s3cret@ h/d",
        "postgresql://u:s3cret@h..x/d",
        "postgresql://u:s3cret@h:abc/d",
        "postgresql://u:s3cret@h:0/d",
        "postgresql://u:s3cret@h:65536/d",
        "postgresql://u:s3cret@h1:1,h2:2,h3/d?port=1,2",
        "postgresql://u:s3cret@h/d?port=s3cret",
        "postgresql://u:s3cret@h/d?host=h:5432",
        "postgresql://u:s3cret@h/d?sslmode=s3cret",
        "postgresql://u:s3cret@h/d?target_session_attrs=s3cret",
        "postgresql://u:s3cret@h/d?connect_timeout=s3cret",
        "postgresql://u:s3cret@h/d?sslmode=require&sslmode=disable",
        "postgresql://u:s3cret@h/d?s3cret",
        "postgresql://u:s3cret@h/d?s3cret=1",
        "postgresql://u:s3cret@h/d?application_name=a%00s3cret",
        "postgresql://u:s3cret@[::1/d",
    ],
)
@pytest.mark.parametrize("kind", [Database, AsyncDatabase])
def test_a_wrong_url_is_one_line_without_it(kind: type[Database] | type[AsyncDatabase], url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL ") as raised:
        kind(url)
    said = f"{raised.value!r}{raised.value.__cause__!r}{raised.value.__suppress_context__}"
    assert "cret" not in said
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "secret",
    ["password", "sslpassword", "scram_client_key", "oauth_client_secret", "options"],
)
def test_no_secret_of_a_url_is_shown(secret: str) -> None:
    database = Database(f"postgresql://u@h/d?{secret}=s3cret&sslmode=require")
    shown = f"{database!r}{database.engine!r}{database.engine.url!r}{database.engine.url}{database.engine.url.query}"
    assert "s3cret" not in shown
    assert "require" in shown


@pytest.mark.parametrize("rest", ["", "&target_session_attrs=read-write", "&target_session_attrs=prefer-standby"])
def test_the_first_host_that_answers_is_taken(server: Server, rest: str) -> None:
    folder = quote(str(server.socket_folder), safe="")
    url = f"postgresql://postgres@/postgres?host=%2Fnowhere,{folder}{rest}"

    async def ping() -> int | None:
        async with AsyncDatabase(url) as database, database.engine.connect() as connection:
            return await connection.scalar(select(func.pg_backend_pid()))

    with Database(url) as database:
        database.ping()
    assert asyncio.run(ping())


def test_several_hosts_with_ports_are_tried_in_turn(proxy: WireProxy) -> None:
    folder = make_url(proxy.url).query["host"]
    assert isinstance(folder, str)
    with Database(f"postgresql://postgres@127.0.0.1:1,{quote(folder, safe='')}:5432/postgres") as database:
        database.ping()


def test_a_host_without_the_required_session_attributes_is_a_connect_error(server: Server) -> None:
    folder = quote(str(server.socket_folder), safe="")
    with (
        Database(
            Settings.from_url(f"postgresql://postgres@/postgres?host={folder}&target_session_attrs=standby").model_copy(
                update={"connect_retry_s": 0}
            )
        ) as database,
        pytest.raises(ConnectError),
    ):
        database.ping()


NEON = "postgresql://u:p@ep-a-1-pooler.c-2.eu-central-1.aws.neon.tech/d"


@pytest.fixture
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing in the environment says where certificates are."""
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGHOST", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("_no_variables")
@pytest.mark.parametrize(
    ("url", "sslmode"),
    [
        (NEON, "require"),
        (NEON.upper().replace("POSTGRESQL", "postgresql"), "require"),
        (f"{NEON}?sslmode=", "require"),
        (f"{NEON}?sslmode=require", "require"),
        (f"{NEON}?sslmode=verify-ca&sslrootcert={__file__}", "verify-ca"),
        (f"{NEON}?sslmode=verify-full&sslrootcert={__file__}", "verify-full"),
        ("postgresql://localhost,ep-a.neon.tech./d", "require"),
        ("postgresql://ep-a.vpce.eu-central-1.aws.neon.tech/d", "require"),
        ("postgresql://neon.tech.example/d", None),
        ("postgresql://myneon.tech/d", None),
        ("postgresql://h/d?sslmode=disable", "disable"),
        ("postgresql:///d?host=/run&sslmode=verify-full", "verify-full"),
    ],
)
def test_tls_is_required_of_a_host_of_neon(url: str, sslmode: str | None) -> None:
    assert libpq_parameters(url).get("sslmode") == sslmode


@pytest.mark.usefixtures("_no_variables")
@pytest.mark.parametrize(
    ("variable", "value", "sslmode"), [("PGSSLMODE", "disable", "require"), ("PGSSLMODE", "verify-full", None)]
)
def test_the_environment_can_strengthen_tls_and_not_weaken_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sslmode: str | None
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", __file__)
    monkeypatch.setenv(variable, value)
    assert libpq_parameters(NEON).get("sslmode") == sslmode


@pytest.mark.usefixtures("_no_variables")
def test_a_host_of_neon_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "ep-a.neon.tech")
    assert libpq_parameters("postgresql:///d")["sslmode"] == "require"


@pytest.mark.usefixtures("_no_variables")
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"{NEON}?sslmode=prefer", "has sslmode=prefer, and Neon requires TLS: expected sslmode to be require, "),
        (f"{NEON}?sslmode=allow", "has sslmode=allow, and Neon requires TLS"),
        (f"{NEON}?sslmode=disable", "has sslmode=disable, and Neon requires TLS"),
        ("postgresql://h,ep-a.neon.tech/d?sslmode=disable", "has sslmode=disable, and Neon requires TLS"),
        ("postgresql://h/d?sslnegotiation=direct", "has sslnegotiation=direct, which requires TLS: expected sslmode"),
        ("postgresql://h/d?sslrootcert=/s3cret", "has an sslrootcert that is no readable file"),
        (f"{NEON}?sslrootcert=/s3cret", "has an sslrootcert that is no readable file"),
        (f"{NEON}?sslmode=verify-full", "has sslmode=verify-full and no sslrootcert: name the file"),
        (f"{NEON}?sslrootcert=system", r"has sslrootcert=system, which psycopg\[binary\] cannot use"),
    ],
)
@pytest.mark.parametrize("kind", [Database, AsyncDatabase])
def test_tls_that_cannot_be_is_a_settings_error(
    kind: type[Database] | type[AsyncDatabase], url: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=f"^DATABASE_URL {problem}") as raised:
        kind(url)
    assert "s3cret" not in str(raised.value)


@pytest.mark.usefixtures("_no_variables")
def test_certificates_of_the_system_are_taken_where_they_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", __file__)
    assert libpq_parameters(f"{NEON}?sslrootcert=system")["sslmode"] == "verify-full"


@pytest.mark.usefixtures("_no_variables")
def test_the_usual_file_of_libpq_is_an_authority(tmp_path: Path) -> None:
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert libpq_parameters(f"{NEON}?sslmode=verify-full")["sslmode"] == "verify-full"


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("ep-a-1-pooler.c-2.eu-central-1.aws.neon.tech", "ep-a-1.c-2.eu-central-1.aws.neon.tech"),
        ("EP-a-pooler.neon.tech,h", "EP-a.neon.tech,h"),
        ("ep-pooler-pooler.neon.tech", "ep-pooler.neon.tech"),
        ("ep-a.neon.tech", "ep-a.neon.tech"),
        ("ep-a-pooler.example.org", "ep-a-pooler.example.org"),
    ],
)
def test_ddl_goes_past_the_pooler_of_neon(host: str, direct: str) -> None:
    assert direct_parameters({"host": host, "port": "1"}) == {"host": direct, "port": "1"}
    assert direct_parameters({"dbname": "d"}) == {"dbname": "d"}
