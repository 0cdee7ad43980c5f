"""A database is made of an engine of the right kind, or refused when it is made."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncDatabase, Database
from backend.errors import SettingsError, UsageError
from backend.tasks import TaskRepository


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Database(create_engine("sqlite://")), "is one of sqlite\\+pysqlite, expected PostgreSQL .* psycopg"),
        (lambda: Database(create_engine("postgresql+pg8000://h/d", module=psycopg)), "postgresql\\+pg8000"),
        (lambda: AsyncDatabase(create_async_engine("postgresql+asyncpg://h/d", module=psycopg)),
         "postgresql\\+asyncpg, .* create_async_engine\\(.postgresql\\+psycopg:"),
    ],
)  # fmt: skip
def test_an_engine_of_another_driver_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Database(create_async_engine("postgresql+psycopg://h/d")), "got AsyncEngine: use AsyncDatabase"),  # type: ignore[arg-type]  # what is tested
        (lambda: AsyncDatabase(create_engine("postgresql+psycopg://h/d")), "got Engine: use Database"),  # type: ignore[arg-type]  # what is tested
        (lambda: Database(5), "got int$"),  # type: ignore[arg-type]  # what is tested
    ],
)
def test_an_engine_of_the_other_twin_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_a_repository_on_an_engine_of_another_driver_is_refused() -> None:
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        tasks = TaskRepository(session).owned_by("a")
        with pytest.raises(UsageError, match="sqlite"):
            tasks.count()
        with session.begin(), pytest.raises(UsageError, match="sqlite"):
            tasks.count()
    engine.dispose()


def test_a_session_of_the_other_twin_is_refused() -> None:
    session: Any = AsyncSession()
    with pytest.raises(
        UsageError, match="takes a Session, got an AsyncSession: open one of a Database, or use an Async"
    ):
        TaskRepository(session)


def test_a_database_without_an_argument_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    assert isinstance(AsyncDatabase().engine.dialect, PGDialectAsync_psycopg)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg2", "pg8000"])
def test_a_url_of_another_driver_says_which_is_taken(driver: str) -> None:
    with pytest.raises(SettingsError, match=f"^DATABASE_URL names the driver {driver}, expected psycopg") as raised:
        Database(f"postgresql+{driver}://u:s3cret@h/d")
    assert "s3cret" not in str(raised.value)
