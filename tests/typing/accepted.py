"""What must check, with the types that a caller sees. Read by mypy and pyright only; never run."""

from collections.abc import AsyncGenerator, Generator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple, assert_type
from uuid import UUID

from pydantic import MISSING, BaseModel
from sqlalchemy import ColumnElement, Integer, Row, Text, bindparam, func, not_
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import (
    LAST_PAGE,
    AsyncCRUDRepository,
    AsyncDatabase,
    AsyncReads,
    Change,
    Condition,
    CRUDRepository,
    CursorPage,
    Database,
    Lock,
    Order,
    Page,
    Patch,
    Reads,
    Retry,
    Updated,
    Upserted,
    UpsertedWithBefore,
    Where,
    WithBefore,
    creation_time,
    generated_key,
    generated_uuid_key,
    if_given,
    init_db,
    number_version,
    shows,
    time_version,
    typed,
)
from backend.statements.assignments import Assignment
from backend.statements.typed import Typed, TypedColumn
from backend.tasks import (
    AsyncTaskRepository,
    Task,
    TaskCreate,
    TaskRepository,
    TaskUpdate,
    create_task,
    get_task,
    get_tasks,
    toggle_complete,
    update_task,
)
from tests.support.models.suite import (
    AsyncShelfRepository,
    Badge,
    Note,
    NoteRepository,
    Project,
    Shelf,
    ShelfCreate,
    ShelfRepository,
    ShelfUpdate,
    Ticket,
    TicketRepository,
)

OPEN = typed(Ticket.assignee).is_null()
"""A reusable condition."""


class Tickets(TicketRepository):
    def old(self, day: date) -> Sequence[Ticket]:
        return self.list(OPEN & (typed(Ticket.opened_on) < day))


def conditions(session: Session, tasks: TaskRepository, title: str | None, titles: list[str] | None) -> None:
    tickets = Tickets(session).owned_by("a")
    assert_type(typed(Ticket.title), TypedColumn[str])
    assert_type(typed(Ticket.assignee), TypedColumn[str])  # a nullable column
    assert_type(typed(Ticket.title) == "x", Condition)
    assert_type(typed(Ticket.title).eq("x"), Condition)
    assert_type(typed(Ticket.id) >= 3, Condition)
    assert_type(OPEN | ~(typed(Ticket.title) == "x"), Condition)
    tickets.list(typed(Ticket.title) == "x", typed(Ticket.assignee).is_not_null(), OPEN)
    tickets.list(typed(Ticket.title).in_(["a", "b"]), typed(Ticket.id).in_({1, 2}), typed(Ticket.id).not_in((1,)))
    tickets.list(typed(Ticket.title).contains("50%", ignore_case=True), typed(Ticket.id).between(1, 9))
    tickets.list(typed(Ticket.opened_on) < date.max, typed(Ticket.opened_on) != typed(Ticket.opened_on))
    tickets.list(typed(Ticket.opened_on) < func.current_date(), typed(Ticket.title) == bindparam("title", type_=Text()))
    tickets.list(OPEN & (func.length(col(Ticket.title)) > 3), (col(Ticket.id) > 3) | OPEN)
    tickets.list(typed(Ticket.project_id).in_(select(Project.id).where(typed(Project.name) == "x")))
    tickets.list(typed(Ticket.project_id).in_(select(Badge.project_id)))  # a nullable column
    tickets.list(order_by=[typed(Ticket.opened_on).desc().nulls_last(), typed(Ticket.id).asc(), col(Ticket.title)])
    tickets.list(order_by=typed(Ticket.title))
    wanted: list[Condition | ColumnElement[bool]] = [OPEN, col(Ticket.id) > 3]
    tickets.list(*wanted)
    tickets.list(*if_given(title, typed(Ticket.title).contains), *if_given(titles, typed(Ticket.title).in_))
    tickets.list(*if_given(title, lambda text: typed(Ticket.title) >= text))
    assert_type(tickets.old(date.max), Sequence[Ticket])
    tasks.count(typed(Task.completed).is_true(), typed(Task.completed) == True)  # noqa: E712
    assert_type(typed(Ticket.id) + 1, Typed[int])
    assert_type(typed(Ticket.title) + "x", Typed[str])
    assert_type(typed(Task.updated_at) - timedelta(1), Typed[datetime])
    assert_type(typed(Task.updated_at) - typed(Task.created_at), Typed[timedelta])
    assert_type(~typed(Task.completed), Condition)
    select(Task).where(typed(Task.title) == "x", typed(Task.updated_at) - datetime.now(UTC) > timedelta(1))


def upserts(shelves: ShelfRepository, data: list[ShelfCreate]) -> None:
    made = shelves.upsert(ShelfCreate(code="x"), on=col(Shelf.code))
    assert_type(made, Upserted[Shelf])
    assert_type(made.row.label, str | None)
    assert_type(made.inserted, bool)
    assert_type(made.outcome, Literal["inserted", "updated", "unchanged"])
    match made:
        case Upserted(row, "updated"):
            assert_type(row, Shelf)
        case _:
            pass
    key = (col(Shelf.code), col(Shelf.owner_id))
    shelves.upsert(ShelfCreate(code="x"), on=key, update="nothing")
    shelves.upsert(ShelfCreate(code="x"), on=col(Shelf.label), update=(col(Shelf.note), col(Shelf.code)))
    assert_type(shelves.upsert_many(data, on=key, update=col(Shelf.note), progress=print), Sequence[Upserted[Shelf]])
    shelves.upsert_many((ShelfCreate(code=one) for one in "ab"), on=key, update="set")
    assert_type(shelves.get_or_create(ShelfCreate(code="x"), on=key), Upserted[Shelf])


def with_before(shelves: ShelfRepository, data: ShelfCreate) -> None:
    changing = shelves.with_before()
    assert_type(changing, WithBefore[Shelf, ShelfCreate, ShelfUpdate, int])
    changed = changing.update(1, ShelfUpdate(note="x"), expected=3)
    assert_type(changed, Updated[Shelf])
    assert_type((changed.before, changed.row), tuple[Shelf, Shelf])
    assert_type(changing.update_many({1: ShelfUpdate(note="x")}), Sequence[Updated[Shelf]])
    upserted = changing.upsert(data, on=col(Shelf.code), update="nothing")
    assert_type(upserted, UpsertedWithBefore[Shelf])
    assert_type(upserted.before, Shelf | None)
    plain: Upserted[Shelf] = upserted
    assert_type(plain.row, Shelf)
    assert_type(changing.upsert_many([data], on=col(Shelf.code)), Sequence[UpsertedWithBefore[Shelf]])


async def asynchronous_upserts(shelves: AsyncShelfRepository, data: ShelfCreate) -> None:
    assert_type(await shelves.upsert(data, on=col(Shelf.code)), Upserted[Shelf])
    assert_type(await shelves.upsert_many([data], on=col(Shelf.code)), Sequence[Upserted[Shelf]])
    assert_type((await shelves.get_or_create(data, on=col(Shelf.code))).row, Shelf)
    assert_type(await shelves.with_before().upsert(data, on=col(Shelf.code)), UpsertedWithBefore[Shelf])


def changes() -> None:
    assert_type(typed(Ticket.title).to("x"), Assignment)
    assert_type(typed(Ticket.assignee).to_null(), Assignment)
    Change(typed(Task.completed).to(True), typed(Task.title).to(typed(Task.title) + "!"), where=typed(Task.id) > 3)
    Change(typed(Task.completed).to(~typed(Task.completed)), where=col(Task.title).is_not(None) & OPEN)
    Change(typed(Task.completed).to(not_(col(Task.completed))))
    Change(typed(Task.completed).to(~col(Task.completed)))
    Change(typed(Task.completed).to(typed(Task.title) == "x"), typed(Task.title).to(func.upper(col(Task.title))))
    Change(typed(Ticket.assignee).to("x"), typed(Ticket.assignee).to(typed(Ticket.title)))  # a nullable column
    Change(typed(Ticket.title).to(bindparam("new")), typed(Task.completed).to(bindparam("done")))
    Change(typed(Ticket.id).to(typed(Ticket.id) + bindparam("more")))
    Change(typed(Ticket.id).to(typed(Ticket.id) + bindparam("more", type_=Integer())))
    Change(typed(Ticket.title).to(select(Project.name).scalar_subquery()), where=None)
    Change(*[typed(Task.title).to("x")])


def synchronous(db: Database) -> None:
    init_db(db)
    with db.session() as session:
        assert_type(session, Session)
        tasks = TaskRepository(session).every_owner()
        assert_type(tasks.owned_by("a"), TaskRepository)
        assert_type(tasks.create(TaskCreate(title="x")), Task)
        assert_type(tasks.create(TaskCreate(title="x")).id, int)
        assert_type(tasks.create_many([TaskCreate(title="x")]), Sequence[Task])
        assert_type(tasks.create_many((TaskCreate(title=one) for one in "ab"), returning=False, progress=print), int)
        assert_type(tasks.update_many({1: TaskUpdate(title="x"), 2: TaskUpdate(completed=True)}), Sequence[Task])
        assert_type(tasks.update_many([(1, TaskUpdate()), (2, TaskUpdate())], progress=print), Sequence[Task])
        assert_type(tasks.update_many([Patch(1, TaskUpdate(), tasks.get_one(1).updated_at)]), Sequence[Task])
        assert_type(tasks.update_where(TaskUpdate(completed=True), typed(Task.title) == "x", col(Task.id) > 3), int)
        assert_type(tasks.update_where(Change(typed(Task.completed).to(True)), all_rows=True), int)
        assert_type(tasks.update_where_returning(TaskUpdate(title="x"), typed(Task.id) > 3), Sequence[Task])
        assert_type(tasks.delete_where(typed(Task.completed).is_true()), int)
        assert_type(tasks.delete_where_returning(all_rows=True), Sequence[Task])
        assert_type(tasks.delete_many([1, 2]), Sequence[Task])
        assert_type(tasks.delete_many(row.id for row in tasks.list()), Sequence[Task])
        assert_type(tasks.get(1), Task | None)
        assert_type(tasks.get_one(1), Task)
        assert_type(tasks.update(1, TaskUpdate(title="y"), expected=tasks.get_one(1).updated_at), Task)
        assert_type(tasks.delete(1), Task)
        assert_type(tasks.list(col(Task.completed).is_(True), order_by=col(Task.title).desc()), Sequence[Task])
        assert_type(tasks.first(order_by=[col(Task.title), col(Task.id).desc()]), Task | None)
        assert_type(tasks.get_many([1, 2]), dict[int, Task])
        assert_type(tasks.get_many(task.id for task in tasks.list()), dict[int, Task])
        assert_type(tasks.require_many({1, 2}), Sequence[Task])
        page = tasks.page(col(Task.completed).is_(True), order_by=col(Task.title), page=2, size=50)
        assert_type(page, Page[Task])
        assert_type(page.items, Sequence[Task])
        assert_type(page.map(lambda task: task.title), Page[str])
        assert_type([task.title for task in page], list[str])
        assert_type((page.total, page.page, page.size, page.pages), tuple[int, int, int, int])
        wider: Page[SQLModel] = page
        assert_type(wider.has_next or wider.has_previous, bool)
        assert_type(tasks.one(col(Task.title).like("x%")), Task)
        by_title = [typed(Task.title).desc().nulls_last(), typed(Task.id)]
        assert_type(tasks.list(order_by=by_title), Sequence[Task])
        either = typed(Task.title).desc() if tasks.count() else typed(Task.title)
        assert_type(tasks.first(order_by=either), Task | None)
        mixed: Order = [col(Task.title), typed(Task.id).desc()]
        wanted: list[Where] = [typed(Task.completed).is_true(), col(Task.id) > 1]
        assert_type(tasks.list(*wanted, order_by=mixed), Sequence[Task])
        walked = tasks.cursor_page(order_by=col(Task.title), size=10)
        assert_type(walked, CursorPage[Task])
        assert_type(tasks.cursor_page(cursor=walked.next), CursorPage[Task])
        assert_type(tasks.cursor_page(cursor=LAST_PAGE).previous, str | None)
        assert_type([task.title for task in walked], list[str])
        assert_type(walked.map(lambda task: task.title), CursorPage[str])
        any_rows: CursorPage[SQLModel] = walked
        assert_type([row.model_fields_set for row in any_rows], list[set[str]])
        with tasks.stream(col(Task.completed).is_(True), batch=10) as rows:
            assert_type(rows, Generator[Task])
            assert_type([row.title for row in rows], list[str])
        assert_type(tasks.count(), int)
        assert_type(tasks.exists(), bool)
        assert_type(tasks.toggle_complete(1), Task)
    with db.transaction() as session:
        assert_type(session, Session)
        assert_type(TaskRepository(session).every_owner().get(1, lock=Lock("share", "nowait")), Task | None)
        jobs = TaskRepository(session).owned_by("a")
        assert_type(jobs.list(limit=10, lock=Lock(if_locked="skip")), Sequence[Task])
        assert_type(jobs.first(lock=Lock()), Task | None)
    assert_type(db.run(lambda session: TaskRepository(session).every_owner().count(), isolation="SERIALIZABLE"), int)
    assert_type(db.run(lambda session: create_task(session, TaskCreate(title="x"), "a"), retry=Retry(attempts=3)), Task)


async def asynchronous(db: AsyncDatabase) -> None:
    await init_db(db)
    async with db.session() as session:
        tasks = AsyncTaskRepository(session).owned_by("a")
        assert_type(tasks, AsyncTaskRepository)
        assert_type(await tasks.create(TaskCreate(title="x")), Task)
        assert_type(await tasks.create_many([TaskCreate(title="x")]), Sequence[Task])
        assert_type(await tasks.create_many({1: TaskCreate(title="x")}.values(), returning=False), int)
        assert_type(await tasks.update_many([(1, TaskUpdate()), (2, TaskUpdate())]), Sequence[Task])
        assert_type(await tasks.update_where(TaskUpdate(title="x"), typed(Task.id) > 3), int)
        assert_type(await tasks.delete_where_returning(typed(Task.id) > 3), Sequence[Task])
        assert_type(await tasks.delete_many({1, 2}), Sequence[Task])
        assert_type(await tasks.get(1), Task | None)
        assert_type(await tasks.list(), Sequence[Task])
        assert_type(await tasks.cursor_page(cursor=LAST_PAGE), CursorPage[Task])
        async with tasks.stream() as rows:
            assert_type(rows, AsyncGenerator[Task])
            assert_type([row.title async for row in rows], list[str])
        assert_type(await tasks.page(), Page[Task])
        assert_type(await tasks.get_many([1]), dict[int, Task])
        assert_type(await tasks.require_many([1]), Sequence[Task])
        assert_type(await tasks.toggle_complete(1), Task)

    async def work(session: AsyncSession) -> Task:
        return await AsyncTaskRepository(session).every_owner().get_one(1, lock=Lock())

    assert_type(await db.run(work), Task)


class TaskLine(BaseModel):
    id: int
    name: str = shows(Task.title)
    about: str | None = shows(Task.description)
    length: int = shows(func.length(col(Task.title)))
    shown: str = shows(col(Task.title))


def read_lines(rows: Reads[TaskLine, int]) -> Sequence[str]:
    return [line.name for line in rows.list()]


def views(session: Session) -> None:
    tasks = TaskRepository(session).owned_by("a")
    assert_type(tasks.as_(TaskLine), Reads[TaskLine, int])
    assert_type(tasks.as_(TaskLine).get(1), TaskLine | None)
    assert_type(tasks.as_(TaskLine).get_one(1).about, str | None)
    assert_type(tasks.as_(TaskLine).list(col(Task.completed).is_(True)), Sequence[TaskLine])
    assert_type(tasks.as_(TaskLine).count(), int)
    read_lines(tasks.as_(TaskLine))


class Leaf(SQLModel, table=True):
    id: UUID = generated_uuid_key()
    number: int = generated_key()
    made: datetime = creation_time()
    revision: int = number_version()
    changed: datetime = time_version("changed")


class LeafRepository(CRUDRepository[Leaf, BaseModel, BaseModel, UUID], version=col(Leaf.changed)): ...


def columns() -> None:
    leaf = Leaf()  # the database fills them
    assert_type(leaf.id, UUID)
    assert_type(leaf.number, int)
    assert_type(leaf.made, datetime)
    assert_type(Leaf(number=3).revision, int)
    assert_type(typed(Leaf.changed), TypedColumn[datetime])


class Enrolment(SQLModel, table=True):
    course: int = Field(primary_key=True)
    student: int = Field(primary_key=True)
    grade: int | None = None


class EnrolmentId(NamedTuple):
    student: int
    course: int


class EnrolmentCreate(BaseModel):
    course: int
    student: int


class EnrolmentUpdate(BaseModel):
    grade: int | MISSING | None = MISSING


class EnrolmentRepository(CRUDRepository[Enrolment, EnrolmentCreate, EnrolmentUpdate, EnrolmentId]): ...


class AsyncEnrolmentRepository(AsyncCRUDRepository[Enrolment, EnrolmentCreate, EnrolmentUpdate, EnrolmentId]): ...


class PairRepository(CRUDRepository[Enrolment, EnrolmentCreate, EnrolmentUpdate, tuple[int, int]]):
    """Refused when it is run: the parts could be swapped unnoticed."""


def keys(session: Session) -> None:
    enrolments, id = EnrolmentRepository(session), EnrolmentId(course=1, student=2)
    assert_type(enrolments.get(id), Enrolment | None)
    assert_type(enrolments.id_of(enrolments.get_one(id)), EnrolmentId)
    assert_type(enrolments.get_many([id]), dict[EnrolmentId, Enrolment])
    assert_type(enrolments.update(id, EnrolmentUpdate(grade=1)), Enrolment)
    assert_type(enrolments.require_many(map(enrolments.id_of, enrolments.list())), Sequence[Enrolment])
    assert_type(PairRepository(session).get((1, 2)), Enrolment | None)
    assert_type(PairRepository(session).get(id), Enrolment | None)  # a NamedTuple is a tuple
    assert_type(PairRepository(session).id_of(enrolments.get_one(id)), tuple[int, int])
    assert_type(TaskRepository(session).id_of(TaskRepository(session).get_one(1)), int)
    assert_type(NoteRepository(session).id_of(NoteRepository(session).one()), UUID)


async def asynchronous_keys(session: AsyncSession) -> None:
    enrolments = AsyncEnrolmentRepository(session)
    assert_type(enrolments.id_of(await enrolments.one()), EnrolmentId)


async def asynchronous_views(session: AsyncSession) -> None:
    lines = AsyncTaskRepository(session).owned_by("a").as_(TaskLine)
    assert_type(lines, AsyncReads[TaskLine, int])
    assert_type(await lines.list(), Sequence[TaskLine])


def functions(session: Session) -> None:
    assert_type(create_task(session, TaskCreate(title="x"), "a"), Task)
    assert_type(get_task(session, 1), Task | None)
    assert_type(get_tasks(session, user_id="a"), Sequence[Task])
    assert_type(update_task(session, 1, TaskUpdate(completed=True), user_id="a"), Task)
    assert_type(toggle_complete(session, 1), Task)


def other_keys(session: Session, id: UUID) -> None:
    assert_type(NoteRepository(session).get(id), Note | None)


def for_subclasses(session: Session) -> None:
    tickets = TicketRepository(session)
    assert_type(tickets.open_count_by_day(), Sequence[Row[date, int]])
    assert_type(tickets.session, Session)
    assert_type(tickets.session.exec(select(Task)).all(), Sequence[Task])


async def for_async_subclasses(session: AsyncSession) -> None:
    tasks = AsyncTaskRepository(session)
    assert_type(tasks.session, AsyncSession)
    assert_type((await tasks.session.exec(select(Task))).all(), Sequence[Task])


class Reports(TaskRepository):
    def longest(self) -> None:
        assert_type(self._scalar(self._select(func.count())), int | None)
        assert_type(self._all(self._select(col(Task.title), col(Task.completed))), Sequence[Row[str, bool]])
        assert_type(self._one_or_none(self._select(col(Task.id))), Row[int] | None)


def loads(session: Session) -> None:
    tickets = TicketRepository(session).owned_by("a").loading(Ticket.project)
    assert_type(tickets, TicketRepository)
    assert_type(tickets.open_count(), int | None)
    assert_type(tickets.get_one(1).project.name, str)
    assert_type(tickets.loading((Ticket.project, Project.tickets)).list(), Sequence[Ticket])
