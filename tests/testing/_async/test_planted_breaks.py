"""The contract finds what is broken in a repository: each of these breaks one promise, and the named check fails."""

# mypy: disable-error-code="mutable-override"
# A subclass of a contract sets its attributes once, in the class.

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

import pytest
from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from backend import AsyncDatabase, Change, CursorPage, Lock, Order, Page, Upserted, Where
from backend.errors import InvalidCursorError, NotFoundError, StaleError
from backend.input.patch import Patch
from backend.results.cursors import Cursor
from backend.statements.conflict_targets import UniqueKey, Updates
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskUpdate
from backend.testing import AsyncRepositoryContract
from tests.support.models.suite import AsyncShelfRepository, Shelf, ShelfCreate, ShelfUpdate

Version = datetime | int | None


class AsyncTasks(AsyncTaskRepository):
    """What the broken repositories have at hand."""

    @property
    def everyone(self) -> AsyncTaskRepository:
        return AsyncTaskRepository(self.session).every_owner()


class GetsForeignRows(AsyncTasks):
    @override
    async def get(self, id: int, *, lock: Lock | None = None) -> Task | None:
        return await self.everyone.get(id, lock=lock)


class ListsForeignRows(AsyncTasks):
    @override
    async def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        return await self.everyone.list(*where, order_by=order_by, limit=limit, offset=offset, lock=lock)


class CountsForeignRows(AsyncTasks):
    @override
    async def count(self, *where: Where) -> int:
        return await self.everyone.count(*where)


class PagesForeignRows(AsyncTasks):
    @override
    async def cursor_page(
        self, *where: Where, order_by: Order = (), cursor: Cursor = None, size: int = 20
    ) -> CursorPage[Task]:
        return await self.everyone.cursor_page(*where, order_by=order_by, cursor=cursor, size=size)


class UpdatesForeignRows(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        return await self.everyone.update(id, data, expected=expected)


class DeletesForeignRows(AsyncTasks):
    @override
    async def delete_many(self, ids: Iterable[int], *, progress: Any = None) -> Sequence[Task]:
        return await self.everyone.delete_many(ids)


class TellsForeignFromAbsent(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        try:
            return await super().update(id, data, expected=expected)
        except NotFoundError as error:
            if await self.everyone.get(id) is not None:
                raise NotFoundError("that task is not yours", error.details) from None
            raise


class ReadsWithoutAScope(AsyncTasks):
    @override
    async def count(self, *where: Where) -> int:
        return await (super().count(*where) if "one owner" in repr(self) else self.everyone.count(*where))


class CreatesForEveryOwner(AsyncTasks):
    @override
    def every_owner(self) -> Self:
        return self.owned_by("ada")


class TakesNoneForAnOwner(AsyncTasks):
    @override
    def owned_by(self, owner: str) -> Self:
        return super().owned_by(owner or "nobody")


class OverwritesUnsetFields(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        return await super().update(id, data.model_copy(update={"description": None}), expected=expected)


class WritesWhereNothingIsSet(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        if data.model_fields_set:
            return await super().update(id, data, expected=expected)
        return await self.toggle_complete(id)


class ReturnsTheRowBefore(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        return (await self.with_before().update(id, data, expected=expected)).before


class SwallowsStaleVersions(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        try:
            return await super().update(id, data, expected=expected)
        except StaleError:
            return await super().update(id, data)


class DeletesStaleVersions(AsyncTasks):
    @override
    async def delete(self, id: int, *, expected: Version = None) -> Task:
        return await super().delete(id)


class SwallowsAbsentRows(AsyncTasks):
    @override
    async def delete(self, id: int, *, expected: Version = None) -> Task:
        try:
            return await super().delete(id, expected=expected)
        except NotFoundError:
            return Task(id=id, title="gone", user_id="ada")


class CommitsNothing(AsyncTasks):
    @override
    async def create(self, data: TaskCreate) -> Task:
        if self.session.in_transaction():
            return await super().create(data)
        async with self.session.begin() as transaction:
            row = await super().create(data)
            await transaction.rollback()
        return row


class CommitsByItself(AsyncTasks):
    @override
    async def delete(self, id: int, *, expected: Version = None) -> Task:
        async with AsyncSession(self.session.bind) as other:
            return await AsyncTaskRepository(other).every_owner().delete(id, expected=expected)


class LeavesATransactionOpen(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        began = None if self.session.in_transaction() else await self.session.begin()
        row = await super().update(id, data, expected=expected)
        if began is not None:
            await began.commit()
        return row


class ReadsBeforeItWrites(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        await self.get_one(id)
        return await super().update(id, data, expected=expected)


class ReadsTwice(AsyncTasks):
    @override
    async def get_one(self, id: int, *, lock: Lock | None = None) -> Task:
        await self.exists(col(Task.id) == id)
        return await super().get_one(id, lock=lock)


class AttachesEntities(AsyncTasks):
    @override
    async def get_one(self, id: int, *, lock: Lock | None = None) -> Task:
        async with self.session.begin():
            row = await super().get_one(id, lock=lock)
            self.session.add(row)
        return row


class AcceptsInvalidData(AsyncTasks):
    @override
    async def create(self, data: TaskCreate) -> Task:
        return await super().create(TaskCreate(title=getattr(data, "title", "untitled"), description=data.description))


class GetRaises(AsyncTasks):
    @override
    async def get(self, id: int, *, lock: Lock | None = None) -> Task | None:
        return await self.get_one(id, lock=lock)


class ListsBackwards(AsyncTasks):
    @override
    async def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        return await super().list(*where, order_by=col(Task.id).desc(), limit=limit, offset=offset, lock=lock)


class IgnoresTheOrder(AsyncTasks):
    @override
    async def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        return await super().list(*where, limit=limit, offset=offset, lock=lock)


class LeavesTiesUnsorted(AsyncTasks):
    @override
    async def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        rows = await super().list(*where, order_by=order_by, limit=limit, offset=offset, lock=lock)
        return rows if isinstance(order_by, tuple) else sorted(rows, key=lambda row: (row.user_id, -row.id))


class CountsOnePage(AsyncTasks):
    @override
    async def page(self, *where: Where, order_by: Order = (), page: int = 1, size: int = 20) -> Page[Task]:
        found = await super().page(*where, order_by=order_by, page=page, size=size)
        return replace(found, total=len(found.items))


class TakesAnySize(AsyncTasks):
    @override
    async def page(self, *where: Where, order_by: Order = (), page: int = 1, size: int = 20) -> Page[Task]:
        return await super().page(*where, order_by=order_by, page=max(page, 1), size=min(max(size, 1), 1000))


class ForgetsTheCursor(AsyncTasks):
    @override
    async def cursor_page(
        self, *where: Where, order_by: Order = (), cursor: Cursor = None, size: int = 20
    ) -> CursorPage[Task]:
        found = await super().cursor_page(*where, order_by=order_by, cursor=cursor, size=size)
        return found if cursor is None else replace(found, next=None)


class StreamsInATransaction(AsyncTasks):
    @override
    @asynccontextmanager
    async def stream(
        self, *where: Where, order_by: Order = (), batch: int = 1000
    ) -> AsyncGenerator[AsyncGenerator[Task]]:
        async with self.session.begin(), super().stream(*where, order_by=order_by, batch=batch) as rows:
            yield rows


class SortsTheIds(AsyncTasks):
    @override
    async def require_many(self, ids: Iterable[int]) -> Sequence[Task]:
        return await super().require_many(sorted(ids))


class TakesTheFirstForTheOnly(AsyncTasks):
    @override
    async def one(self, *where: Where) -> Task:
        row = await self.first(*where)
        return row if row is not None else await super().one(*where)


class UpdatesOneByOne(AsyncTasks):
    @override
    async def update_many(
        self,
        patches: Mapping[int, TaskUpdate] | Iterable[tuple[int, TaskUpdate] | Patch[TaskUpdate, int]],
        *,
        progress: Any = None,
    ) -> Sequence[Task]:
        pairs: Any = patches
        rows: list[Task] = []
        for pair in pairs:
            rows += await super().update_many([pair])
        return rows


class DeletesWhatItFinds(AsyncTasks):
    @override
    async def delete_many(self, ids: Iterable[int], *, progress: Any = None) -> Sequence[Task]:
        return await super().delete_many(await self.get_many(ids))


class CreatesBackwards(AsyncTasks):
    @override
    async def create_many(self, data: Iterable[TaskCreate], *, returning: Any = True, progress: Any = None) -> Any:
        return await super().create_many([*data][::-1], returning=bool(returning))


class DeletesAllWithoutACondition(AsyncTasks):
    @override
    async def delete_where(self, *where: Where, all_rows: bool = False) -> int:
        return await (super().delete_where(*where) if where else super().delete_where(all_rows=True))


class UpdatesAllRows(AsyncTasks):
    @override
    async def update_where(self, data: TaskUpdate | Change, *where: Where, all_rows: bool = False) -> int:
        return await super().update_where(data, all_rows=True)


class LocksNothing(AsyncTasks):
    @override
    async def get_one(self, id: int, *, lock: Lock | None = None) -> Task:
        return await super().get_one(id)


class CreatesOneByOne(AsyncTasks):
    @override
    async def create_many(self, data: Iterable[TaskCreate], *, returning: Any = True, progress: Any = None) -> Any:
        return [await self.create(one) for one in data]


class IgnoresTheVersionsOfMany(AsyncTasks):
    @override
    async def update_many(self, patches: Any, *, progress: Any = None) -> Sequence[Task]:
        pairs: Any = [(one.id, one.data) if hasattr(one, "expected") else one for one in patches]
        return await super().update_many(pairs)


class AsksWhereNothingIsToDo(AsyncTasks):
    @override
    async def delete_many(self, ids: Iterable[int], *, progress: Any = None) -> Sequence[Task]:
        await self.count()
        return await super().delete_many(ids)


class BeginsAgainWithAnyCursor(AsyncTasks):
    @override
    async def cursor_page(
        self, *where: Where, order_by: Order = (), cursor: Cursor = None, size: int = 20
    ) -> CursorPage[Task]:
        try:
            return await super().cursor_page(*where, order_by=order_by, cursor=cursor, size=size)
        except InvalidCursorError:
            return await super().cursor_page(*where, order_by=order_by, size=size)


class BeginsAgainWithAnotherOwnersCursor(BeginsAgainWithAnyCursor):
    """The same, for the check of two owners."""


class ReturnsAnEmptyRow(AsyncTasks):
    @override
    async def delete(self, id: int, *, expected: Version = None) -> Task:
        row = await super().delete(id, expected=expected)
        return Task(id=row.id, title="", user_id=row.user_id)


class KeepsTheVersion(AsyncTasks):
    @override
    async def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        async with self.session.begin():
            same = update(Task).where(col(Task.id) == id).values(**data.model_dump(), updated_at=col(Task.updated_at))
            await self.session.exec(same)
        return await self.get_one(id)


class ReadsOnAConnectionOfItsOwn(AsyncTasks):
    @override
    async def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        async with AsyncSession(self.session.bind) as other:
            mine = type(self)(other).owned_by("ada")
            return await super(ReadsOnAConnectionOfItsOwn, mine).list(
                *where, order_by=order_by, limit=limit, offset=offset, lock=lock
            )


class GivesAbsentRowsToo(AsyncTasks):
    @override
    async def get_many(self, ids: Iterable[int]) -> dict[int, Task]:
        wanted = [*ids]
        return {id: Task(id=id, title="", user_id="ada") for id in wanted} | await super().get_many(wanted)


class TakesOverAnotherOwnersRow(AsyncShelfRepository):
    @override
    async def upsert(self, data: ShelfCreate, *, on: UniqueKey, update: Updates = "set") -> Upserted[Shelf]:
        everyone = AsyncShelfRepository(self.session).every_owner()
        await everyone.update_where(ShelfUpdate(note="taken over"), col(Shelf.code) == data.code)
        return await super().upsert(data, on=on, update=update)


class GetOrCreateUpdates(AsyncShelfRepository):
    @override
    async def get_or_create(self, data: ShelfCreate, *, on: UniqueKey) -> Upserted[Shelf]:
        return await self.upsert(data, on=on)


class CreateFindsWhatIsThere(AsyncShelfRepository):
    @override
    async def create(self, data: ShelfCreate) -> Shelf:
        return (await self.get_or_create(data, on=col(Shelf.code))).row


class UpsertReplaces(AsyncShelfRepository):
    @override
    async def upsert(self, data: ShelfCreate, *, on: UniqueKey, update: Updates = "set") -> Upserted[Shelf]:
        await self.delete_where(col(Shelf.code) == data.code)
        return Upserted(await self.create(data), "updated")


BREAKS: dict[type[Any], str] = {
    GetsForeignRows: "test_an_owner_sees_no_other_rows",
    ListsForeignRows: "test_an_owner_sees_no_other_rows",
    CountsForeignRows: "test_an_owner_sees_no_other_rows",
    PagesForeignRows: "test_an_owner_sees_no_other_rows",
    UpdatesForeignRows: "test_an_owner_touches_no_other_rows",
    DeletesForeignRows: "test_an_owner_touches_no_other_rows",
    TellsForeignFromAbsent: "test_a_foreign_and_an_absent_row_are_the_same_error",
    ReadsWithoutAScope: "test_a_call_without_a_scope_is_refused",
    CreatesForEveryOwner: "test_every_owner_reads_all_rows_and_creates_none",
    TakesNoneForAnOwner: "test_an_owner_that_is_none_is_refused",
    OverwritesUnsetFields: "test_update_writes_only_what_was_set",
    WritesWhereNothingIsSet: "test_update_of_nothing_writes_nothing",
    ReturnsTheRowBefore: "test_update_writes_only_what_was_set",
    SwallowsStaleVersions: "test_a_stale_version_is_refused",
    DeletesStaleVersions: "test_a_stale_version_is_refused",
    SwallowsAbsentRows: "test_an_absent_row_is_not_found",
    CommitsNothing: "test_create_returns_the_row_that_is_stored",
    CommitsByItself: "test_a_write_joins_the_transaction",
    LeavesATransactionOpen: "test_an_error_leaves_no_transaction_open",
    ReadsBeforeItWrites: "test_a_write_is_one_round_trip",
    ReadsTwice: "test_a_read_is_one_round_trip",
    AttachesEntities: "test_entities_are_values",
    AcceptsInvalidData: "test_create_refuses_invalid_data",
    GetRaises: "test_get_of_an_absent_id_is_none_and_get_one_an_error",
    ListsBackwards: "test_list_is_in_the_order_of_the_key",
    IgnoresTheOrder: "test_list_is_in_the_order_that_is_asked_for",
    LeavesTiesUnsorted: "test_the_key_ends_every_order",
    CountsOnePage: "test_pages_have_every_row_once_and_the_total",
    TakesAnySize: "test_a_page_out_of_bounds_is_refused",
    ForgetsTheCursor: "test_cursors_lead_through_every_row_once",
    StreamsInATransaction: "test_stream_gives_every_row_in_order",
    SortsTheIds: "test_require_many_is_in_the_order_of_the_ids",
    TakesTheFirstForTheOnly: "test_one_is_exactly_one",
    UpdatesOneByOne: "test_update_many_is_all_or_nothing",
    DeletesWhatItFinds: "test_delete_many_is_all_or_nothing",
    CreatesBackwards: "test_create_many_is_in_the_order_of_the_data",
    DeletesAllWithoutACondition: "test_no_condition_is_refused",
    UpdatesAllRows: "test_update_where_changes_the_rows_that_meet_the_condition",
    LocksNothing: "test_a_lock_lasts_until_the_transaction_ends",
    CreatesOneByOne: "test_many_rows_are_one_round_trip",
    IgnoresTheVersionsOfMany: "test_update_many_compares_the_expected_versions",
    AsksWhereNothingIsToDo: "test_no_rows_send_nothing",
    BeginsAgainWithAnyCursor: "test_an_invalid_cursor_is_refused",
    BeginsAgainWithAnotherOwnersCursor: "test_the_cursor_of_another_owner_is_refused",
    ReturnsAnEmptyRow: "test_delete_returns_the_row_as_it_was",
    KeepsTheVersion: "test_the_version_increases_strictly",
    ReadsOnAConnectionOfItsOwn: "test_every_read_joins_the_transaction",
    GivesAbsentRowsToo: "test_get_many_has_the_rows_by_id",
    TakesOverAnotherOwnersRow: "test_upsert_touches_no_other_owners_rows",
    GetOrCreateUpdates: "test_get_or_create_changes_nothing_that_is_there",
    CreateFindsWhatIsThere: "test_create_of_a_key_that_is_taken_is_refused",
    UpsertReplaces: "test_upsert_changes_the_row_that_has_the_key",
}


class TaskContract(AsyncRepositoryContract[Task, TaskCreate, TaskUpdate]):
    examples = tuple(TaskCreate(title=title, description="as it is") for title in "abc")
    change = TaskUpdate(title="changed", completed=True)


class ShelfContract(AsyncRepositoryContract[Shelf, ShelfCreate, ShelfUpdate]):
    change = ShelfUpdate(note="changed")
    on = (col(Shelf.code),)

    @override
    async def prepare(self, session: AsyncSession, owner: str) -> Sequence[ShelfCreate]:
        return [ShelfCreate(code=code, label=f"{owner}'s {code}", note="as it is") for code in "abc"]


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
async def test_a_break_is_found(async_db: AsyncDatabase, broken: type[Any]) -> None:
    contract: Any = ShelfContract() if issubclass(broken, AsyncShelfRepository) else TaskContract()
    contract.repository = broken
    with pytest.raises((AssertionError, pytest.fail.Exception, NotFoundError)):
        await getattr(contract, BREAKS[broken])(async_db)


def test_each_break_names_a_check() -> None:
    checks = {name for name in dir(AsyncRepositoryContract) if name.startswith("test_")}
    assert set(BREAKS.values()) <= checks
    assert len(BREAKS) >= 20
