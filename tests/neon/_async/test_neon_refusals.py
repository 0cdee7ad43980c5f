"""Each refusal of Neon: its class, its text, whether it is tried again, and whether another try can help."""

import pytest

from backend import AsyncDatabase
from backend.errors import (
    ConnectError,
    ConnectionLostError,
    CredentialsError,
    RepositoryError,
    SettingsError,
    UnknownDatabaseError,
)
from backend.settings import Settings
from backend.tasks import AsyncTaskRepository, TaskCreate
from tests.support.neon import POOLED, Neon
from tests.support.wire.faults import Fault, Refuse

PROXY = "Control plane request failed: "
FINAL = [
    ("Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits.",
     "a quota of the Neon project is used up: look at the plan in Neon's console"),
    (PROXY + "endpoint is temporarily unavailable. Check your quotas and/or contact our support.",
     "a quota of the Neon project is used up: look at the plan in Neon's console"),
    (PROXY + "endpoint is disabled", "the compute is disabled: enable it in Neon's console"),
    ("The endpoint has been disabled. Enable it using Neon API and retry.",
     "the compute is disabled: enable it in Neon's console"),
    (PROXY + "endpoint cannot be found", "Neon has no such compute: copy the URL from Neon's console"),
    ("The requested endpoint could not be found, or you don't have access to it.",
     "Neon has no such compute: copy the URL from Neon's console"),
    ("You have exceeded the limit of concurrently active endpoints. Please suspend some endpoints and try again.",
     "too many computes of the Neon project are active: suspend one"),
    ("This IP address 1.2.3.4 is not allowed to connect to this endpoint.",
     "the Neon project does not admit this address: add it to its IP allow list"),
    ("This connection is trying to access this endpoint from a blocked network.",
     "the Neon project does not admit this network: see its private networking"),
    ("Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI support",
     "Neon needs the compute's host name, not an address"),
]  # fmt: skip
TRANSLATED: list[tuple[str, type[RepositoryError]]] = [
    ("password authentication failed for user 'quota'", CredentialsError),
    ('role "a" is not permitted to log in', CredentialsError),
    ('database "disabled" does not exist', UnknownDatabaseError),
    ("unsupported startup parameter: search_path. Please use unpooled connection", SettingsError),
]
TEMPORARY = [
    ("XX000", "Couldn't connect to compute node"),
    ("XX000", PROXY + "endpoint is idle, retry request"),
    ("XX000", "Too many connections to this endpoint. Please try again later."),
    (
        "XX000",
        "Failed to acquire permit to connect to the database. Too many database connection attempts are ongoing.",
    ),
    ("XX000", "remaining connection slots are reserved for roles with the SUPERUSER attribute"),
    ("53300", "remaining connection slots are reserved for roles with the SUPERUSER attribute"),
    ("08P01", "no more connections allowed (max_client_conn)"),
]


async def ping(neon: Neon, retry_s: float = 30) -> None:
    settings = Settings.from_url(neon.url).model_copy(update={"connect_retry_s": retry_s})
    async with AsyncDatabase(settings) as database:
        await database.ping()


@pytest.mark.parametrize(("text", "advice"), FINAL)
async def test_a_refusal_that_lasts_says_what_to_do_and_is_final(neon: Neon, text: str, advice: str) -> None:
    with (
        neon.fault(Fault("connect", Refuse("XX000", text), times=1000)) as armed,
        pytest.raises(ConnectError) as raised,
    ):
        await ping(neon)
    assert str(raised.value) == (
        f"ping found no connection (SQLSTATE XX000): host {POOLED!r}, port {neon.port}: {advice}"
    )
    assert (type(raised.value), raised.value.retryable, armed.fired) == (ConnectError, False, 2)


@pytest.mark.parametrize(("text", "kind"), TRANSLATED)
async def test_a_refusal_of_postgresql_keeps_its_meaning(neon: Neon, text: str, kind: type[RepositoryError]) -> None:
    with neon.fault(Fault("connect", Refuse("XX000", text), times=1000)) as armed, pytest.raises(kind) as raised:
        await ping(neon)
    assert (type(raised.value), raised.value.sqlstate, raised.value.retryable) == (kind, "XX000", False)
    assert armed.fired == 2


@pytest.mark.parametrize(("sqlstate", "text"), TEMPORARY)
async def test_a_refusal_that_ends_by_itself_is_tried_again(neon: Neon, sqlstate: str, text: str) -> None:
    with neon.fault(Fault("connect", Refuse(sqlstate, text), times=4)) as armed:
        await ping(neon)
    assert armed.fired == 4
    with (
        neon.fault(Fault("connect", Refuse(sqlstate, text), times=1000)),
        pytest.raises(ConnectError) as raised,
    ):
        await ping(neon, retry_s=0)
    assert (type(raised.value), raised.value.sqlstate, raised.value.retryable) == (ConnectError, sqlstate, True)


async def test_a_statement_that_waited_too_long_in_the_pooler_was_not_applied(
    database: AsyncDatabase, neon: Neon
) -> None:
    waited = Fault("before_statement", Refuse("08P01", "query_wait_timeout"), "INSERT")
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        with neon.fault(waited), pytest.raises(ConnectionLostError) as raised:
            await tasks.create(TaskCreate(title="one"))
        assert (raised.value.outcome, raised.value.retryable) == ("not_applied", True)
        assert await tasks.count() == 0
