"""KeyboardInterrupt while a synchronous call waits on its socket: the claims of a cancelled task, for a thread."""

import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from backend import Database
from backend.settings import Settings
from tests.faults._sync.fault_matrix import (
    BEFORE,
    CREATE,
    LIST,
    Matching,
    RepositoryCall,
    Stage,
    each_call_alone,
    is_begin,
    is_call,
    is_commit,
    is_rollback,
    new_row,
    url_of,
)
from tests.support.cli import interruptible
from tests.support.wire import Seen, WireProxy
from tests.support.wire.faults import ArmedFault, Cut, Fault, Refuse, Stall, Statement, Step


def one_connection(proxy: WireProxy) -> Database:
    options = {"pool_size": 1, "pool_max_overflow": 0}
    return Database(Settings.from_url(url_of(proxy)).model_copy(update=options))


@pytest.fixture
def stage(proxy: WireProxy, clean: Engine) -> Iterator[Stage]:
    with one_connection(proxy) as database:
        database.ping()
        yield Stage(database, proxy, clean, new_row(clean))


@contextmanager
def interrupting(proxy: WireProxy, armed: ArmedFault, *, is_cancelled: bool = True) -> Generator[None]:
    """Interrupts this thread where it waits for what is stalled, and lets that go when the server was told to cancel.

    The call cannot end before: the interrupt meets no other code.
    """
    waiting = threading.get_ident()

    def interrupt(seen: Seen) -> None:
        armed.wait()
        signal.pthread_kill(waiting, signal.SIGINT)
        deadline = time.monotonic() + 60
        while is_cancelled and not seen.cancels and time.monotonic() < deadline:
            proxy.status  # noqa: B018 - counted is what had arrived
        if is_cancelled:
            proxy.release()

    with interruptible(), proxy.watch() as seen:
        thread = threading.Thread(target=interrupt, args=(seen,))
        thread.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                yield
        finally:
            thread.join()
    assert seen.cancels == is_cancelled


def is_receipt(statement: Statement) -> bool:
    return "pg_current_xact_id" in statement.sql


def alone(stage: Stage, call: RepositoryCall) -> None:
    with stage.database.session() as session:
        call.make(stage.tasks(session), stage.row)


def in_transaction(stage: Stage, call: RepositoryCall) -> None:
    with stage.database.transaction() as session:
        call.make(stage.tasks(session), stage.row)


def rolled_back(stage: Stage, call: RepositoryCall) -> None:
    with stage.database.transaction() as session:
        call.make(stage.tasks(session), stage.row)
        raise ZeroDivisionError


def in_run(stage: Stage, call: RepositoryCall) -> None:
    def work(session: Session) -> None:
        call.make(stage.tasks(session), stage.row)

    stage.database.run(work)


Way = Callable[[Stage, RepositoryCall], None]


def check_world(stage: Stage, call: RepositoryCall) -> None:
    stage.check_whole()
    assert stage.rows() in (BEFORE, call.after)


@pytest.mark.parametrize("step", ["before_statement", "after_statement"])
@each_call_alone
def test_a_call_of_its_own_can_be_interrupted(stage: Stage, call: RepositoryCall, step: Step) -> None:
    with stage.proxy.fault(Fault(step, Stall(), is_call)) as armed, interrupting(stage.proxy, armed):
        alone(stage, call)
    check_world(stage, call)


@pytest.mark.parametrize("step", ["before_statement", "after_statement"])
@pytest.mark.parametrize(
    ("way", "matching"),
    [
        (in_transaction, is_begin), (in_transaction, is_call), (in_transaction, is_commit), (rolled_back, is_rollback),
        (in_run, is_call), (in_run, is_receipt), (in_run, is_commit),
    ],
    ids=[
        "BEGIN", "statement", "COMMIT", "ROLLBACK", "statement of a run", "receipt of a run", "COMMIT of a run",
    ],
)  # fmt: skip
def test_a_transaction_can_be_interrupted(stage: Stage, way: Way, matching: Matching, step: Step) -> None:
    with stage.proxy.fault(Fault(step, Stall(), matching)) as armed, interrupting(stage.proxy, armed):
        way(stage, CREATE)
    check_world(stage, CREATE)


@pytest.mark.parametrize("matching", [is_begin, is_call, is_commit], ids=["BEGIN", "statement", "COMMIT"])
def test_a_call_at_a_stricter_level_can_be_interrupted(proxy: WireProxy, clean: Engine, matching: Matching) -> None:
    engine = create_engine(url_of(proxy), isolation_level="SERIALIZABLE", use_native_hstore=False, pool_size=1)
    stage = Stage(Database(engine), proxy, clean, new_row(clean))
    stage.database.ping()
    for call in (CREATE, LIST):
        with proxy.fault(Fault("after_statement", Stall(), matching)) as armed, interrupting(proxy, armed):
            alone(stage, call)
        check_world(stage, CREATE)
    engine.dispose()


def test_the_commit_status_query_can_be_interrupted(stage: Stage) -> None:
    with (
        stage.proxy.fault(Fault("after_statement", Cut(), is_commit)),
        stage.proxy.fault(Fault("after_statement", Stall(), "pg_xact_status")) as armed,
        interrupting(stage.proxy, armed),
    ):
        in_run(stage, CREATE)
    check_world(stage, CREATE)


@pytest.mark.parametrize("is_refused", [False, True], ids=["the connect", "the question why it was refused"])
@pytest.mark.parametrize("way", [alone, in_transaction, in_run], ids=lambda way: way.__name__)
def test_a_connect_can_be_interrupted(proxy: WireProxy, clean: Engine, way: Way, is_refused: bool) -> None:
    with one_connection(proxy) as database:
        stage = Stage(database, proxy, clean, new_row(clean))
        with (
            proxy.fault(Fault("connect", Refuse("57P03", "starting"), times=int(is_refused))),
            proxy.fault(Fault("connect", Stall())) as armed,
            interrupting(proxy, armed, is_cancelled=False),
        ):
            way(stage, CREATE)
        assert stage.rows() == BEFORE
        check_world(stage, CREATE)
