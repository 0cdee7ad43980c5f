"""The fault matrix where a connection is made, and for what is no call of a repository: `ping` and `init_db`."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, func, inspect
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Retry, init_db
from backend.errors import (
    ConnectError,
    ConnectionLostError,
    OutcomeUnknownError,
    PoolTimeoutError,
    SchemaMismatchError,
)
from backend.settings import Settings
from tests.faults._async.fault_matrix import (
    BEFORE,
    CREATE,
    LIST,
    STEPS,
    Stage,
    check_settled,
    each_step,
    in_use,
    is_commit,
    is_rollback,
    new_row,
    url_of,
)
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Refuse, Reset, Stall, Step


@pytest.fixture
async def fresh(proxy: WireProxy, clean: Engine) -> AsyncGenerator[Stage]:
    """A stage that has no connection yet."""
    settings = Settings.from_url(url_of(proxy, "tcp")).model_copy(update={"connect_retry_s": 0})
    async with AsyncDatabase(settings) as database:
        yield Stage(database, proxy, clean, new_row(clean))


async def create(stage: Stage) -> None:
    async with stage.database.session() as session:
        await CREATE.make(stage.tasks(session), stage.row)


async def list_rows(stage: Stage) -> None:
    async with stage.database.session() as session:
        await LIST.make(stage.tasks(session), stage.row)


async def create_in_transaction(stage: Stage) -> None:
    async with stage.database.transaction() as session:
        await CREATE.make(stage.tasks(session), stage.row)


async def create_in_run(stage: Stage) -> None:
    async def work(session: AsyncSession) -> None:
        await CREATE.make(stage.tasks(session), stage.row)

    await stage.database.run(work, retry=Retry(attempts=2))


async def create_in_serializable_run(stage: Stage) -> None:
    async def work(session: AsyncSession) -> None:
        await CREATE.make(stage.tasks(session), stage.row)

    await stage.database.run(work, isolation="SERIALIZABLE", retry=Retry(attempts=2))


async def ping(stage: Stage) -> None:
    await stage.database.ping()


async def create_tables(stage: Stage) -> None:
    await init_db(stage.database)


Use = Callable[[Stage], Awaitable[None]]
USES: tuple[Use, ...] = (
    create, list_rows, create_in_transaction, create_in_run, create_in_serializable_run, ping, create_tables,
)  # fmt: skip
each_use = pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)


@pytest.mark.parametrize("action", [Cut(), Reset(), Refuse("57P03", "starting")], ids=["cut", "reset", "refused"])
@each_use
async def test_where_no_connection_is_made_nothing_is_applied(
    fresh: Stage, use: Use, action: Cut | Reset | Refuse
) -> None:
    with fresh.proxy.fault(Fault("connect", action, times=1000)) as armed, pytest.raises(ConnectError) as raised:
        await use(fresh)
    assert armed.fired >= 1
    assert (raised.value.outcome, raised.value.retryable) == ("not_applied", True)
    assert fresh.rows() == BEFORE
    await fresh.check_whole()


@each_step
@each_use
async def test_a_new_connection_that_breaks_before_its_first_use_is_a_connect_error(
    fresh: Stage, use: Use, step: Step
) -> None:
    fault = Fault(step, Cut(), "version()", times=1000)
    with fresh.proxy.fault(fault) as armed, pytest.raises(ConnectError) as raised:
        await use(fresh)
    assert armed.fired >= 1
    assert (raised.value.outcome, raised.value.retryable) == ("not_applied", True)
    assert fresh.rows() == BEFORE
    await fresh.check_whole()


async def test_a_connect_that_is_not_answered_ends_with_its_time(proxy: WireProxy, clean: Engine) -> None:
    settings = Settings.from_url(url_of(proxy, "tcp")).model_copy(update={"connect_retry_s": 0, "connect_timeout_s": 2})
    async with AsyncDatabase(settings) as hasty:
        stage = Stage(hasty, proxy, clean, new_row(clean))
        with proxy.fault(Fault("connect", Stall())) as armed, pytest.raises(ConnectError) as raised:
            await create(stage)
        assert armed.fired == 1
        assert raised.value.outcome == "not_applied"
        assert stage.rows() == BEFORE
        await check_settled(hasty.engine, proxy, clean)


async def test_where_the_pool_is_empty_nothing_is_applied(proxy: WireProxy, clean: Engine) -> None:
    options = {"pool_size": 1, "pool_max_overflow": 0, "pool_timeout_s": 0.01}
    async with AsyncDatabase(Settings.from_url(url_of(proxy)).model_copy(update=options)) as database:
        stage = Stage(database, proxy, clean, new_row(clean))
        async with database.transaction() as session:
            await LIST.make(stage.tasks(session), stage.row)
            with pytest.raises(PoolTimeoutError) as raised:
                await create(stage)
        await stage.check(CREATE, raised.value, "not_applied", "before_statement")


@each_step
async def test_a_ping_that_is_cut_lost_its_connection(stage: Stage, step: Step) -> None:
    with stage.proxy.fault(Fault(step, Cut())) as armed, pytest.raises(ConnectionLostError) as raised:
        await stage.database.ping()
    assert armed.fired == 1
    assert (raised.value.outcome, raised.value.operation) == ("not_applied", "ping")
    await stage.check_whole()


@pytest.fixture
def absent(clean: Engine) -> Iterator[Table]:
    """A table that is not there yet, and is gone after the test."""
    table = Table("faulted", MetaData(), Column("id", Integer, server_default=func.now()))
    yield table
    table.drop(clean, checkfirst=True)


@each_step
async def test_tables_are_created_or_not_before_a_commit(stage: Stage, absent: Table, step: Step) -> None:
    absent.c.id.server_default = None
    with stage.proxy.fault(Fault(step, Cut(), "CREATE TABLE")) as armed, pytest.raises(ConnectionLostError):
        await init_db(stage.database, absent.metadata)
    assert armed.fired == 1
    assert not inspect(stage.beside).has_table(absent.name)
    await check_settled(stage.database.engine, stage.proxy, stage.beside)


@each_step
async def test_tables_may_be_created_from_the_first_byte_of_the_commit_on(
    stage: Stage, absent: Table, step: Step
) -> None:
    absent.c.id.server_default = None
    with stage.proxy.fault(Fault(step, Cut(), is_commit)) as armed, pytest.raises(OutcomeUnknownError):
        await init_db(stage.database, absent.metadata)
    assert armed.fired == 1
    assert inspect(stage.beside).has_table(absent.name) == (step in STEPS[2:])
    await check_settled(stage.database.engine, stage.proxy, stage.beside)


async def test_a_refused_table_gives_the_connection_back_while_its_error_is_kept(stage: Stage, absent: Table) -> None:
    with pytest.raises(SchemaMismatchError) as raised:
        await init_db(stage.database, absent.metadata)
    assert raised.value.outcome == "not_applied"
    assert in_use(stage) == 0


@each_step
async def test_a_lost_rollback_does_not_hide_why_a_table_was_refused(stage: Stage, absent: Table, step: Step) -> None:
    with stage.proxy.fault(Fault(step, Cut(), is_rollback)) as armed, pytest.raises(SchemaMismatchError) as raised:
        await init_db(stage.database, absent.metadata)
    assert armed.fired == 1
    assert raised.value.sqlstate == "42804"  # a time is no default of an integer
    await check_settled(stage.database.engine, stage.proxy, stage.beside)
