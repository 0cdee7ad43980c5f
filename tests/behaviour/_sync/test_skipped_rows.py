# Generated from tests/behaviour/_async/test_skipped_rows.py by `python -m tools.generate_sync`: edit that one.
"""A row that its table skips silently, by a trigger or a row policy: nothing was written, and the call says so."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger, Engine, Identity, Integer, MetaData, Text, bindparam, column, func, text
from sqlmodel import Field, Session, SQLModel, col

from backend import Change, CRUDRepository, Database, typed
from backend.errors import ConstraintViolationError, NotFoundError, StaleError
from tests.support.wire import WireProxy

METADATA = MetaData()
_REVISION: dict[str, Any] = {"server_default": "1", "onupdate": column("revision", Integer()) + 1}


class Parcel(SQLModel, table=True):
    """Owned and versioned."""

    metadata = METADATA

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    sender: str = Field(sa_type=Text)
    label: str = Field(sa_type=Text)
    revision: int = Field(default=None, sa_column_kwargs=_REVISION)


class ParcelCreate(SQLModel):
    label: str


class ParcelUpdate(SQLModel):
    label: str | None = None


_SHOUT = Change(typed(Parcel.label).to(func.upper(col(Parcel.label))))
_CLAIM = Change(typed(Parcel.label).to(bindparam("new", type_=Text())), where=col(Parcel.label) == "x")


class ParcelRepository(
    CRUDRepository[Parcel, ParcelCreate, ParcelUpdate], owner=col(Parcel.sender), version=col(Parcel.revision)
):
    def shout(self, id: int) -> Parcel:
        return self._change(id, _SHOUT)

    def claim(self, id: int) -> Parcel:
        return self._change(id, _CLAIM, {"new": "claimed"})


class Outbox(SQLModel, table=True):
    """A view, which triggers write through."""

    metadata = MetaData()

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    sender: str = Field(sa_type=Text)
    label: str = Field(sa_type=Text)


class OutboxCreate(SQLModel):
    sender: str
    label: str


class OutboxRepository(CRUDRepository[Outbox, OutboxCreate, ParcelUpdate]): ...


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for one in statements:
            connection.execute(text(one))


@pytest.fixture
def parcels_table(clean: Engine) -> Iterator[Engine]:
    METADATA.create_all(clean)
    run(
        clean,
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE VIEW outbox AS SELECT id, sender, label FROM parcel",
    )
    yield clean
    run(clean, "DROP TABLE parcel CASCADE", "DROP FUNCTION skip CASCADE")


@pytest.fixture
def parcels(session: Session, parcels_table: Engine) -> ParcelRepository:
    del parcels_table
    return ParcelRepository(session).owned_by("ada")


def skip(engine: Engine) -> None:
    """Let triggers skip every row from now on."""
    run(
        engine,
        "CREATE TRIGGER skip BEFORE INSERT OR UPDATE OR DELETE ON parcel FOR EACH ROW EXECUTE FUNCTION skip()",
        "CREATE TRIGGER skip INSTEAD OF INSERT OR UPDATE OR DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION skip()",
    )


def test_create_of_a_skipped_row_is_a_constraint_violation(
    parcels: ParcelRepository, parcels_table: Engine, proxy: WireProxy
) -> None:
    skip(parcels_table)
    said = "^create of Parcel wrote nothing: a trigger, rule or policy of the table skips it$"
    with proxy.watch() as seen, pytest.raises(ConstraintViolationError, match=said) as raised:
        parcels.create(ParcelCreate(label="x"))
    assert (raised.value.model, raised.value.operation, raised.value.outcome) == ("Parcel", "create", "not_applied")
    assert seen.round_trips == 1
    assert parcels.count() == 0


WRITES: dict[str, Callable[[ParcelRepository, Parcel], object]] = {
    "update": lambda parcels, row: parcels.update(row.id, ParcelUpdate(label="y")),
    "update expected": lambda parcels, row: parcels.update(row.id, ParcelUpdate(label="y"), expected=row.revision),
    "delete": lambda parcels, row: parcels.delete(row.id),
    "delete expected": lambda parcels, row: parcels.delete(row.id, expected=row.revision),
    "change": lambda parcels, row: parcels.shout(row.id),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_of_a_skipped_row_is_a_constraint_violation(
    parcels: ParcelRepository, parcels_table: Engine, proxy: WireProxy, name: str
) -> None:
    row = parcels.create(ParcelCreate(label="x"))
    skip(parcels_table)
    said = r"^\w+ of Parcel wrote nothing, though its row is there: a trigger, rule or policy of the table skips it$"
    with proxy.watch() as seen, pytest.raises(ConstraintViolationError, match=said) as raised:
        WRITES[name](parcels, row)
    assert raised.value.operation == name.split(maxsplit=1)[0]
    assert seen.round_trips == 2
    assert parcels.get(row.id) == row


@pytest.mark.parametrize("name", WRITES)
def test_a_foreign_row_that_would_be_skipped_reads_as_an_absent_one(
    parcels: ParcelRepository, parcels_table: Engine, proxy: WireProxy, name: str
) -> None:
    foreign = ParcelRepository(parcels.session).owned_by("bob").create(ParcelCreate(label="x"))
    absent = foreign.model_copy(update={"id": foreign.id + 1_000})
    skip(parcels_table)
    sent: list[list[str]] = []
    for row in (foreign, absent):
        with proxy.watch() as seen, pytest.raises(NotFoundError, match=f"^no Parcel with id {row.id}$"):
            WRITES[name](parcels, row)
        sent.append([one.sql for one in seen.statements])
    assert sent[0] == sent[1]


def test_a_stale_version_is_stale_where_the_row_would_be_skipped_too(
    parcels: ParcelRepository, parcels_table: Engine
) -> None:
    row = parcels.create(ParcelCreate(label="x"))
    parcels.update(row.id, ParcelUpdate(label="y"))
    skip(parcels_table)
    for expected in (row.revision, 2**40):
        with pytest.raises(StaleError):
            parcels.update(row.id, ParcelUpdate(label="z"), expected=expected)


def test_a_change_with_conditions_says_that_they_are_not_met(parcels: ParcelRepository, parcels_table: Engine) -> None:
    row = parcels.create(ParcelCreate(label="x"))
    skip(parcels_table)
    with pytest.raises(NotFoundError, match="meets the conditions of the change"):
        parcels.claim(row.id)


def test_a_skipped_row_spoils_no_transaction(
    parcels: ParcelRepository, parcels_table: Engine, database: Database
) -> None:
    row = parcels.create(ParcelCreate(label="x"))
    run(parcels_table, "CREATE TRIGGER skip BEFORE DELETE ON parcel FOR EACH ROW EXECUTE FUNCTION skip()")
    with database.transaction() as session:
        joined = ParcelRepository(session).owned_by("ada")
        with pytest.raises(ConstraintViolationError):
            joined.delete(row.id)
        joined.update(row.id, ParcelUpdate(label="y"))
    assert (parcels.get_one(row.id)).label == "y"


def test_a_row_skipped_by_a_views_trigger_is_a_constraint_violation(
    parcels: ParcelRepository, parcels_table: Engine
) -> None:
    row = parcels.create(ParcelCreate(label="x"))
    outbox = OutboxRepository(parcels.session)
    skip(parcels_table)
    with pytest.raises(ConstraintViolationError, match="create of Outbox wrote nothing"):
        outbox.create(OutboxCreate(sender="ada", label="y"))
    with pytest.raises(ConstraintViolationError, match="update of Outbox wrote nothing"):
        outbox.update(row.id, ParcelUpdate(label="y"))
    with pytest.raises(NotFoundError):
        outbox.delete(row.id + 1)


def test_a_row_policy_that_forbids_a_write_and_not_the_row_is_a_constraint_violation(
    parcels: ParcelRepository, parcels_table: Engine, database: Database
) -> None:
    row = parcels.create(ParcelCreate(label="x"))
    hidden = parcels.create(ParcelCreate(label="hidden"))
    run(
        parcels_table,
        "CREATE ROLE clerk",
        "GRANT ALL ON parcel TO clerk",
        "ALTER TABLE parcel ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY seen ON parcel FOR SELECT USING (label <> 'hidden')",
    )
    try:
        with database.transaction() as session:
            session.exec(text("SET LOCAL ROLE clerk"))  # type: ignore[call-overload]  # of the test's own
            joined = ParcelRepository(session).owned_by("ada")
            with pytest.raises(ConstraintViolationError, match="though its row is there"):
                joined.update(row.id, ParcelUpdate(label="y"))
            with pytest.raises(NotFoundError):
                joined.update(hidden.id, ParcelUpdate(label="y"))
    finally:
        run(parcels_table, "DROP POLICY seen ON parcel", "DROP OWNED BY clerk", "DROP ROLE clerk")


MANY: dict[str, Callable[[ParcelRepository, list[Parcel]], object]] = {
    "create_many": lambda parcels, _: parcels.create_many([ParcelCreate(label=label) for label in "yz"]),
    "update_many": lambda parcels, rows: parcels.update_many([(row.id, ParcelUpdate(label="y")) for row in rows]),
    "delete_many": lambda parcels, rows: parcels.delete_many([row.id for row in rows]),
    "update_where": lambda parcels, _: parcels.update_where(ParcelUpdate(label="y"), all_rows=True),
    "delete_where": lambda parcels, _: parcels.delete_where(all_rows=True),
    "delete_where_returning": lambda parcels, _: parcels.delete_where_returning(all_rows=True),
}


@pytest.mark.parametrize("name", MANY)
def test_many_of_which_one_row_is_skipped_leave_none_written(
    parcels: ParcelRepository, parcels_table: Engine, proxy: WireProxy, name: str
) -> None:
    rows = [*parcels.create_many([ParcelCreate(label="x") for _ in range(3)])]
    skipped = "coalesce(NEW.label, OLD.label) = 'z' OR (TG_OP <> 'INSERT' AND OLD.id % 3 = 0)"
    run(
        parcels_table,
        "CREATE FUNCTION skip_one() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        f"IF {skipped} THEN RETURN NULL; END IF; RETURN coalesce(NEW, OLD); END$$",
        "CREATE TRIGGER one BEFORE INSERT OR UPDATE OR DELETE ON parcel FOR EACH ROW EXECUTE FUNCTION skip_one()",
    )
    try:
        said = rf"^{name} of Parcel wrote nothing.*: a trigger, rule or policy of the table skips"
        with proxy.watch() as seen, pytest.raises(ConstraintViolationError, match=said) as raised:
            MANY[name](parcels, rows)
        assert (raised.value.operation, raised.value.outcome, seen.round_trips) == (name, "not_applied", 1)
        assert parcels.list() == rows
    finally:
        run(parcels_table, "DROP FUNCTION skip_one CASCADE")
