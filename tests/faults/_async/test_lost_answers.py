"""The form of a single write that can be repeated when its answer was lost, as `docs/errors.md` shows it."""

from collections.abc import AsyncGenerator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import BigInteger, Engine, Identity, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncCRUDRepository
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


class AsyncOrderRepository(AsyncCRUDRepository[Order, OrderCreate, OrderUpdate], owner=col(Order.user_id)): ...


async def place(orders: AsyncOrderRepository, data: OrderCreate) -> Order:
    try:
        return await orders.create(data)
    except OutcomeUnknownError:
        return await place_again(orders, data)


async def place_again(orders: AsyncOrderRepository, data: OrderCreate) -> Order:
    try:
        return await orders.create(data)
    except UniqueViolationError as error:
        if "request_id" not in error.fields:
            raise
        return await orders.one(col(Order.request_id) == data.request_id)


@pytest.fixture
async def orders(session: AsyncSession, clean: Engine) -> AsyncGenerator[AsyncOrderRepository]:
    Order.metadata.create_all(clean)
    yield AsyncOrderRepository(session).owned_by("a")
    Order.metadata.drop_all(clean)


@pytest.mark.parametrize("step", ["before_statement", "within_statement", "after_statement", "within_answer"])
async def test_a_create_with_a_chosen_key_happens_once_wherever_its_answer_was_lost(
    orders: AsyncOrderRepository, proxy: WireProxy, step: Step
) -> None:
    data = OrderCreate(request_id=uuid4(), item="x")
    with proxy.fault(Fault(step, Cut(), "INSERT")) as armed:
        order = await place(orders, data)
    assert armed.fired == 1
    assert [one.id for one in await orders.list()] == [order.id]
    assert (await place_again(orders, data)).id == order.id
