# Generated from tests/concurrency/_async/test_bulk_writers.py by `python -m tools.generate_sync`: edit that one.
"""Many change the same rows at once, in opposite orders: no deadlock, and no field is lost."""

from collections.abc import Generator

import pytest
from sqlalchemy import Engine

from backend import Database
from tests.support.concurrency import Callers
from tests.support.models.suite import NoteCreate, NoteRepository, NoteUpdate

WRITERS = 16
ROUNDS = 10


@pytest.fixture
def database(route: str, clean: Engine) -> Generator[Database]:
    with Database(route) as database:
        yield database


def test_opposite_orders_neither_deadlock_nor_lose_a_field(database: Database) -> None:
    with database.session() as session:
        ids = [row.id for row in NoteRepository(session).create_many([NoteCreate(text="x")] * 40)]

    def change(number: int) -> None:
        order = ids if number % 2 else [*reversed(ids)]
        for at in range(ROUNDS):
            data = NoteUpdate(text=f"{number} {at}") if number < WRITERS // 2 else NoteUpdate(rank=number)
            with database.session() as session:
                changed = NoteRepository(session).update_many([(id, data) for id in order])
            assert [row.id for row in changed] == order

    Callers(WRITERS).run(change)
    with database.session() as session:
        rows = NoteRepository(session).require_many(ids)
    assert {row.revision for row in rows} == {1 + WRITERS * ROUNDS}
    assert {row.text for row in rows} <= {f"{number} {ROUNDS - 1}" for number in range(WRITERS // 2)}
    assert {row.rank for row in rows} <= set(range(WRITERS // 2, WRITERS))
