"""Much is sent while much comes back: neither side waits for the other to read."""

from sqlalchemy import Engine
from sqlmodel import Session, col

from backend import AsyncDatabase, Database
from backend.tasks import AsyncTaskRepository, Task, TaskCreate, TaskRepository
from tests.conftest import Server

SIZE = 20_000_000


def test_20_mb_go_out_while_20_mb_come_back(clean: Engine, server: Server) -> None:
    text = "x" * SIZE
    with Database(server.url) as database, database.session() as session:
        task = TaskRepository(session).owned_by("a").create(TaskCreate(title="large", description=text))
        assert task.description == text
    parts = ["y" * (SIZE // 20)] * 20
    with Session(clean) as session:
        session.add_all([Task(title=f"{n}", user_id="b", description=part) for n, part in enumerate(parts)])
        session.commit()
    with Database(server.url) as database, database.session() as session:
        tasks = TaskRepository(session).owned_by("b").list(order_by=col(Task.id))
        assert [task.description for task in tasks] == parts


async def test_20_mb_go_out_while_20_mb_come_back_for_async_too(clean: Engine, server: Server) -> None:
    text = "x" * SIZE
    async with AsyncDatabase(server.url) as database, database.session() as session:
        task = await AsyncTaskRepository(session).owned_by("a").create(TaskCreate(title="large", description=text))
        assert task.description == text
