"""The fate of a transaction, the work that a run takes, and the tasks and threads that a transaction concerns."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    event,
    func,
    insert,
)
from sqlmodel import Session, select

from backend import AsyncDatabase, Database, Retry, Settings
from backend.database.retrying.identity import TransactionIdentity, commit_status, read_identity
from backend.database.sessions.sessions import DatabaseSession
from backend.database.sessions.state import ensure_state
from backend.errors import ConnectError, NotFoundError, OutcomeUnknownError, UsageError
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from tests.conftest import Server
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Delay, Fault


def _create(session: Session) -> Task:
    return TaskRepository(session).owned_by("a").create(TaskCreate(title="x"))


def _add(session: Session) -> None:
    session.add(Task(title="added", user_id="a"))


def _count(session: Session) -> int:
    return TaskRepository(session).every_owner().count()


def _fates(database: Database, *, kept: bool) -> tuple[TransactionIdentity, list[str]]:
    """The receipt of a transaction, and its fate while it is open and when it is committed or rolled back."""
    with database.session() as session:
        ensure_state(session).may_have_written = False
        transaction = session.begin()
        _create(session)
        receipt = read_identity(session)
        assert receipt is not None
        before = commit_status(database.engine, receipt)
        transaction.commit() if kept else transaction.rollback()
    return receipt, [before, commit_status(database.engine, receipt)]


def test_commit_status_follows_the_transaction(direct: Database, clean: Engine) -> None:
    assert _fates(direct, kept=True)[1] == ["in progress", "committed"]
    assert _fates(direct, kept=False)[1] == ["in progress", "aborted"]


def test_commit_status_of_another_clusters_transaction_is_unknown(direct: Database, clean: Engine) -> None:
    for kept in (True, False):
        receipt, _ = _fates(direct, kept=kept)
        system, timeline = receipt.cluster
        assert commit_status(clean, replace(receipt, cluster=(system + 1, timeline))) == "unknowable"
        assert commit_status(clean, replace(receipt, cluster=(system, "0000FFFF"))) == "unknowable"


def test_commit_status_after_a_restart_knows_only_rollbacks(direct: Database, clean: Engine) -> None:
    for kept, expected in ((True, "unknowable"), (False, "aborted")):
        receipt, _ = _fates(direct, kept=kept)
        for at in (0, 1):
            moments = list(receipt.server_run)
            moments[at] += timedelta(microseconds=1)
            assert commit_status(clean, replace(receipt, server_run=(moments[0], moments[1]))) == expected


@pytest.mark.parametrize("id", ["0", "3", str(2**40 + 1000)], ids=["none", "long ago", "not reached yet"])
def test_commit_status_of_an_id_that_the_server_does_not_know_is_unknown(
    direct: Database, clean: Engine, id: str
) -> None:
    receipt, _ = _fates(direct, kept=True)
    assert commit_status(clean, replace(receipt, transaction=id)) == "unknowable"


def test_commit_status_without_an_answer_is_in_progress(direct: Database, server: Server, clean: Engine) -> None:
    receipt, _ = _fates(direct, kept=True)
    with WireProxy(server.upstream) as proxy, Database(proxy.url) as database:
        database.ping()
        with proxy.fault(Fault("within_answer", Cut(), "pg_xact_status")):
            assert commit_status(database.engine, receipt) == "in progress"
        assert commit_status(database.engine, receipt) == "committed"
        database.engine.dispose()
        with proxy.fault(Fault("connect", Cut(), times=1000)):
            assert commit_status(database.engine, receipt) == "in progress"


def test_run_waits_for_a_commit_that_goes_on_without_its_client(direct: Database, server: Server) -> None:
    """COMMIT checks a deferred foreign key, and waits for the row that the test has locked."""
    tables = MetaData()
    parent = Table("run_parent", tables, Column("id", Integer, primary_key=True))
    reference = ForeignKey("run_parent.id", deferrable=True, initially="DEFERRED")
    child = Table("run_child", tables, Column("id", Integer, primary_key=True), Column("parent_id", Integer, reference))
    tables.create_all(direct.engine)
    runs: list[str] = []

    def work(session: Session) -> str:
        session.connection().execute(insert(child).values(parent_id=1))
        runs.append("run")
        return "done"

    try:
        with direct.engine.begin() as connection:
            connection.execute(insert(parent).values(id=1))
        with WireProxy(server.upstream) as proxy, Database(proxy.url) as database:
            assert _result_of_run_cut_in_its_commit(database, proxy, direct, parent, work) == ["done"]
        with direct.engine.connect() as connection:
            assert len(connection.execute(child.select()).all()) == len(runs) == 1
    finally:
        tables.drop_all(direct.engine)


def _result_of_run_cut_in_its_commit(
    database: Database, proxy: WireProxy, direct: Database, parent: Table, work: Any
) -> list[str]:
    result: list[str] = []
    thread = threading.Thread(target=lambda: result.append(database.run(work)))
    with (
        proxy.fault(Fault("before_statement", Delay(0), "COMMIT")) as sent,
        proxy.fault(Fault("before_statement", Delay(0), "pg_xact_status")),
        proxy.fault(Fault("before_statement", Delay(0), "pg_xact_status")) as asked_again,
    ):
        with direct.engine.begin() as holder:
            holder.execute(parent.select().with_for_update())
            thread.start()
            sent.wait()
            proxy.cut_all()
            asked_again.wait()
        thread.join()
    return result


def test_run_whose_lost_commit_a_listener_wrote_in_is_unknown(direct: Database, server: Server, clean: Engine) -> None:
    def work(session: Session) -> None:
        event.listen(session, "before_commit", _add)
        session.exec(select(func.lower("A")))

    with (
        WireProxy(server.upstream) as proxy,
        Database(proxy.url) as database,
        proxy.fault(Fault("within_answer", Cut(), "COMMIT")),
        pytest.raises(OutcomeUnknownError),
    ):
        database.run(work)
    assert direct.run(_count) == 1


def test_run_repeats_a_lost_commit_of_a_possible_write_that_wrote_nothing(server: Server, clean: Engine) -> None:
    runs: list[str] = []

    def work(session: Session) -> None:
        runs.extend(session.exec(select(func.lower("RUN"))))

    with (
        WireProxy(server.upstream) as proxy,
        Database(proxy.url) as database,
        proxy.fault(Fault("within_answer", Cut(), "COMMIT")),
    ):
        database.run(work)
    assert runs == ["run", "run"]


def test_run_includes_the_writes_of_a_listener(direct: Database, server: Server, clean: Engine) -> None:
    def work(session: Session) -> None:
        event.listen(session, "before_commit", _add)
        _create(session)

    with (
        WireProxy(server.upstream) as proxy,
        Database(proxy.url) as database,
        proxy.fault(Fault("within_answer", Cut(), "COMMIT")),
    ):
        database.run(work)
    assert direct.run(_count) == 2


def test_run_repeats_a_failed_connect_of_the_callers_own_statement(server: Server, clean: Engine) -> None:
    runs: list[str] = []

    def work(session: Session) -> int:
        runs.append("run")
        return session.exec(select(func.count()).select_from(Task)).one()

    with WireProxy(server.upstream) as proxy:
        settings = Settings.from_url(proxy.url).model_copy(update={"connect_retry_s": 0.0})
        refused = Fault("connect", Cut(), times=2)
        with Database(settings) as database, proxy.fault(refused) as armed:
            assert database.run(work) == 0
    assert (armed.fired, len(runs)) == (2, 2)


def test_run_lets_its_function_choose_connection_options(direct: Database, clean: Engine) -> None:
    def work(session: Session) -> str:
        session.connection(execution_options={"isolation_level": "SERIALIZABLE", "postgresql_readonly": True})
        return str(session.exec(select(func.current_setting("transaction_read_only"))).one())

    assert direct.run(work) == "on"


def test_run_takes_a_function_and_no_coroutine(direct: Database, clean: Engine) -> None:
    async def coroutine(session: Session) -> Task:
        return _create(session)

    with pytest.raises(UsageError, match=r"the work of run\(\) is async"):
        _ = direct.run(coroutine)
    assert direct.run(_count) == 0


def test_run_takes_no_generator(direct: Database, clean: Engine) -> None:
    def generator(session: Session) -> Any:
        yield _create(session)

    with pytest.raises(UsageError, match=r"would run after its transaction: return a list"):
        direct.run(generator)
    assert direct.run(_count) == 0


async def test_run_of_an_asynchronous_database_takes_a_coroutine_function(
    server: Server, direct: Database, clean: Engine
) -> None:
    async def generator(session: object) -> Any:
        yield session

    def plain(session: object) -> object:
        return session

    function: Any = plain
    later: Any = generator
    async with AsyncDatabase(server.url) as database:
        with pytest.raises(UsageError, match=r"the work of run\(\) is not async: use async def"):
            await database.run(function)
        with pytest.raises(UsageError, match=r"would run after its transaction: return a list"):
            await database.run(later)


async def test_a_task_that_is_made_in_a_transaction_is_not_in_it(server: Server, clean: Engine) -> None:
    async with AsyncDatabase(server.url) as database:
        done, ended = asyncio.Event(), asyncio.Event()

        async def job() -> str:
            async with database.transaction() as session:
                assert await _done(session) == "done"
            assert await database.run(_done) == "done"
            done.set()
            await ended.wait()
            return await database.run(_done)

        async with database.transaction():
            task = asyncio.create_task(job())
            await done.wait()
            with pytest.raises(UsageError, match="within a transaction"):
                await database.run(_done)
            with pytest.raises(UsageError, match="within a transaction"):
                async with database.transaction():
                    raise AssertionError
        ended.set()
        assert await task == "done"


async def _done(_session: object) -> str:
    return "done"


async def test_a_transaction_may_be_entered_in_one_task_and_left_in_another(server: Server, clean: Engine) -> None:
    async with AsyncDatabase(server.url) as database:

        async def fixture() -> AsyncGenerator[None]:
            async with database.transaction():
                yield

        made = fixture()
        await asyncio.create_task(anext(made))
        with pytest.raises(StopAsyncIteration):
            await asyncio.create_task(anext(made))
        assert await database.run(_done) == "done"


def test_run_in_a_thread_without_a_transaction_is_allowed(direct: Database, clean: Engine) -> None:
    def work(session: Session) -> int:
        _create(session)
        counted: list[int] = []
        thread = threading.Thread(target=lambda: counted.append(direct.run(_count)))
        thread.start()
        thread.join()
        return counted[0]

    assert direct.run(work) == 0
    assert direct.run(_count) == 1


def test_run_does_not_repeat_a_commit_whose_listener_wrote(clean: Engine, proxy: WireProxy) -> None:
    with Database(proxy.url) as database:
        task = database.run(lambda session: TaskRepository(session).owned_by("a").create(TaskCreate(title="x")))
        runs: list[int] = []

        def miss(session: Session) -> None:
            def audit(_session: object) -> None:
                TaskRepository(session).every_owner().update(task.id, TaskUpdate(title=f"{len(runs)} runs"))

            runs.append(len(runs))
            event.listen(session, "before_commit", audit)
            with pytest.raises(NotFoundError):
                TaskRepository(session).every_owner().update(task.id + 1, TaskUpdate(title="y"))

        cut = Fault("after_statement", Cut(), lambda statement: statement.sql == "COMMIT")
        with proxy.fault(cut), pytest.raises(OutcomeUnknownError):
            database.run(miss)
        assert len(runs) == 1
        assert TaskRepository(database.session()).every_owner().get_one(task.id).title == "1 runs"


@pytest.mark.parametrize("kind", [DatabaseSession, Session])
def test_a_listener_of_the_commit_may_make_the_first_statement(clean: Engine, kind: type[Session]) -> None:
    with kind(clean) as session:
        counted: list[int] = []

        def audit(committed: Session) -> None:
            counted.append(TaskRepository(committed).every_owner().count())

        event.listen(session, "before_commit", audit)
        session.begin()
        session.commit()
    assert counted == [0]


def test_run_with_an_isolation_and_no_server_raises_connect_error() -> None:
    with Database("postgresql://127.0.0.1:1/nothing") as database, pytest.raises(ConnectError) as raised:
        database.run(lambda session: session, isolation="SERIALIZABLE", retry=Retry(attempts=1))
    assert (raised.value.operation, raised.value.outcome) == ("run", "not_applied")
