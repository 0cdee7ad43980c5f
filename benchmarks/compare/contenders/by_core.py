"""SQLAlchemy Core by hand: statements built once with bound parameters, on AUTOCOMMIT connections."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    String,
    bindparam,
    column,
    create_engine,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from backend.tasks import Task, TaskCreate
from benchmarks.compare.calls import BATCH, OWNER, PAGE, PAGE_NUMBER, Call, Contender, Ids, Target
from benchmarks.compare.models import Label, TaskView

_Made: TypeAlias = Callable[[Connection, Ids], object]

_NAMES, _VIEW_NAMES, _LABEL_NAMES = tuple(Task.model_fields), tuple(TaskView.model_fields), tuple(Label.model_fields)
_TASKS = TypeAdapter(list[TaskCreate])


@contextmanager
def on_open_connection(target: Target) -> Generator[Contender]:
    """Make the calls on a connection that stays open."""
    engine = engine_of(target)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        calls = {**_calls(target), **_with_transactions(engine)}

        def call(made: _Made) -> Call:
            return lambda ids: made(connection, ids)

        yield Contender({name: call(made) for name, made in calls.items()}, is_concurrent=False)
    engine.dispose()


@contextmanager
def from_pool(target: Target) -> Generator[Contender]:
    """Take a connection from the pool for each call."""
    engine = engine_of(target)
    calls = {**_calls(target), **_with_transactions(engine)}

    def call(made: _Made) -> Call:
        def one(ids: Ids) -> object:
            with engine.connect() as connection:
                return made(connection.execution_options(isolation_level="AUTOCOMMIT"), ids)

        return one

    yield Contender({name: call(made) for name, made in calls.items()})
    engine.dispose()


def engine_of(target: Target) -> Engine:
    """Return an engine with a pool of ten connections, as every contender with a pool has it."""
    return create_engine(
        target.url, pool_size=10, max_overflow=0, connect_args={"prepare_threshold": target.prepare_threshold}
    )


def _calls(target: Target) -> Mapping[str, _Made]:
    return {**_of_one(), **_of_lists(target), **_of_many()}


def _of_one() -> Mapping[str, _Made]:
    table, labels = Task.metadata.tables["task"], Label.metadata.tables["label"]
    row = (table.c.id == bindparam("id_is"), table.c.user_id == bindparam("owner_is"))
    get = select(*table.c).where(*row)
    change = update(table).where(*row).returning(*table.c)
    toggle = change.values(completed=~table.c.completed)
    remove = delete(table).where(*row).returning(*table.c)
    is_there = select(exists().where(*row))
    create = insert(table).returning(*table.c)
    new = insert_or_update(labels)
    upsert = new.on_conflict_do_update(
        index_elements=[labels.c.user_id, labels.c.name], set_={"colour": new.excluded.colour}
    ).returning(*labels.c, literal_column("xmax::text = '0'"))
    values = {"title": "Buy groceries", "completed": False, "user_id": OWNER}

    def of(ids: Ids) -> dict[str, object]:
        return {"id_is": ids[0], "owner_is": OWNER}

    def label(ids: Ids) -> dict[str, object]:
        return {"user_id": OWNER, "name": f"label {ids[0]}", "colour": "green"}

    return {
        "create": lambda connection, _: _task(connection.execute(create, values).one()),
        "get": lambda connection, ids: _task(connection.execute(get, of(ids)).one()),
        "update": lambda connection, ids: _task(connection.execute(change, {**of(ids), "title": "Buy food"}).one()),
        "toggle": lambda connection, ids: _task(connection.execute(toggle, of(ids)).one()),
        "delete": lambda connection, ids: _task(connection.execute(remove, of(ids)).one()),
        "exists": lambda connection, ids: connection.execute(is_there, of(ids)).scalar_one(),
        "upsert": lambda connection, ids: _label(connection.execute(upsert, label(ids)).one()),
    }


def _of_lists(target: Target) -> Mapping[str, _Made]:
    table = Task.metadata.tables["task"]
    mine = table.c.user_id == bindparam("owner_is")
    every = select(*table.c).where(mine).order_by(table.c.id).limit(bindparam("size"))
    view = select(table.c.id, table.c.title, table.c.completed).where(mine).order_by(table.c.id)
    view = view.limit(bindparam("size"))
    after = every.where(table.c.id > bindparam("after"))
    page = select(*table.c).where(mine).order_by(table.c.id).limit(PAGE).offset(PAGE * (PAGE_NUMBER - 1)).subquery()
    total = select(func.count().label("total")).select_from(table).where(mine).subquery()
    paged = select(page, total.c.total).select_from(total.outerjoin(page, total.c.total >= 0)).order_by(page.c.id)
    ids_are = bindparam("ids", type_=ARRAY(BigInteger))
    several = select(*table.c).where(table.c.id == func.any(ids_are), mine)

    def listed(connection: Connection, statement: Any, **parameters: object) -> Sequence[object]:
        return [_task(row) for row in connection.execute(statement, {"owner_is": OWNER, **parameters})]

    def viewed(connection: Connection, size: int) -> Sequence[object]:
        found = connection.execute(view, {"owner_is": OWNER, "size": size})
        return [TaskView.model_construct(None, **dict(zip(_VIEW_NAMES, row, strict=True))) for row in found]

    return {
        "first": lambda connection, _: listed(connection, every, size=1)[0],
        "list of 20": lambda connection, _: listed(connection, every, size=20),
        "list of 100": lambda connection, _: listed(connection, every, size=100),
        "view of 20": lambda connection, _: viewed(connection, 20),
        "view of 100": lambda connection, _: viewed(connection, 100),
        "page": lambda connection, _: [_task(row[:-1]) for row in connection.execute(paged, {"owner_is": OWNER})],
        "cursor page, first": lambda connection, _: listed(connection, every, size=PAGE + 1)[:PAGE],
        "cursor page, deep": lambda connection, _: listed(connection, after, size=PAGE + 1, after=target.deep_id)[
            :PAGE
        ],
        "get_many of 100": lambda connection, ids: listed(connection, several, ids=list(ids)),
    }


def _of_many() -> Mapping[str, _Made]:
    table, labels = Task.metadata.tables["task"], Label.metadata.tables["label"]
    ids, names = bindparam("ids", type_=ARRAY(BigInteger)), bindparam("names", type_=ARRAY(String))
    new = func.unnest(ids, names).table_valued(column("id", BigInteger), column("title", String)).render_derived("new")
    change = update(table).where(table.c.id == new.c.id, table.c.user_id == OWNER)
    change = change.values(title=new.c.title).returning(*table.c)
    remove = delete(table).where(table.c.id == func.any(ids), table.c.user_id == OWNER).returning(*table.c)
    title = func.unnest(names).table_valued("title", with_ordinality="n").render_derived("new")
    create = insert(table).from_select(
        ["title", "user_id"], select(title.c.title, bindparam("owner_is", OWNER, String)).order_by(title.c.n)
    )
    create = create.returning(*table.c)
    one = func.unnest(names).table_valued("name").render_derived("new")
    named = select(bindparam("owner_is", OWNER, String), one.c.name, bindparam("colour_is", "green", String))
    upsert = insert_or_update(labels).from_select(["user_id", "name", "colour"], named)
    upserted = upsert.on_conflict_do_update(
        index_elements=[labels.c.user_id, labels.c.name], set_={"colour": upsert.excluded.colour}
    ).returning(*labels.c, literal_column("xmax::text = '0'"))

    def tasks(connection: Connection, statement: Any, **parameters: object) -> Sequence[object]:
        return [_task(row) for row in connection.execute(statement, parameters)]

    def created(connection: Connection, ids: Ids) -> Sequence[object]:
        valid = _TASKS.validate_python([{"title": f"Buy food for {id}"} for id in ids])
        return tasks(connection, create, names=[task.title for task in valid])

    return {
        "create_many": created,
        "update_many": lambda connection, ids: tasks(
            connection, change, ids=list(ids), names=[f"Buy food for {id}" for id in ids]
        ),
        "upsert_many": lambda connection, ids: [
            _label(row) for row in connection.execute(upserted, {"names": [f"label {id}" for id in ids]})
        ],
        "delete_many": lambda connection, ids: tasks(connection, remove, ids=list(ids)),
    }


def _with_transactions(engine: Engine) -> Mapping[str, _Made]:
    table = Task.metadata.tables["task"]
    row = (table.c.id == bindparam("id_is"), table.c.user_id == bindparam("owner_is"))
    change = update(table).where(*row).returning(*table.c)
    create = insert(table).returning(*table.c)
    every = select(*table.c).order_by(table.c.id)

    def transaction(_: Connection, ids: Ids) -> None:
        with engine.begin() as connection:
            for id in ids[:5]:
                _task(connection.execute(change, {"id_is": id, "owner_is": OWNER, "title": "Buy food"}).one())
            for _id in ids[5:]:
                _task(
                    connection.execute(create, {"title": "Buy groceries", "completed": False, "user_id": OWNER}).one()
                )

    def stream(_: Connection, __: Ids) -> int:
        number = 0
        with engine.connect() as connection:
            for row in connection.execution_options(yield_per=BATCH).execute(every):
                _task(row)
                number += 1
        return number

    return {"transaction of ten writes": transaction, "stream": stream}


def _task(row: Sequence[object]) -> Task:
    return Task.model_construct(None, **dict(zip(_NAMES, row, strict=True)))


def _label(row: Sequence[object]) -> tuple[Label, object]:
    return Label.model_construct(None, **dict(zip(_LABEL_NAMES, row[:-1], strict=True))), row[-1]
