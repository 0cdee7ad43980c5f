"""What must not check: each line is an error in the editor. Read by mypy and pyright only, which fail if one is not."""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Integer, bindparam
from sqlmodel import Session, SQLModel, col, select

from backend import (
    Change,
    CRUDRepository,
    Database,
    Lock,
    Page,
    Patch,
    creation_time,
    generated_key,
    generated_uuid_key,
    if_given,
    number_version,
    shows,
    time_version,
    typed,
)
from backend.input.model_rules import ModelRules
from backend.input.values import ColumnValues, FieldValues
from backend.tasks import (
    AsyncTaskRepository,
    Task,
    TaskCreate,
    TaskRepository,
    TaskUpdate,
    create_task,
    get_task,
    get_tasks,
)
from tests.support.models.suite import (
    Note,
    NoteRepository,
    Shelf,
    ShelfCreate,
    ShelfRepository,
    ShelfUpdate,
    Ticket,
    TicketRepository,
)
from tests.typing.accepted import EnrolmentId, EnrolmentRepository, PairRepository


def refused(db: Database, session: Session) -> None:
    tasks = TaskRepository(session).owned_by("a")
    TaskCreate()  # type: ignore[call-arg]
    TaskCreate(title=1)  # type: ignore[arg-type]
    TaskCreate(title="x", titel="y")  # type: ignore[call-arg]
    TaskUpdate(title=None)  # type: ignore[arg-type]
    TaskUpdate(completed=None)  # type: ignore[arg-type]
    tasks.create(Task(title="x"))  # type: ignore[call-arg, arg-type]
    tasks.create({"title": "x"})  # type: ignore[arg-type]
    tasks.create(TaskUpdate(title="x"))  # type: ignore[arg-type]
    tasks.create_many(TaskCreate(title="x"))  # type: ignore[arg-type]
    tasks.create_many([TaskUpdate(title="x")])  # type: ignore[list-item]
    tasks.create_many([TaskCreate(title="x")], returning=False)[0]  # type: ignore[index]
    tasks.create_many([TaskCreate(title="x")], progress="bar")  # type: ignore[call-overload]
    tasks.update_many([TaskUpdate(title="x")])  # type: ignore[list-item]
    tasks.update_many([(TaskUpdate(title="x"), 1)])  # type: ignore[list-item]
    tasks.update_many([("1", TaskUpdate(title="x"))])  # type: ignore[list-item]
    tasks.update_many({"1": TaskUpdate(title="x")})  # type: ignore[arg-type]
    tasks.update_many([Patch("1", TaskUpdate(title="x"))])  # type: ignore[arg-type]
    tasks.update_many([Patch(1, TaskCreate(title="x"))])  # type: ignore[arg-type]
    tasks.update_many([Patch(1, TaskUpdate(), "yesterday")])  # type: ignore[arg-type]
    tasks.update_where(TaskUpdate(completed=True))  # type: ignore[call-overload]
    tasks.update_where(TaskUpdate(completed=True), all_rows=False)  # type: ignore[call-overload]
    tasks.update_where(TaskUpdate(completed=True), typed(Task.id) > 3, all_rows=True)  # type: ignore[call-overload]
    tasks.update_where(TaskCreate(title="x"), typed(Task.id) > 3)  # type: ignore[call-overload]
    tasks.delete_where()  # type: ignore[call-overload]
    tasks.delete_where(Task.id == 3)  # type: ignore[call-overload]
    tasks.delete_where_returning(all_rows=False)  # type: ignore[call-overload]
    tasks.delete_many(1)  # type: ignore[arg-type]
    tasks.delete_many(["1"])  # type: ignore[list-item]
    tasks.update(1, TaskCreate(title="x"))  # type: ignore[arg-type]
    tasks.update(1, {"title": "x"})  # type: ignore[arg-type]
    tasks.update(1, TaskUpdate(title="x"), expected="yesterday")  # type: ignore[arg-type]
    tasks.cursor_page(cursor=3)  # type: ignore[arg-type]
    tasks.cursor_page(size="20")  # type: ignore[arg-type]
    tasks.cursor_page().items.title  # type: ignore[attr-defined]
    len(tasks.cursor_page())  # type: ignore[arg-type]
    for _row in tasks.stream():  # type: ignore[attr-defined]
        pass
    tasks.get("1")  # type: ignore[arg-type]
    tasks.get(None)  # type: ignore[arg-type]
    NoteRepository(session).get(1)  # type: ignore[arg-type]
    tasks.get(1).title  # type: ignore[union-attr]
    tasks.list(Task.completed)  # type: ignore[arg-type]
    tasks.list(Task.id is None)  # type: ignore[arg-type]
    tasks.list(col(Task.title))  # type: ignore[arg-type]
    tasks.list(order_by="title")  # type: ignore[arg-type]
    tasks.list(limit="10")  # type: ignore[arg-type]
    tasks.page(col(Task.completed).is_(True), 2)  # type: ignore[arg-type]
    tasks.page(page="2")  # type: ignore[arg-type]
    tasks.page(size=None)  # type: ignore[arg-type]
    tasks.page().items.title  # type: ignore[attr-defined]
    tasks.page().items.append(tasks.get_one(1))  # type: ignore[attr-defined]
    tasks.page().items = []  # type: ignore[misc]
    tasks.page()[0]  # type: ignore[index]
    len(tasks.page())  # type: ignore[arg-type]
    wrong: Page[Note] = tasks.page()  # type: ignore[assignment]
    wrong.map(lambda note: note.titel)  # type: ignore[attr-defined]
    tasks.get_many(1)  # type: ignore[arg-type]
    tasks.get_many("1")  # type: ignore[arg-type]
    tasks.get_many(["1"])  # type: ignore[list-item]
    tasks.require_many([None])  # type: ignore[list-item]
    tasks.require_many([1]).title  # type: ignore[attr-defined]
    NoteRepository(session).get_many([1])  # type: ignore[list-item]
    tasks.list(lock=True)  # type: ignore[arg-type]
    tasks.first(lock="update")  # type: ignore[arg-type]
    tasks.owned_by(None)  # type: ignore[arg-type]
    tasks.owned_by(1)  # type: ignore[arg-type]
    TaskRepository(db)  # type: ignore[arg-type]
    AsyncTaskRepository(session)  # type: ignore[arg-type]
    create_task(session, TaskCreate(title="x"))  # type: ignore[call-arg]
    create_task(session, TaskCreate(title="x"), None)  # type: ignore[arg-type]
    get_task(session, 1, user_id=None)  # type: ignore[arg-type]
    get_tasks(session, None)  # type: ignore[arg-type]
    tasks.get(1, lock="update")  # type: ignore[arg-type]
    Lock("exclusive")  # type: ignore[arg-type]
    db.run(lambda session: session.title)  # type: ignore[attr-defined]
    db.run(TaskRepository.count)  # type: ignore[arg-type]
    db.run(get_tasks, isolation="serializable")  # type: ignore[arg-type]
    TicketRepository(session).loading("project")  # type: ignore[arg-type]
    TicketRepository(session).loading(Ticket.title)  # type: ignore[arg-type]
    TicketRepository(session).loading(Ticket.projcet)  # type: ignore[attr-defined]
    TicketRepository(session).loading((Ticket.project, "tickets"))  # type: ignore[arg-type]
    tasks.lst()  # type: ignore[attr-defined]
    col(Task.titel)  # type: ignore[attr-defined]


def refused_ids(session: Session, tasks: TaskRepository) -> None:
    enrolments, id = EnrolmentRepository(session), EnrolmentId(course=1, student=2)
    enrolments.get((1, 2))  # type: ignore[arg-type]
    enrolments.get(1)  # type: ignore[arg-type]
    enrolments.get(EnrolmentId(1))  # type: ignore[call-arg]
    enrolments.get(EnrolmentId(course=1, student="2"))  # type: ignore[arg-type]
    enrolments.get(EnrolmentId(course=1, pupil=2))  # type: ignore[call-arg]
    enrolments.get_many([(1, 2)])  # type: ignore[list-item]
    enrolments.delete(None)  # type: ignore[arg-type]
    enrolments.id_of(tasks.one())  # type: ignore[arg-type]
    enrolments.id_of(id)  # type: ignore[arg-type]
    enrolments.as_(TaskLine).id_of(id)  # type: ignore[attr-defined]
    PairRepository(session).get((1, "2"))  # type: ignore[arg-type]
    PairRepository(session).get((1, 2, 3))  # type: ignore[arg-type]
    NoteRepository(session).get(tasks.id_of(tasks.one()))  # type: ignore[arg-type]


def refused_conditions(tasks: TaskRepository, title: str | None) -> None:
    tasks.list(typed(Task.title) == 5)  # type: ignore[arg-type]
    tasks.list(typed(Task.title) == None)  # type: ignore[arg-type]  # noqa: E711
    tasks.list(typed(Task.title).eq(5))  # type: ignore[arg-type]
    tasks.list(typed(Task.description).eq(None))  # type: ignore[arg-type]
    tasks.list(typed(Task.title).eq(title))  # type: ignore[arg-type]
    tasks.list(typed(Task.title) == typed(Task.id))  # type: ignore[arg-type]
    tasks.list(typed(Task.title).eq(col(Task.id)))  # type: ignore[arg-type]
    typed(Task.titel)  # type: ignore[attr-defined]
    tasks.list(typed(Task.created_at) < "yesterday")  # type: ignore[operator]
    tasks.list(typed(Task.id).between(1, "2"))  # type: ignore[arg-type]
    tasks.list(typed(Task.title).in_("abc"))  # type: ignore[arg-type]
    tasks.list(typed(Task.title).in_(text for text in "abc"))  # type: ignore[arg-type]
    tasks.list(typed(Task.title).in_([1]))  # type: ignore[list-item]
    tasks.list(typed(Task.title).in_(["x", None]))  # type: ignore[list-item]
    tasks.list(typed(Task.title).not_in(select(Task.id)))  # type: ignore[arg-type]
    tasks.list(typed(Task.id).contains("x"))  # type: ignore[misc]
    tasks.list(typed(Task.title).contains(5))  # type: ignore[arg-type]
    tasks.list(typed(Task.title).starts_with(title))  # type: ignore[arg-type]
    tasks.list(typed(Task.title).is_true())  # type: ignore[misc]
    tasks.list(order_by=typed(Task.id) + "x")  # type: ignore[operator]
    tasks.list(order_by=typed(Task.created_at) + 1)  # type: ignore[operator]
    tasks.list((typed(Task.title) == "x") & (Task.id is None))  # type: ignore[operator]
    tasks.list(typed(Task.completed))  # type: ignore[arg-type]
    tasks.list((typed(Task.title) == "x") is None)  # type: ignore[arg-type]
    tasks.list(None)  # type: ignore[arg-type]
    tasks.list(if_given(title, typed(Task.title).contains))  # type: ignore[arg-type]
    tasks.list(*if_given(title, typed(Task.id).eq))  # type: ignore[arg-type]


def refused_with_before(shelves: ShelfRepository, data: ShelfCreate) -> None:
    shelves.upsert(data, on=col(Shelf.code)).before  # type: ignore[attr-defined]
    shelves.with_before().create(data)  # type: ignore[attr-defined]
    shelves.with_before().update(1, data)  # type: ignore[arg-type]
    shelves.with_before().update(1, ShelfUpdate()).note  # type: ignore[attr-defined]
    shelves.with_before().upsert(data, on=col(Shelf.code)).before.note  # type: ignore[union-attr]


def refused_upserts(shelves: ShelfRepository, data: ShelfCreate) -> None:
    shelves.upsert(data)  # type: ignore[call-arg]
    shelves.upsert(data, on="code")  # type: ignore[arg-type]
    shelves.upsert(data, on=col(Shelf.coed))  # type: ignore[attr-defined]
    shelves.upsert(data, on=[col(Shelf.code)])  # type: ignore[arg-type]
    shelves.upsert(data, on=Shelf.code)  # type: ignore[arg-type]
    shelves.upsert(data, on=col(Shelf.code), update="all")  # type: ignore[arg-type]
    shelves.upsert(data, on=col(Shelf.code), update=["note"])  # type: ignore[arg-type]
    shelves.upsert(ShelfUpdate(note="x"), on=col(Shelf.code))  # type: ignore[arg-type]
    shelves.upsert(data, on=col(Shelf.code)).code  # type: ignore[attr-defined]
    _row, _inserted = shelves.upsert(data, on=col(Shelf.code))  # type: ignore[misc]
    shelves.upsert_many(data, on=col(Shelf.code))  # type: ignore[arg-type]
    shelves.upsert_many([data])  # type: ignore[call-arg]
    shelves.upsert_many([data], on=col(Shelf.code))[0].label  # type: ignore[attr-defined]
    shelves.get_or_create(data)  # type: ignore[call-arg]
    shelves.get_or_create(data, on=col(Shelf.code), update="set")  # type: ignore[call-arg]
    shelves.get_or_create({"code": "x"}, on=col(Shelf.code))  # type: ignore[arg-type]


def refused_changes(title: str | None) -> None:
    Change(typed(Task.completed).to("yes"))  # type: ignore[arg-type]
    Change(typed(Task.title).to(5))  # type: ignore[arg-type]
    Change(typed(Task.title).to(None))  # type: ignore[arg-type]
    Change(typed(Task.description).to(None))  # type: ignore[arg-type]
    Change(typed(Task.title).to(title))  # type: ignore[arg-type]
    Change(typed(Task.title).to(typed(Task.id)))  # type: ignore[arg-type]
    Change(typed(Task.title).to(typed(Task.completed)))  # type: ignore[arg-type]
    Change(typed(Task.title).to(col(Task.id)))  # type: ignore[arg-type]
    Change(typed(Task.title).to(~typed(Task.completed)))  # type: ignore[arg-type]
    Change(typed(Task.title).to(bindparam("new", type_=Integer())))  # type: ignore[arg-type]
    Change(typed(Task.title).to(typed(Task.title) + 1))  # type: ignore[operator]
    Change(typed(Task.titel).to("x"))  # type: ignore[attr-defined]
    Change((typed(Task.id) + 1).to(2))  # type: ignore[attr-defined]
    Change(typed(Task.description).to_null("x"))  # type: ignore[call-arg]
    Change(~typed(Task.title))  # type: ignore[misc, arg-type]
    Change({col(Task.completed): True})  # type: ignore[arg-type]
    Change(typed(Task.completed) == True)  # type: ignore[arg-type]  # noqa: E712
    Change(typed(Task.completed).to(True), typed(Task.id) > 3)  # type: ignore[arg-type]
    Change(typed(Task.completed).to(True), where=Task.completed)  # type: ignore[arg-type]
    Change(typed(Task.completed).to(True), where=[typed(Task.id) > 3])  # type: ignore[arg-type]


class TaskLine(BaseModel):
    id: int
    name: str = shows(Task.title)


class WrongLine(BaseModel):
    name: int = shows(Task.title)  # type: ignore[assignment]
    about: str = shows(Task.description)  # type: ignore[assignment]
    titel: str = shows(Task.titel)  # type: ignore[attr-defined]


def refused_views(session: Session) -> None:
    tasks = TaskRepository(session).owned_by("a")
    tasks.as_(TaskLine).create(TaskCreate(title="x"))  # type: ignore[attr-defined]
    tasks.as_(TaskLine).as_(TaskLine)  # type: ignore[attr-defined]
    tasks.as_(TaskLine(id=1, name="x"))  # type: ignore[arg-type]
    tasks.as_(dict)  # type: ignore[type-var]
    tasks.as_(TaskLine).get_one(1).title  # type: ignore[attr-defined]
    tasks.as_(TaskLine).get("1")  # type: ignore[arg-type]


def refused_values(rules: ModelRules, by_field: FieldValues, by_column: ColumnValues) -> None:
    rules.validate_fields(by_column)  # type: ignore[arg-type]
    rules.validate_fields({"title": "x"})  # type: ignore[arg-type]
    _columns: ColumnValues = rules.validate_fields(by_field)  # type: ignore[assignment]


class OwnerByName(CRUDRepository[Task, TaskCreate, TaskUpdate], owner="user_id"): ...  # type: ignore[arg-type]


class SharedWithoutTuple(CRUDRepository[Task, TaskCreate, TaskUpdate], shared_keys=col(Task.id)): ...  # type: ignore[arg-type]


class WrongColumns(SQLModel):
    id: str = generated_key()  # type: ignore[assignment]
    other: int = generated_uuid_key()  # type: ignore[assignment]
    made: str = creation_time()  # type: ignore[assignment]
    revision: datetime = number_version()  # type: ignore[assignment]
    changed: int = time_version()  # type: ignore[assignment]
    edited: datetime = time_version(1)  # type: ignore[arg-type]


class NoSchema(CRUDRepository[Task, dict[str, str], TaskUpdate]): ...  # type: ignore[type-var]


class NoTable(CRUDRepository[int, TaskCreate, TaskUpdate]): ...  # type: ignore[type-var]
