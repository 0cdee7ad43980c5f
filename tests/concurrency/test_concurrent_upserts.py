"""Sixteen threads upsert the same keys: no error, no deadlock, nothing lost, and each says what became of its rows.

`UPSERT_CALLS` sets how many calls of `get_or_create` are made together.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import col

from backend import Database
from tests.support.concurrency import Callers
from tests.support.models.upserted import (
    METADATA,
    Draft,
    DraftCreate,
    DraftRepository,
    Parcel,
    ParcelCreate,
    ParcelRepository,
)

CALLS = int(os.environ.get("UPSERT_CALLS", "3200"))
KEYS = 1000 if CALLS >= 10_000 else 50
ROUNDS = 6


@pytest.fixture
def database(route: str, clean: Engine) -> Iterator[Database]:
    METADATA.create_all(clean)
    with Database(route) as database:
        yield database
    METADATA.drop_all(clean)


def test_get_or_create_makes_each_row_once(database: Database) -> None:
    callers = Callers()

    def work(number: int) -> Counter[str]:
        chance, outcomes = random.Random(number), Counter[str]()
        with database.session() as session:
            parcels = ParcelRepository(session).owned_by("a")
            callers.wait_for_all()
            for _ in range(CALLS // callers.SIZE):
                data = ParcelCreate(code=str(chance.randrange(KEYS)), place=1)
                outcomes[parcels.get_or_create(data, on=(col(Parcel.code), col(Parcel.place))).outcome] += 1
        return outcomes

    outcomes = sum(callers.run(work), Counter[str]())
    with database.session() as session:
        rows = ParcelRepository(session).owned_by("a").count()
    assert outcomes == {"inserted": rows, "unchanged": CALLS // callers.SIZE * callers.SIZE - rows}
    assert rows == KEYS


@pytest.mark.parametrize("kind", ["numbered ids", "drawn ids"])
def test_upserts_of_the_same_rows_in_opposite_orders_lose_nothing(database: Database, kind: str) -> None:
    callers = Callers()

    def work(number: int) -> Counter[str]:
        outcomes = Counter[str]()
        keys = [str(key) for key in range(200)][:: 1 if number % 2 else -1]
        with database.session() as session:
            callers.wait_for_all()
            for _ in range(ROUNDS):
                if kind == "numbered ids":
                    made = [ParcelCreate(code=key, place=1, note="x") for key in keys]
                    on = (col(Parcel.code), col(Parcel.place))
                    parcels = ParcelRepository(session).owned_by("a").upsert_many(made, on=on)
                    outcomes.update(one.outcome for one in parcels)
                else:
                    drafts = [DraftCreate(code=key, note="x") for key in keys]
                    made_drafts = DraftRepository(session).owned_by("a").upsert_many(drafts, on=col(Draft.code))
                    outcomes.update(one.outcome for one in made_drafts)
        return outcomes

    outcomes = sum(callers.run(work), Counter[str]())
    assert outcomes == {"inserted": 200, "updated": 200 * (callers.SIZE * ROUNDS - 1)}
    with database.session() as session:
        if kind == "numbered ids":
            revisions = {row.revision for row in ParcelRepository(session).owned_by("a").list()}
        else:
            revisions = {row.revision for row in DraftRepository(session).owned_by("a").list()}
    assert revisions == {callers.SIZE * ROUNDS}


def test_rows_that_set_different_fields_keep_those_of_others(database: Database) -> None:
    callers = Callers()

    def work(number: int) -> None:
        with database.session() as session:
            parcels = ParcelRepository(session).owned_by("a")
            callers.wait_for_all()
            for at in range(ROUNDS):
                made = [
                    ParcelCreate(code=str(key), place=1, note="kept")
                    if (key + number) % 2
                    else ParcelCreate(code=str(key), place=1, level=at)
                    for key in range(100)
                ]
                parcels.upsert_many(made, on=(col(Parcel.code), col(Parcel.place)))

    callers.run(work)
    with database.session() as session:
        rows = ParcelRepository(session).owned_by("a").list()
    assert {(row.note, row.level, row.revision) for row in rows} == {("kept", ROUNDS - 1, callers.SIZE * ROUNDS)}
