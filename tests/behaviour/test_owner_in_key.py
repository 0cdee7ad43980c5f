"""A key that begins with the owner: each owner counts its own rows, and sees nobody else's."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest
from pydantic import MISSING
from sqlalchemy import ForeignKeyConstraint, MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, Session, SQLModel, col

from backend import CRUDRepository, Database, init_db, typed
from backend.errors import ForeignKeyViolationError, NotFoundError, OwnerRequiredError, UniqueViolationError, UsageError

TYPES = registry(metadata=MetaData())


class Base(SQLModel, registry=TYPES):
    metadata = TYPES.metadata


class Invoice(Base, table=True):
    """The client counts."""

    tenant: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    note: str | None = None

    lines: list["Line"] = Relationship(back_populates="invoice")


class InvoiceId(NamedTuple):
    tenant: int
    number: int


class InvoiceCreate(SQLModel):
    number: int
    note: str | None = None


class InvoiceUpdate(SQLModel):
    note: str | MISSING | None = MISSING


class Invoices(CRUDRepository[Invoice, InvoiceCreate, InvoiceUpdate, InvoiceId, int], owner=col(Invoice.tenant)): ...


class Line(Base, table=True):
    """Its invoice's key, and a position."""

    __table_args__ = (ForeignKeyConstraint(["tenant", "number"], ["invoice.tenant", "invoice.number"]),)

    tenant: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    position: int = Field(primary_key=True)

    invoice: Invoice = Relationship(back_populates="lines")


class LineId(NamedTuple):
    position: int
    number: int
    tenant: int


class LineCreate(SQLModel):
    number: int
    position: int


class LineUpdate(SQLModel): ...


class Lines(CRUDRepository[Line, LineCreate, LineUpdate, LineId, int], owner=col(Line.tenant)): ...


@pytest.fixture
def session(own_tables: str) -> Iterator[Session]:
    with Database(own_tables) as database:
        init_db(database, TYPES.metadata)
        with database.session() as session:
            yield session


def test_two_owners_have_the_same_number(session: Session) -> None:
    first, second = Invoices(session).owned_by(1), Invoices(session).owned_by(2)
    mine, theirs = first.create(InvoiceCreate(number=7, note="a")), second.create(InvoiceCreate(number=7, note="b"))
    assert (first.id_of(mine), first.id_of(theirs)) == (InvoiceId(1, 7), InvoiceId(2, 7))
    assert first.get(InvoiceId(1, 7)) == mine
    assert second.get_many([InvoiceId(1, 7), InvoiceId(2, 7)]) == {InvoiceId(2, 7): theirs}
    with pytest.raises(UniqueViolationError) as raised:
        first.create(InvoiceCreate(number=7))
    assert str(raised.value) == "create of Invoice conflicts with a row that has the same key (fields number)"
    everyone = Invoices(session).every_owner()
    assert everyone.list() == [mine, theirs]
    assert everyone.get(InvoiceId(2, 7)) == theirs


def test_an_id_of_another_owner_is_absent(session: Session) -> None:
    mine = Invoices(session).owned_by(1)
    Invoices(session).owned_by(2).create(InvoiceCreate(number=7))
    for key in (InvoiceId(2, 7), InvoiceId(1, 7)):
        assert mine.get(key) is None
        calls: list[Callable[[], object]] = [
            partial(mine.get_one, key),
            partial(mine.update, key, InvoiceUpdate(note="x")),
            partial(mine.update, key, InvoiceUpdate()),
            partial(mine.delete, key),
            partial(mine.require_many, [key]),
        ]
        for call in calls:
            with pytest.raises(NotFoundError) as raised:
                call()
            assert str(raised.value) == "no Invoice with id 7"  # the owner is not shown
    assert Invoices(session).every_owner().count() == 1


def test_a_line_refers_to_an_invoice_of_its_owner(session: Session) -> None:
    invoice = Invoices(session).owned_by(1).create(InvoiceCreate(number=7))
    lines = Lines(session).owned_by(1)
    made = [lines.create(LineCreate(number=7, position=position)) for position in (2, 1)]
    with pytest.raises(ForeignKeyViolationError):
        Lines(session).owned_by(2).create(LineCreate(number=7, position=1))
    loaded = Invoices(session).owned_by(1).loading(Invoice.lines).get_one(InvoiceId(1, 7))
    assert loaded.lines == [*reversed(made)]
    assert lines.loading(Line.invoice).get_one(LineId(2, 7, 1)).invoice == invoice
    assert lines.list(order_by=typed(Line.position).desc()) == made
    assert lines.require_many([LineId(2, 7, 1), LineId(1, 7, 1)]) == made


def test_a_partial_id_is_refused_with_what_is_expected(session: Session) -> None:
    lines = Lines(session).owned_by(1)
    fix = "pass LineId(position=…, number=…, tenant=…)"
    wrong: list[tuple[Any, str]] = [
        (7, "is a LineId, got an int"),
        ((1, 7, 1), "is a LineId, got a tuple"),
        (InvoiceId(1, 7), "is a LineId, got an InvoiceId"),
        (None, "is a LineId, got None"),
        (LineId._make([1, None, 1]), "has an int as number, got None"),
        (LineId._make([1, 7, "1"]), "has an int as tenant, got a str"),
        (LineId(position=True, number=7, tenant=1), "has an int as position, got a bool"),
    ]
    for key, text in wrong:
        for call in (lines.get, lines.get_one, lines.delete):
            with pytest.raises(UsageError) as raised:
                call(key)
            assert str(raised.value) == f"an id of Line {text}: {fix}"
        with pytest.raises(UsageError) as raised:
            lines.get_many([LineId(1, 7, 1), key])
        assert str(raised.value) == f"an id of Line {text} at position 1: {fix}"


def test_id_of_refuses_what_has_no_id(session: Session) -> None:
    invoices = Invoices(session).owned_by(1)
    with pytest.raises(UsageError) as raised:
        invoices.id_of(Line(tenant=1, number=1, position=1))  # type: ignore[arg-type]
    assert str(raised.value) == "id_of() takes an Invoice, got a Line: pass a row of it"
    with pytest.raises(UsageError) as raised:
        invoices.id_of(Invoice(tenant=1))  # type: ignore[call-arg]
    assert str(raised.value) == "this Invoice has no id yet: pass one that create() or a read has returned"
    with pytest.raises(OwnerRequiredError):
        Invoices(session).id_of(Invoice(tenant=1, number=1))
