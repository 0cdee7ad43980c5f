"""Every upsert equals a plain-Python model: rows, order and what became of each; keys of all kinds, two owners.

Both ways in which the server tells a new row from an old one are tried, that of PostgreSQL 18 and the one before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import Engine, delete, text
from sqlmodel import Session, SQLModel, col, select

from backend import CRUDRepository, Database
from tests.support.models.upserted import (
    METADATA,
    Country,
    CountryCreate,
    CountryRepository,
    Draft,
    DraftCreate,
    DraftRepository,
    Parcel,
    ParcelCreate,
    ParcelRepository,
    Slot,
    SlotCreate,
    SlotRepository,
)

Row = dict[str, Any]

CODES = st.sampled_from(["x", "y", "z"])
PLACES = st.none() | st.integers(0, 1)
DEFAULTS: Row = {"note": None, "level": 7, "price": None, "moved": 0, "revision": 1, "place": None, "archived": False}
SET = {
    "note": st.none() | st.text("ab", max_size=2),
    "level": st.integers(0, 2),
    "price": st.none() | st.sampled_from([Decimal("1.50"), Decimal(2)]),
}


@dataclass(frozen=True)
class Kind:
    """An entity, its key without the owner, and the data that it takes."""

    model: type[SQLModel]
    schema: type[BaseModel]
    repository: type[CRUDRepository[Any, Any, Any, Any, Any]]
    key: tuple[str, ...]
    fields: Mapping[str, st.SearchStrategy[Any]]
    owners: tuple[str | None, ...] = ("a", "b")
    optional: Mapping[str, st.SearchStrategy[Any]] = field(default_factory=lambda: SET)
    nulls_conflict: bool = False
    holds: Callable[[Row], bool] = lambda _: True

    def of(self, session: Session, owner: str | None) -> Any:
        repository: Any = self.repository(session)
        return repository if owner is None else repository.owned_by(owner)

    def columns(self, names: tuple[str, ...]) -> Any:
        columns = tuple(col(getattr(self.model, name)) for name in names)
        return columns[0] if len(columns) == 1 else columns

    def items(self) -> st.SearchStrategy[list[Row]]:
        one = st.fixed_dictionaries({**self.fields}, optional={**self.optional})
        return st.lists(one, max_size=5, unique_by=lambda item: str([item.get(name) for name in self.key]))


KINDS = {
    "a key of columns": Kind(
        Parcel, ParcelCreate, ParcelRepository, ("place", "code"), {"code": CODES, "place": PLACES}
    ),
    "a primary key": Kind(Country, CountryCreate, CountryRepository, ("code",), {"code": CODES}, (None,)),
    "a partial key": Kind(
        Draft,
        DraftCreate,
        DraftRepository,
        ("code",),
        {"code": st.none() | CODES},
        optional={**SET, "archived": st.booleans()},
        holds=lambda row: not row["archived"],
    ),
    "a key where NULL equals NULL": Kind(
        Slot,
        SlotCreate,
        SlotRepository,
        ("code", "place"),
        {"code": CODES, "place": PLACES},
        (None,),
        nulls_conflict=True,
    ),
}


class Model:
    """The rows of all owners."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.rows: list[Row] = []

    def upsert(self, owner: str | None, item: Row, changeable: set[str]) -> tuple[Row, str]:
        new = {name: value for name, value in DEFAULTS.items() if name in self.kind.model.model_fields} | item
        if owner is not None:
            new["owner"] = owner
        there = next((row for row in self.rows if self._conflicts(row, new)), None)
        values = {name: value for name, value in item.items() if name in changeable}
        if there is None:
            self.rows.append(new)
            return dict(new), "inserted"
        if not values:
            return dict(there), "unchanged"
        there.update(values, moved=5, revision=there["revision"] + 1)
        return dict(there), "updated"

    def _conflicts(self, row: Row, new: Row) -> bool:
        key = [(row[name], new[name]) for name in self.kind.key]
        if not self.kind.nulls_conflict and any(one is None for one, _ in key):
            return False
        is_same = all(one == other for one, other in key) and row.get("owner") == new.get("owner")
        return is_same and self.kind.holds(row) and self.kind.holds(new)


@pytest.fixture
def engine(clean: Engine) -> Iterator[Engine]:
    METADATA.create_all(clean)
    yield clean
    METADATA.drop_all(clean)


@pytest.fixture(params=["18", "older"])
def database(route: str, engine: Engine, request: pytest.FixtureRequest) -> Iterator[Database]:
    with Database(route) as database:
        database.ping()
        if request.param == "older":
            database.engine.dialect.server_version_info = (17, 0)
        yield database


def updates(kind: Kind) -> st.SearchStrategy[Any]:
    names = st.sampled_from(sorted(kind.optional))
    some: st.SearchStrategy[Any] = st.lists(names, min_size=1, max_size=2, unique=True).map(tuple)
    return st.sampled_from(["set", "nothing"]) | some


def changeable_by(kind: Kind, update: Any) -> set[str]:
    if isinstance(update, str):
        return {*kind.optional} if update == "set" else set()
    return {*update}


def shown(row: SQLModel) -> Row:
    return {name: value for name, value in sorted(row.model_dump().items()) if name != "updated_at"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(
    max_examples=25,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_upserts_equal_the_model(database: Database, kind: Kind, data: st.DataObject) -> None:
    model, known = Model(kind), dict[Any, Row]()
    is_18 = (database.engine.dialect.server_version_info or ()) >= (18,)
    with database.transaction() as session:
        session.exec(delete(kind.model))
    with database.session() as session:
        for _ in range(4):
            owner = data.draw(st.sampled_from(kind.owners))
            items, update = data.draw(kind.items()), data.draw(updates(kind))
            call = data.draw(st.sampled_from(["upsert", "upsert_many", "get_or_create"]))
            repository, on = kind.of(session, owner), kind.columns(data.draw(st.permutations(kind.key).map(tuple)))
            with_before = is_18 and call != "get_or_create" and data.draw(st.booleans())
            if with_before:
                repository = repository.with_before()
            arguments: dict[str, Any] = {"on": on}
            if call == "get_or_create":
                update = "nothing"
            else:
                arguments["update"] = update if isinstance(update, str) else kind.columns(update)
            changeable = changeable_by(kind, update)
            expected = [model.upsert(owner, item, changeable) for item in items]
            made = [kind.schema(**item) for item in items]
            if call == "upsert_many":
                answers = repository.upsert_many(made, **arguments)
            else:
                answers = [getattr(repository, call)(one, **arguments) for one in made]
            assert [one.outcome for one in answers] == [outcome for _, outcome in expected]
            for one, (row, _) in zip(answers, expected, strict=True):
                assert row.items() <= shown(one.row).items()
                id = one.row.id if "id" in kind.model.model_fields else one.row.code
                assert one.inserted != (id in known)
                if with_before:
                    assert (None if one.before is None else shown(one.before)) == known.get(id)
                known[id] = shown(one.row)
    with database.transaction() as session:
        rows = [shown(row) for row in session.exec(select(kind.model)).all()]
    assert sorted(map(str, rows)) == sorted(map(str, known.values()))


def test_upsert_many_sets_what_its_own_row_sets_where_nulls_are_equal(database: Database) -> None:
    with database.session() as session:
        slots, on = SlotRepository(session), (col(Slot.code), col(Slot.place))
        kept, changed = slots.create_many([SlotCreate(code=code, place=None, note="before") for code in "xy"])
        data = [SlotCreate(code="x", place=None, level=2), SlotCreate(code="y", place=None, note="after")]
        answers = slots.upsert_many(data, on=on)
        assert [one.row.id for one in answers] == [kept.id, changed.id]
        assert [one.row.note for one in answers] == ["before", "after"]


def test_rows_with_null_in_a_part_of_their_key_come_back_in_the_order_of_the_data(database: Database) -> None:
    with database.session() as session:
        parcels, on = ParcelRepository(session).owned_by("a"), (col(Parcel.code), col(Parcel.place))
        data = [ParcelCreate(code=code, note=note) for code, note in ("b1", "a1", "b2", "c1", "a2")]
        answers = parcels.upsert_many(data, on=on)
        assert [(one.row.code, one.row.note) for one in answers] == [(one.code, one.note) for one in data]
        drafts = DraftRepository(session).owned_by("a")
        drawn = drafts.upsert_many([DraftCreate(code=None, note=note) for note in "bac"], on=col(Draft.code))
        assert [(one.row.note, one.inserted) for one in drawn] == [("b", True), ("a", True), ("c", True)]


def test_a_row_that_does_not_change_is_not_written(database: Database) -> None:
    versions = text("SELECT ctid::text FROM parcel UNION ALL SELECT ctid::text FROM draft")
    with database.session() as session:
        parcels, drafts = ParcelRepository(session).owned_by("a"), DraftRepository(session).owned_by("a")
        parcel, draft, of_draft = ParcelCreate(code="x", place=1), DraftCreate(code="x"), col(Draft.code)
        of_parcel = (col(Parcel.code), col(Parcel.place))
        parcels.create(parcel)
        drafts.create(draft)
        with session.begin():
            before = session.connection().execute(versions).all()
        assert parcels.get_or_create(parcel, on=of_parcel).outcome == "unchanged"
        assert drafts.get_or_create(draft, on=of_draft).outcome == "unchanged"
        assert parcels.upsert_many([parcel], on=of_parcel, update="nothing")[0].outcome == "unchanged"
        with session.begin():
            assert session.connection().execute(versions).all() == before
        archived = DraftCreate(code="x", archived=True)  # outside the index
        assert drafts.get_or_create(archived, on=of_draft).outcome == "inserted"
        found = drafts.get_or_create(draft, on=of_draft)
        assert (found.outcome, found.row.archived) == ("unchanged", False)
