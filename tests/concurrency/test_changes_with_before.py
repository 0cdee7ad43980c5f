"""Concurrent writes that return the row before: each row's chain is unbroken, each before is the previous after.

`WRITES_WITH_BEFORE` sets how many rows are written together.
"""

import os
import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import col

from backend import Database, Updated, UpsertedWithBefore
from tests.support.concurrency import Callers
from tests.support.models.suite import Shelf, ShelfCreate, ShelfRepository, ShelfUpdate

WRITES = int(os.environ.get("WRITES_WITH_BEFORE", "4000"))
CODES = [f"code {number:02}" for number in range(20)]
"""In the order of their ids too, for the first statement inserts all: then all calls lock in one order."""
CODE = col(Shelf.code)

Step = tuple[str | None, str | None]
"""The note before and after: each write has another, and `None` is that of no row."""


@pytest.fixture
def database(route: str, clean: Engine) -> Iterator[Database]:
    with Database(route) as database:
        yield database


def _written(one: Updated[Shelf] | UpsertedWithBefore[Shelf]) -> tuple[str, Step, tuple[int, int]]:
    before, row = one.before, one.row
    revisions = (0 if before is None else before.revision, row.revision)
    return row.code, (None if before is None else before.note, row.note), revisions


@pytest.mark.usefixtures("needs_18")
def test_each_row_before_is_the_previous_row_after(database: Database) -> None:
    callers = Callers()

    def work(number: int) -> list[tuple[str, Step, tuple[int, int]]]:
        chance, steps = random.Random(number), list[tuple[str, Step, tuple[int, int]]]()
        with database.session() as session:
            shelves = ShelfRepository(session).owned_by("a")
            changing = shelves.with_before()
            callers.wait_for_all()
            first = [ShelfCreate(code=code, note=f"{number}.0") for code in CODES]
            steps += map(_written, changing.upsert_many(first, on=CODE))
            ids = {row.code: row.id for row in shelves.list()}
            while len(steps) < WRITES // callers.SIZE:
                codes = chance.sample(CODES, chance.randint(1, 4))
                notes = [f"{number}.{len(steps) + at}" for at in range(len(codes))]
                data = [ShelfCreate(code=code, note=note) for code, note in zip(codes, notes, strict=True)]
                match chance.randrange(4):
                    case 0:
                        steps.append(_written(changing.upsert(data[0], on=CODE)))
                    case 1:
                        steps += map(_written, changing.upsert_many(data, on=CODE))
                    case 2:
                        steps.append(_written(changing.update(ids[codes[0]], ShelfUpdate(note=notes[0]))))
                    case _:
                        patches = [(ids[one.code], ShelfUpdate(note=one.note)) for one in data]
                        steps += map(_written, changing.update_many(patches))
        return steps

    steps = [step for steps in callers.run(work) for step in steps]
    assert len(steps) >= WRITES // callers.SIZE * callers.SIZE
    with database.session() as session:
        last = {row.code: row for row in ShelfRepository(session).owned_by("a").list()}
    for code in CODES:
        following = {before: after for one, (before, after), _ in steps if one == code}
        written = sum(one == code for one, *_ in steps)
        assert len(following) == written == last[code].revision
        note = None
        for _ in range(written):
            note = following[note]
        assert note == last[code].note
    assert {after - before for *_, (before, after) in steps} == {1}
