# Generated from tests/faults/_async/test_call_faults.py by `python -m tools.generate_sync`: edit that one.
"""The fault matrix: a connection that breaks at each step of each call, alone, in a transaction and in a stricter mode.

What the error is, what it says of the outcome, and whether the table agrees; that nothing is left behind.
"""

import pytest
from sqlalchemy import Engine

from backend import Database
from backend.errors import ConnectionLostError, OutcomeUnknownError, RepositoryError
from tests.faults._sync.fault_matrix import (
    CREATE,
    LIST,
    Matching,
    RepositoryCall,
    Stage,
    cut_when_struck,
    each_call,
    each_call_alone,
    each_step,
    is_begin,
    is_call,
    is_commit,
    new_row,
    url_of,
)
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Delay, Fault, Refuse, Reset, Stall, Step

a_write_and_a_read = pytest.mark.parametrize("call", [CREATE, LIST], ids=lambda call: call.name)


def make_alone(stage: Stage, call: RepositoryCall) -> None:
    with stage.database.session() as session:
        call.make(stage.tasks(session), stage.row)


def make_in_transaction(stage: Stage, call: RepositoryCall) -> None:
    with stage.database.transaction() as session:
        call.make(stage.tasks(session), stage.row)


@each_step
@each_call_alone
def test_a_call_of_its_own_says_unknown_from_its_first_byte_on_if_it_writes(
    stage: Stage, call: RepositoryCall, step: Step
) -> None:
    with stage.proxy.fault(Fault(step, Cut(), is_call)) as armed, pytest.raises(RepositoryError) as raised:
        make_alone(stage, call)
    assert armed.fired == 1
    assert type(raised.value) is (OutcomeUnknownError if call.writes else ConnectionLostError)
    stage.check(call, raised.value, "unknown" if call.writes else "not_applied", step)


@each_step
@each_call
def test_a_call_in_a_transaction_that_loses_its_connection_has_done_nothing(
    stage: Stage, call: RepositoryCall, step: Step
) -> None:
    with stage.proxy.fault(Fault(step, Cut(), is_call)) as armed, pytest.raises(ConnectionLostError) as raised:
        make_in_transaction(stage, call)
    assert armed.fired == 1
    assert raised.value.retryable
    stage.check(call, raised.value, "not_applied", step)


@pytest.mark.parametrize("step", ["before_statement", "within_answer"])
@pytest.mark.parametrize("matching", [is_begin, is_call], ids=["BEGIN", "statement"])
@each_call_alone
def test_a_call_at_a_stricter_level_has_done_nothing_before_its_commit(
    strict: Stage, call: RepositoryCall, matching: Matching, step: Step
) -> None:
    with strict.proxy.fault(Fault(step, Cut(), matching)) as armed, pytest.raises(ConnectionLostError) as raised:
        make_alone(strict, call)
    assert armed.fired == 1
    strict.check(call, raised.value, "not_applied", step)


@each_step
@each_call_alone
def test_a_call_at_a_stricter_level_says_unknown_from_the_first_byte_of_its_commit_on(
    strict: Stage, call: RepositoryCall, step: Step
) -> None:
    with strict.proxy.fault(Fault(step, Cut(), is_commit)) as armed, pytest.raises(RepositoryError) as raised:
        make_alone(strict, call)
    assert armed.fired == 1
    assert type(raised.value) is (OutcomeUnknownError if call.writes else ConnectionLostError)
    strict.check(call, raised.value, "unknown" if call.writes else "not_applied", step)


@each_step
@a_write_and_a_read
def test_a_reset_raises_what_an_end_of_file_raises(
    proxy: WireProxy, clean: Engine, call: RepositoryCall, step: Step
) -> None:
    with Database(url_of(proxy, "tcp")) as database:
        database.ping()
        stage = Stage(database, proxy, clean, new_row(clean))
        with proxy.fault(Fault(step, Reset(), is_call)) as armed, pytest.raises(RepositoryError) as raised:
            make_alone(stage, call)
        assert armed.fired == 1
        assert type(raised.value) is (OutcomeUnknownError if call.writes else ConnectionLostError)
        stage.check(call, raised.value, "unknown" if call.writes else "not_applied", step)


@pytest.mark.parametrize("sqlstate", ["57P01", "08006", "XX000"])
@a_write_and_a_read
def test_a_server_that_ends_the_connection_with_a_reason_has_not_answered(
    stage: Stage, call: RepositoryCall, sqlstate: str
) -> None:
    fault = Fault("after_statement", Refuse(sqlstate, "the end"), is_call)
    with stage.proxy.fault(fault) as armed, pytest.raises(RepositoryError) as raised:
        make_alone(stage, call)
    assert armed.fired == 1
    assert type(raised.value) is (OutcomeUnknownError if call.writes else ConnectionLostError)
    assert raised.value.sqlstate == sqlstate
    stage.check(call, raised.value, "unknown" if call.writes else "not_applied", "after_statement")


@pytest.mark.parametrize("sqlstate", ["57P05", "25P03"])
@a_write_and_a_read
def test_a_server_that_ended_an_idle_session_has_not_read_what_was_sent(
    stage: Stage, call: RepositoryCall, sqlstate: str
) -> None:
    fault = Fault("before_statement", Refuse(sqlstate, "idle for too long"), is_call)
    with stage.proxy.fault(fault) as armed, pytest.raises(ConnectionLostError) as raised:
        make_alone(stage, call)
    assert armed.fired == 1
    assert raised.value.sqlstate == sqlstate
    stage.check(call, raised.value, "not_applied", "before_statement")


@each_step
@a_write_and_a_read
def test_a_delay_changes_nothing(stage: Stage, call: RepositoryCall, step: Step) -> None:
    with stage.proxy.fault(Fault(step, Delay(0.01), is_call)) as armed:
        make_alone(stage, call)
    assert armed.fired == 1
    assert stage.rows() == call.after
    stage.check_whole()


@pytest.mark.parametrize("step", ["before_statement", "after_statement"])
@a_write_and_a_read
def test_a_stalled_call_that_is_then_cut_raises_as_a_cut_one(stage: Stage, call: RepositoryCall, step: Step) -> None:
    with (
        stage.proxy.fault(Fault(step, Stall(), is_call)) as armed,
        cut_when_struck(stage.proxy, armed),
        pytest.raises(RepositoryError) as raised,
    ):
        make_alone(stage, call)
    assert type(raised.value) is (OutcomeUnknownError if call.writes else ConnectionLostError)
    stage.check(call, raised.value, "unknown" if call.writes else "not_applied", step)
