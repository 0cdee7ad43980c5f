# Generated from tests/faults/_async/test_run_faults.py by `python -m tools.generate_sync`: edit that one.
"""The fault matrix of `db.run`: what it runs again happens exactly once, or it says that nobody can know."""

import random
from collections import Counter
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from backend import Retry
from backend.errors import RepositoryError
from tests.faults._sync.fault_matrix import (
    STEPS,
    Matching,
    RepositoryCall,
    Stage,
    each_call,
    is_begin,
    is_call,
    is_commit,
)
from tests.support.models.suite import Note, NoteCreate, NoteRepository, NoteUpdate
from tests.support.wire.faults import Cut, Delay, Fault, Refuse, Step


@pytest.mark.parametrize("step", ["before_statement", "within_answer"])
@pytest.mark.parametrize("matching", [is_call, is_commit], ids=["statement", "COMMIT"])
@each_call
def test_each_call_happens_exactly_once(stage: Stage, call: RepositoryCall, matching: Matching, step: Step) -> None:
    def work(session: Session) -> None:
        call.make(stage.tasks(session), stage.row)

    with stage.proxy.fault(Fault(step, Cut(), matching)) as armed:
        stage.database.run(work)
    assert armed.fired == 1
    assert stage.rows() == call.after
    stage.check_whole()


INCREMENTS = 30
PLACES: tuple[str | Matching, ...] = (is_begin, "UPDATE", "pg_current_xact_id", is_commit, "pg_xact_status")


def some_faults(chance: random.Random) -> list[Fault]:
    """None to two faults on an increment's way; now and then nobody tells what became of a lost COMMIT."""
    if chance.random() < 0.1:
        lost = Fault(chance.choice(STEPS), Cut(), is_commit)
        return [lost, Fault("before_statement", Cut(), "pg_xact_status", times=1000)]
    found: list[Fault] = []
    for _ in range(chance.randrange(3)):
        action = chance.choice((Cut(), Cut(), Delay(0.001)))
        found.append(Fault(chance.choice(STEPS), action, chance.choice(PLACES), times=chance.randint(1, 2)))
    if chance.random() < 0.2:
        found.append(Fault("connect", chance.choice((Cut(), Refuse("57P03", "starting")))))
    return found


def test_increments_under_random_faults_are_counted_exactly(stage: Stage) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with stage.database.session() as session:
        note = NoteRepository(session).create(NoteCreate(text="counted"))

    def increment(session: Session) -> None:
        NoteRepository(session).update(note.id, NoteUpdate(text="counted"))

    outcomes = Counter[str]()
    for _ in range(INCREMENTS):
        with ExitStack() as armed:
            faults = some_faults(chance)
            for fault in faults:
                armed.enter_context(stage.proxy.fault(fault))
            is_silent = any(fault.times == 1000 for fault in faults)
            try:
                stage.database.run(increment, retry=Retry(within_s=0.1) if is_silent else Retry())
            except RepositoryError as error:
                assert is_silent  # the others have time enough to be run again
                outcomes[error.outcome] += 1
    assert set(outcomes) <= {"unknown", "not_applied"}
    most = INCREMENTS - outcomes["not_applied"]
    assert most - outcomes["unknown"] <= revision(stage.beside) - note.revision <= most
    stage.check_whole()


def revision(beside: Engine) -> int:
    with beside.connect() as connection:
        return connection.execute(select(col(Note.revision))).scalar_one()
