# Generated from tests/faults/_async/test_lost_answers.py by `python -m tools.generate_sync`: edit that one.
"""The form of a single write that can be repeated when its answer was lost, as `docs/errors.md` shows it."""

from collections.abc import Generator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import BigInteger, Engine, Identity, MetaData, Text, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col

from backend import CRUDRepository
from backend.errors import OutcomeUnknownError, UniqueViolationError
from tests.support.wire import WireProxy
from tests.support.wire.faults import Cut, Fault, Step


class Order(SQLModel, table=True):
    metadata = MetaData()
    __table_args__ = (UniqueConstraint("user_id", "request_id", name="uq_order_user_id_request_id"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    user_id: str = Field(sa_type=Text)
    request_id: UUID
    item: str = Field(sa_type=Text)


class OrderCreate(SQLModel):
    request_id: UUID
    item: str


class OrderUpdate(SQLModel):
    item: str | None = None


class OrderRepository(CRUDRepository[Order, OrderCreate, OrderUpdate], owner=col(Order.user_id)): ...


def place(orders: OrderRepository, data: OrderCreate) -> Order:
    try:
        return orders.create(data)
    except OutcomeUnknownError:
        return place_again(orders, data)


def place_again(orders: OrderRepository, data: OrderCreate) -> Order:
    try:
        return orders.create(data)
    except UniqueViolationError as error:
        if "request_id" not in error.fields:
            raise
        return orders.one(col(Order.request_id) == data.request_id)


@pytest.fixture
def orders(session: Session, clean: Engine) -> Generator[OrderRepository]:
    Order.metadata.create_all(clean)
    yield OrderRepository(session).owned_by("a")
    Order.metadata.drop_all(clean)


@pytest.mark.parametrize("step", ["before_statement", "within_statement", "after_statement", "within_answer"])
def test_a_create_with_a_chosen_key_happens_once_wherever_its_answer_was_lost(
    orders: OrderRepository, proxy: WireProxy, step: Step
) -> None:
    data = OrderCreate(request_id=uuid4(), item="x")
    with proxy.fault(Fault(step, Cut(), "INSERT")) as armed:
        order = place(orders, data)
    assert armed.fired == 1
    assert [one.id for one in orders.list()] == [order.id]
    assert (place_again(orders, data)).id == order.id
