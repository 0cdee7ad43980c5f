"""`PREPARE_THRESHOLD=auto`: statements are prepared on direct connections, and never through a pooler."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase, Settings
from backend.database.connections.preparing import AUTO_THRESHOLD
from backend.errors import ConnectError
from backend.tasks import AsyncTaskRepository
from tests.conftest import Server
from tests.support.pgbouncer import PgBouncer
from tests.support.wire import Seen, WireProxy
from tests.support.wire.faults import Cut, Fault

pytestmark = pytest.mark.session_state("statements are prepared where the connection is direct")

QUESTION = "pg_backend_pid"
RUNS = AUTO_THRESHOLD + 3


@pytest.fixture
def direct_wire(server: Server, clean: Engine) -> Iterator[WireProxy]:
    with WireProxy(server.upstream) as proxy:
        yield proxy


@pytest.fixture
def pooled_wire(pooler: PgBouncer, clean: Engine) -> Iterator[WireProxy]:
    with WireProxy(pooler.folder) as proxy:
        yield proxy


def settings(url: str, **values: object) -> Settings:
    return Settings.from_url(url).model_copy(update={"prepare_threshold": "auto", "pool_size": 1, **values})


async def runs(database: AsyncDatabase, wire: WireProxy) -> list[int]:
    """Return the round trips of each of some equal calls, on one connection."""
    trips: list[int] = []
    async with database.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        for _ in range(RUNS):
            with wire.watch() as seen:
                await tasks.count()
            trips.append(seen.round_trips)
    return trips


def questions(seen: Seen) -> int:
    return sum(QUESTION in one.sql for one in seen.statements)


def prepared(seen: Seen) -> int:
    return sum(one.kind == "prepare" for one in seen.statements)


async def test_a_direct_connection_prepares_a_statement_after_five_runs(direct_wire: WireProxy) -> None:
    async with AsyncDatabase(settings(direct_wire.url)) as database:
        await database.ping()
        with direct_wire.watch() as seen:
            trips = await runs(database, direct_wire)
    assert trips == [1, 1, 1, 1, 1, 2, 1, 1]  # psycopg prepares in a round trip of its own
    assert prepared(seen) == 1


async def test_a_connection_through_a_pooler_prepares_nothing(pooled_wire: WireProxy) -> None:
    async with AsyncDatabase(settings(pooled_wire.url)) as database:
        await database.ping()
        with pooled_wire.watch() as seen:
            trips = await runs(database, pooled_wire)
    assert trips == [1] * RUNS
    assert {one.kind for one in seen.statements} == {"execute"}


@pytest.mark.parametrize("wire", ["direct_wire", "pooled_wire"])
async def test_a_connection_asks_one_question_as_it_is_opened(request: pytest.FixtureRequest, wire: str) -> None:
    proxy = request.getfixturevalue(wire)
    assert isinstance(proxy, WireProxy)
    trips: dict[object, int] = {}
    for threshold in (None, "auto"):
        async with AsyncDatabase(settings(proxy.url, prepare_threshold=threshold, pool_size=2)) as database:
            await database.ping()
            with proxy.watch() as seen:
                async with database.transaction() as first, database.transaction(independent=True) as second:
                    for session in (first, second):
                        await AsyncTaskRepository(session).owned_by("a").count()
                for _ in range(3):
                    await database.ping()
        assert (seen.connects, questions(seen)) == (1, 0 if threshold is None else 1)
        trips[threshold] = seen.round_trips
    assert trips["auto"] - trips[None] == 1


async def test_a_new_connection_asks_again(direct_wire: WireProxy) -> None:
    async with AsyncDatabase(settings(direct_wire.url)) as database:
        await database.ping()
        await runs(database, direct_wire)
        direct_wire.kill_all()
        with direct_wire.watch() as seen:
            trips = await runs(database, direct_wire)
    assert (seen.connects, questions(seen)) == (1, 1)
    assert trips == [2, 1, 1, 1, 1, 2, 1, 1]


async def test_a_connection_to_another_host_is_asked_for_itself(server: Server, pooled_wire: WireProxy) -> None:
    """The first host leads to the server; once it is gone, the second one leads to a pooler."""
    with WireProxy(server.upstream) as first:
        url = f"postgresql://postgres@/postgres?host={first.folder},{pooled_wire.folder}"
        database = AsyncDatabase(settings(url))
        await database.ping()
        with first.watch() as seen:
            await runs(database, first)
        assert prepared(seen) == 1
    with pooled_wire.watch() as seen:
        assert await runs(database, pooled_wire) == [2] + [1] * (RUNS - 1)
    assert (questions(seen), prepared(seen)) == (1, 0)
    await database.close()


async def test_a_number_is_for_every_connection(direct_wire: WireProxy) -> None:
    async with AsyncDatabase(settings(direct_wire.url, prepare_threshold=1)) as database:
        await database.ping()
        with direct_wire.watch() as seen:
            assert await runs(database, direct_wire) == [1, 2] + [1] * (RUNS - 2)
    assert (questions(seen), prepared(seen)) == (0, 1)


async def test_a_connection_that_breaks_at_the_question_is_opened_again(direct_wire: WireProxy) -> None:
    async with AsyncDatabase(settings(direct_wire.url)) as database:
        with direct_wire.fault(Fault("before_statement", Cut(), matching=QUESTION)) as armed:
            await database.ping()
        assert (armed.fired, direct_wire.open) == (1, 1)


async def test_a_question_that_stays_without_answer_is_a_connect_that_failed(direct_wire: WireProxy) -> None:
    async with AsyncDatabase(settings(direct_wire.url, connect_retry_s=0)) as database:
        with (
            direct_wire.fault(Fault("before_statement", Cut(), matching=QUESTION)),
            pytest.raises(ConnectError) as raised,
        ):
            await database.ping()
        assert (raised.value.retryable, raised.value.outcome, direct_wire.open) == (True, "not_applied", 0)
