# Generated from tests/testing/_async/test_planted_breaks.py by `python -m tools.generate_sync`: edit that one.
"""The contract finds what is broken in a repository: each of these breaks one promise, and the named check fails."""

# mypy: disable-error-code="mutable-override"
# A subclass of a contract sets its attributes once, in the class.

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

import pytest
from sqlalchemy import update
from sqlmodel import Session, col
from typing_extensions import override

from backend import Change, CursorPage, Database, Lock, Order, Page, Upserted, Where
from backend.errors import InvalidCursorError, NotFoundError, StaleError
from backend.input.patch import Patch
from backend.results.cursors import Cursor
from backend.statements.conflict_targets import UniqueKey, Updates
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from backend.testing import RepositoryContract
from tests.support.models.suite import Shelf, ShelfCreate, ShelfRepository, ShelfUpdate

Version = datetime | int | None


class Tasks(TaskRepository):
    """What the broken repositories have at hand."""

    @property
    def everyone(self) -> TaskRepository:
        return TaskRepository(self.session).every_owner()


class GetsForeignRows(Tasks):
    @override
    def get(self, id: int, *, lock: Lock | None = None) -> Task | None:
        return self.everyone.get(id, lock=lock)


class ListsForeignRows(Tasks):
    @override
    def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        return self.everyone.list(*where, order_by=order_by, limit=limit, offset=offset, lock=lock)


class CountsForeignRows(Tasks):
    @override
    def count(self, *where: Where) -> int:
        return self.everyone.count(*where)


class PagesForeignRows(Tasks):
    @override
    def cursor_page(
        self, *where: Where, order_by: Order = (), cursor: Cursor = None, size: int = 20
    ) -> CursorPage[Task]:
        return self.everyone.cursor_page(*where, order_by=order_by, cursor=cursor, size=size)


class UpdatesForeignRows(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        return self.everyone.update(id, data, expected=expected)


class DeletesForeignRows(Tasks):
    @override
    def delete_many(self, ids: Iterable[int], *, progress: Any = None) -> Sequence[Task]:
        return self.everyone.delete_many(ids)


class TellsForeignFromAbsent(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        try:
            return super().update(id, data, expected=expected)
        except NotFoundError as error:
            if self.everyone.get(id) is not None:
                raise NotFoundError("that task is not yours", error.details) from None
            raise


class ReadsWithoutAScope(Tasks):
    @override
    def count(self, *where: Where) -> int:
        return super().count(*where) if "one owner" in repr(self) else self.everyone.count(*where)


class CreatesForEveryOwner(Tasks):
    @override
    def every_owner(self) -> Self:
        return self.owned_by("ada")


class TakesNoneForAnOwner(Tasks):
    @override
    def owned_by(self, owner: str) -> Self:
        return super().owned_by(owner or "nobody")


class OverwritesUnsetFields(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        return super().update(id, data.model_copy(update={"description": None}), expected=expected)


class WritesWhereNothingIsSet(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        if data.model_fields_set:
            return super().update(id, data, expected=expected)
        return self.toggle_complete(id)


class ReturnsTheRowBefore(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        return (self.with_before().update(id, data, expected=expected)).before


class SwallowsStaleVersions(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        try:
            return super().update(id, data, expected=expected)
        except StaleError:
            return super().update(id, data)


class DeletesStaleVersions(Tasks):
    @override
    def delete(self, id: int, *, expected: Version = None) -> Task:
        return super().delete(id)


class SwallowsAbsentRows(Tasks):
    @override
    def delete(self, id: int, *, expected: Version = None) -> Task:
        try:
            return super().delete(id, expected=expected)
        except NotFoundError:
            return Task(id=id, title="gone", user_id="ada")


class CommitsNothing(Tasks):
    @override
    def create(self, data: TaskCreate) -> Task:
        if self.session.in_transaction():
            return super().create(data)
        with self.session.begin() as transaction:
            row = super().create(data)
            transaction.rollback()
        return row


class CommitsByItself(Tasks):
    @override
    def delete(self, id: int, *, expected: Version = None) -> Task:
        with Session(self.session.bind) as other:
            return TaskRepository(other).every_owner().delete(id, expected=expected)


class LeavesATransactionOpen(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        began = None if self.session.in_transaction() else self.session.begin()
        row = super().update(id, data, expected=expected)
        if began is not None:
            began.commit()
        return row


class ReadsBeforeItWrites(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        self.get_one(id)
        return super().update(id, data, expected=expected)


class ReadsTwice(Tasks):
    @override
    def get_one(self, id: int, *, lock: Lock | None = None) -> Task:
        self.exists(col(Task.id) == id)
        return super().get_one(id, lock=lock)


class AttachesEntities(Tasks):
    @override
    def get_one(self, id: int, *, lock: Lock | None = None) -> Task:
        with self.session.begin():
            row = super().get_one(id, lock=lock)
            self.session.add(row)
        return row


class AcceptsInvalidData(Tasks):
    @override
    def create(self, data: TaskCreate) -> Task:
        return super().create(TaskCreate(title=getattr(data, "title", "untitled"), description=data.description))


class GetRaises(Tasks):
    @override
    def get(self, id: int, *, lock: Lock | None = None) -> Task | None:
        return self.get_one(id, lock=lock)


class ListsBackwards(Tasks):
    @override
    def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        return super().list(*where, order_by=col(Task.id).desc(), limit=limit, offset=offset, lock=lock)


class IgnoresTheOrder(Tasks):
    @override
    def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        return super().list(*where, limit=limit, offset=offset, lock=lock)


class LeavesTiesUnsorted(Tasks):
    @override
    def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        rows = super().list(*where, order_by=order_by, limit=limit, offset=offset, lock=lock)
        return rows if isinstance(order_by, tuple) else sorted(rows, key=lambda row: (row.user_id, -row.id))


class CountsOnePage(Tasks):
    @override
    def page(self, *where: Where, order_by: Order = (), page: int = 1, size: int = 20) -> Page[Task]:
        found = super().page(*where, order_by=order_by, page=page, size=size)
        return replace(found, total=len(found.items))


class TakesAnySize(Tasks):
    @override
    def page(self, *where: Where, order_by: Order = (), page: int = 1, size: int = 20) -> Page[Task]:
        return super().page(*where, order_by=order_by, page=max(page, 1), size=min(max(size, 1), 1000))


class ForgetsTheCursor(Tasks):
    @override
    def cursor_page(
        self, *where: Where, order_by: Order = (), cursor: Cursor = None, size: int = 20
    ) -> CursorPage[Task]:
        found = super().cursor_page(*where, order_by=order_by, cursor=cursor, size=size)
        return found if cursor is None else replace(found, next=None)


class StreamsInATransaction(Tasks):
    @override
    @contextmanager
    def stream(self, *where: Where, order_by: Order = (), batch: int = 1000) -> Generator[Generator[Task]]:
        with self.session.begin(), super().stream(*where, order_by=order_by, batch=batch) as rows:
            yield rows


class SortsTheIds(Tasks):
    @override
    def require_many(self, ids: Iterable[int]) -> Sequence[Task]:
        return super().require_many(sorted(ids))


class TakesTheFirstForTheOnly(Tasks):
    @override
    def one(self, *where: Where) -> Task:
        row = self.first(*where)
        return row if row is not None else super().one(*where)


class UpdatesOneByOne(Tasks):
    @override
    def update_many(
        self,
        patches: Mapping[int, TaskUpdate] | Iterable[tuple[int, TaskUpdate] | Patch[TaskUpdate, int]],
        *,
        progress: Any = None,
    ) -> Sequence[Task]:
        pairs: Any = patches
        rows: list[Task] = []
        for pair in pairs:
            rows += super().update_many([pair])
        return rows


class DeletesWhatItFinds(Tasks):
    @override
    def delete_many(self, ids: Iterable[int], *, progress: Any = None) -> Sequence[Task]:
        return super().delete_many(self.get_many(ids))


class CreatesBackwards(Tasks):
    @override
    def create_many(self, data: Iterable[TaskCreate], *, returning: Any = True, progress: Any = None) -> Any:
        return super().create_many([*data][::-1], returning=bool(returning))


class DeletesAllWithoutACondition(Tasks):
    @override
    def delete_where(self, *where: Where, all_rows: bool = False) -> int:
        return super().delete_where(*where) if where else super().delete_where(all_rows=True)


class UpdatesAllRows(Tasks):
    @override
    def update_where(self, data: TaskUpdate | Change, *where: Where, all_rows: bool = False) -> int:
        return super().update_where(data, all_rows=True)


class LocksNothing(Tasks):
    @override
    def get_one(self, id: int, *, lock: Lock | None = None) -> Task:
        return super().get_one(id)


class CreatesOneByOne(Tasks):
    @override
    def create_many(self, data: Iterable[TaskCreate], *, returning: Any = True, progress: Any = None) -> Any:
        return [self.create(one) for one in data]


class IgnoresTheVersionsOfMany(Tasks):
    @override
    def update_many(self, patches: Any, *, progress: Any = None) -> Sequence[Task]:
        pairs: Any = [(one.id, one.data) if hasattr(one, "expected") else one for one in patches]
        return super().update_many(pairs)


class AsksWhereNothingIsToDo(Tasks):
    @override
    def delete_many(self, ids: Iterable[int], *, progress: Any = None) -> Sequence[Task]:
        self.count()
        return super().delete_many(ids)


class BeginsAgainWithAnyCursor(Tasks):
    @override
    def cursor_page(
        self, *where: Where, order_by: Order = (), cursor: Cursor = None, size: int = 20
    ) -> CursorPage[Task]:
        try:
            return super().cursor_page(*where, order_by=order_by, cursor=cursor, size=size)
        except InvalidCursorError:
            return super().cursor_page(*where, order_by=order_by, size=size)


class BeginsAgainWithAnotherOwnersCursor(BeginsAgainWithAnyCursor):
    """The same, for the check of two owners."""


class ReturnsAnEmptyRow(Tasks):
    @override
    def delete(self, id: int, *, expected: Version = None) -> Task:
        row = super().delete(id, expected=expected)
        return Task(id=row.id, title="", user_id=row.user_id)


class KeepsTheVersion(Tasks):
    @override
    def update(self, id: int, data: TaskUpdate, *, expected: Version = None) -> Task:
        with self.session.begin():
            same = update(Task).where(col(Task.id) == id).values(**data.model_dump(), updated_at=col(Task.updated_at))
            self.session.exec(same)
        return self.get_one(id)


class ReadsOnAConnectionOfItsOwn(Tasks):
    @override
    def list(
        self, *where: Where, order_by: Order = (), limit: int | None = None, offset: int = 0, lock: Lock | None = None
    ) -> Sequence[Task]:
        with Session(self.session.bind) as other:
            mine = type(self)(other).owned_by("ada")
            return super(ReadsOnAConnectionOfItsOwn, mine).list(
                *where, order_by=order_by, limit=limit, offset=offset, lock=lock
            )


class GivesAbsentRowsToo(Tasks):
    @override
    def get_many(self, ids: Iterable[int]) -> dict[int, Task]:
        wanted = [*ids]
        return {id: Task(id=id, title="", user_id="ada") for id in wanted} | super().get_many(wanted)


class TakesOverAnotherOwnersRow(ShelfRepository):
    @override
    def upsert(self, data: ShelfCreate, *, on: UniqueKey, update: Updates = "set") -> Upserted[Shelf]:
        everyone = ShelfRepository(self.session).every_owner()
        everyone.update_where(ShelfUpdate(note="taken over"), col(Shelf.code) == data.code)
        return super().upsert(data, on=on, update=update)


class GetOrCreateUpdates(ShelfRepository):
    @override
    def get_or_create(self, data: ShelfCreate, *, on: UniqueKey) -> Upserted[Shelf]:
        return self.upsert(data, on=on)


class CreateFindsWhatIsThere(ShelfRepository):
    @override
    def create(self, data: ShelfCreate) -> Shelf:
        return (self.get_or_create(data, on=col(Shelf.code))).row


class UpsertReplaces(ShelfRepository):
    @override
    def upsert(self, data: ShelfCreate, *, on: UniqueKey, update: Updates = "set") -> Upserted[Shelf]:
        self.delete_where(col(Shelf.code) == data.code)
        return Upserted(self.create(data), "updated")


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


class TaskContract(RepositoryContract[Task, TaskCreate, TaskUpdate]):
    examples = tuple(TaskCreate(title=title, description="as it is") for title in "abc")
    change = TaskUpdate(title="changed", completed=True)


class ShelfContract(RepositoryContract[Shelf, ShelfCreate, ShelfUpdate]):
    change = ShelfUpdate(note="changed")
    on = (col(Shelf.code),)

    @override
    def prepare(self, session: Session, owner: str) -> Sequence[ShelfCreate]:
        return [ShelfCreate(code=code, label=f"{owner}'s {code}", note="as it is") for code in "abc"]


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_a_break_is_found(db: Database, broken: type[Any]) -> None:
    contract: Any = ShelfContract() if issubclass(broken, ShelfRepository) else TaskContract()
    contract.repository = broken
    with pytest.raises((AssertionError, pytest.fail.Exception, NotFoundError)):
        getattr(contract, BREAKS[broken])(db)


def test_each_break_names_a_check() -> None:
    checks = {name for name in dir(RepositoryContract) if name.startswith("test_")}
    assert set(BREAKS.values()) <= checks
    assert len(BREAKS) >= 20
