"""The plugin in runs of its own: what its fixtures keep apart, in several workers on one server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from backend import Database
from backend.tasks import Task, TaskCreate, TaskRepository, TaskUpdate
from backend.testing.database import empty_tables
from tests.conftest import Server
from tests.support.docs_examples import ROOT

FILES = {
    "pytest.ini": """
[pytest]
asyncio_default_fixture_loop_scope = function
asyncio_mode = auto
filterwarnings = error
""",
    "conftest.py": 'pytest_plugins = ["backend.testing"]\n',
    "models.py": """
from sqlalchemy import ForeignKey
from sqlmodel import Field, SQLModel

from backend import AsyncCRUDRepository, CRUDRepository


class Hen(SQLModel, table=True):  # its rows and those of Egg refer to each other
    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    from_egg: int | None = Field(default=None, sa_column_args=[ForeignKey("egg.id", use_alter=True, name="fk_hen_egg")])


class Egg(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True)
    laid_by: int = Field(foreign_key="hen.id")


class HenCreate(SQLModel):
    name: str


class HenUpdate(SQLModel):
    from_egg: int | None = None


class EggCreate(SQLModel):
    laid_by: int


class EggUpdate(SQLModel):
    laid_by: int = 0


class Hens(CRUDRepository[Hen, HenCreate, HenUpdate]): ...
class AsyncHens(AsyncCRUDRepository[Hen, HenCreate, HenUpdate]): ...
class Eggs(CRUDRepository[Egg, EggCreate, EggUpdate]): ...
""",
    "test_it.py": """
import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from backend import AsyncDatabase, Database
from backend.errors import UniqueViolationError, UsageError
from models import AsyncHens, EggCreate, Eggs, Hen, HenCreate, Hens, HenUpdate

each_twice = pytest.mark.parametrize("time", [1, 2])
BERTA = HenCreate(name="Berta")


@each_twice
def test_what_commits_is_emptied(db: Database, time: int) -> None:
    with db.session() as session:
        assert Hens(session).count() == Eggs(session).count() == 0
        hen = Hens(session).create(BERTA)
        egg = Eggs(session).create(EggCreate(laid_by=hen.id))
        Hens(session).update(hen.id, HenUpdate(from_egg=egg.id))
    db.run(lambda session: Hens(session).get_one(hen.id))


@each_twice
def test_a_session_is_rolled_back(session, shared_db: Database, time: int) -> None:
    hens = Hens(session)
    assert hens.count() == 0
    hen = hens.create(BERTA)
    assert inspect(hen).detached
    with pytest.raises(UniqueViolationError):
        hens.create(BERTA)
    with pytest.raises(UniqueViolationError), session.begin():
        hens.create(HenCreate(name="Agnes"))
        hens.create(BERTA)
    with session.begin():
        hens.create(HenCreate(name="Clara"))
    assert [one.name for one in hens.list()] == ["Berta", "Clara"]
    with pytest.raises(UsageError):
        session.commit()
    with shared_db.session() as other:
        assert Hens(other).count() == 0


@each_twice
async def test_an_asynchronous_session_is_rolled_back(async_session, time: int) -> None:
    hens = AsyncHens(async_session)
    await hens.create(BERTA)
    with pytest.raises(UniqueViolationError):
        await hens.create(BERTA)
    async with async_session.begin():
        await hens.create(HenCreate(name="Clara"))
    assert [one.name for one in await hens.list()] == ["Berta", "Clara"]


@each_twice
async def test_what_commits_asynchronously_is_emptied(async_db: AsyncDatabase, time: int) -> None:
    async with async_db.transaction() as session:
        await AsyncHens(session).create(BERTA)
    async with async_db.session() as session:
        assert await AsyncHens(session).count() == 1
""",
}


def run(folder: Path, url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    for name, text in FILES.items():
        (folder / name).write_text(text)
    paths = os.pathsep.join([str(folder), str(ROOT)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "TEST_DATABASE_URL": url, "PYTHONPATH": paths}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.session_state("emptying the tables sets lock_timeout for its transaction")
def test_workers_share_a_server_and_no_tables(server: Server, direct: Database, tmp_path: Path) -> None:
    before = set(inspect(direct.engine).get_schema_names())
    run_ = run(tmp_path, f"{server.url}&options=-c%20work_mem=8MB", "-n", "2", "test_it.py")
    assert "8 passed" in run_.stdout, run_.stdout + run_.stderr
    assert set(inspect(direct.engine).get_schema_names()) == before


@pytest.mark.session_state("it sets lock_timeout for its transaction")
def test_a_transaction_that_is_left_open_is_named(db: Database) -> None:
    with db.transaction() as session:
        TaskRepository(session).owned_by("a").create(TaskCreate(title="one"))
        empty_tables(db.engine, Task.metadata, "1ms")  # what is not committed locks no row that is seen
    with db.transaction() as session, pytest.raises(OperationalError) as raised:
        TaskRepository(session).owned_by("a").update_where(TaskUpdate(title="two"), all_rows=True)
        empty_tables(db.engine, Task.metadata, "1ms")
    assert raised.value.__notes__ == ["a transaction of the test is still open, so its rows cannot be deleted: end it"]
    empty_tables(db.engine, Task.metadata)
    with db.session() as session:
        assert TaskRepository(session).every_owner().count() == 0


def test_importing_the_package_imports_no_pytest() -> None:
    program = "import sys, backend, backend.tasks; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
