"""Many change the same rows at once, in opposite orders: no deadlock, and no field is lost."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import Engine

from backend import AsyncDatabase
from tests.support.concurrency import AsyncCallers
from tests.support.models.suite import AsyncNoteRepository, NoteCreate, NoteUpdate

WRITERS = 16
ROUNDS = 10


@pytest.fixture
async def database(route: str, clean: Engine) -> AsyncGenerator[AsyncDatabase]:
    async with AsyncDatabase(route) as database:
        yield database


async def test_opposite_orders_neither_deadlock_nor_lose_a_field(database: AsyncDatabase) -> None:
    async with database.session() as session:
        ids = [row.id for row in await AsyncNoteRepository(session).create_many([NoteCreate(text="x")] * 40)]

    async def change(number: int) -> None:
        order = ids if number % 2 else [*reversed(ids)]
        for at in range(ROUNDS):
            data = NoteUpdate(text=f"{number} {at}") if number < WRITERS // 2 else NoteUpdate(rank=number)
            async with database.session() as session:
                changed = await AsyncNoteRepository(session).update_many([(id, data) for id in order])
            assert [row.id for row in changed] == order

    await AsyncCallers(WRITERS).run(change)
    async with database.session() as session:
        rows = await AsyncNoteRepository(session).require_many(ids)
    assert {row.revision for row in rows} == {1 + WRITERS * ROUNDS}
    assert {row.text for row in rows} <= {f"{number} {ROUNDS - 1}" for number in range(WRITERS // 2)}
    assert {row.rank for row in rows} <= set(range(WRITERS // 2, WRITERS))
