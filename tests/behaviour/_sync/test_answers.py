# Generated from tests/behaviour/_async/test_answers.py by `python -m tools.generate_sync`: edit that one.
"""What an error says of the work: not sent, refused, lost on the way, or applied with an answer that is not read."""

from collections.abc import Generator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Engine,
    Identity,
    MetaData,
    Text,
    TypeDecorator,
    bindparam,
    create_engine,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, Session, SQLModel, col
from typing_extensions import override

from backend import Change, CRUDRepository, Database, typed
from backend.errors import (
    InvalidDataError,
    NotNullViolationError,
    ProgramError,
    RepositoryError,
    SchemaMismatchError,
    UnreadableRowError,
    UsageError,
)
from backend.tasks import Task, TaskRepository
from tests.support.wire import WireProxy

CANARY = "canary-of-a-row"


class Picky(TypeDecorator[str]):
    """Text that raises what it is told to, on the way in or out."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    @override
    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        if value == "refused":
            raise ValueError(CANARY)
        return value

    @override
    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        raised = {"value": ValueError, "type": TypeError, "attribute": AttributeError}.get(value or "")
        if raised is not None:
            raise raised(CANARY)
        return value


class Strange(SQLModel, table=True):
    metadata = MetaData()

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    mood: str | None = Field(default=None, sa_column=Column("mood_column", ENUM("glad", name="mood")))
    word: str | None = Field(default=None, sa_type=Picky)


class StrangeCreate(SQLModel):
    word: str | None = None


class StrangeUpdate(SQLModel):
    word: str | None = None


class StrangeRepository(CRUDRepository[Strange, StrangeCreate, StrangeUpdate]): ...


STORED = {
    "infinity": "UPDATE strange SET at = 'infinity'",
    "far": "UPDATE strange SET at = '12345-01-01'",
    "unknown label": "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'sad'; "
    "UPDATE strange SET mood_column = 'sad'::text::mood",
    "refused by its type": "UPDATE strange SET word = 'value'",
}
"""What another program stores that Python cannot hold."""


@pytest.fixture
def odd(session: Session, clean: Engine) -> Generator[StrangeRepository]:
    Strange.metadata.create_all(clean)
    yield StrangeRepository(session)
    Strange.metadata.drop_all(clean)


def store(engine: Engine, sql: str) -> None:
    with engine.connect() as connection:
        for one in sql.split("; "):
            connection.execute(text(one))
            connection.commit()


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_a_row_that_cannot_be_read_says_so(odd: StrangeRepository, clean: Engine, stored: str) -> None:
    row = odd.create(StrangeCreate(word="x"))
    store(clean, stored)
    for call in (lambda: odd.get(row.id), odd.list):
        with pytest.raises(UnreadableRowError) as raised:
            call()
        assert (raised.value.outcome, raised.value.retryable) == ("not_applied", False)
        assert CANARY not in f"{raised.value!r}"


@pytest.mark.parametrize("stored", list(STORED.values())[:3], ids=list(STORED)[:3])
def test_a_write_whose_row_cannot_be_read_was_applied(odd: StrangeRepository, clean: Engine, stored: str) -> None:
    row = odd.create(StrangeCreate(word="x"))
    store(clean, stored)
    with pytest.raises(UnreadableRowError) as raised:
        odd.update(row.id, StrangeUpdate(word="y"))
    assert raised.value.outcome == "applied"
    assert (raised.value.model, raised.value.operation) == ("Strange", "update")
    with clean.connect() as connection:
        assert connection.execute(text("SELECT word FROM strange")).scalar() == "y"


def test_a_value_that_a_type_refuses_to_read_was_written(odd: StrangeRepository, clean: Engine) -> None:
    with pytest.raises(UnreadableRowError) as raised:
        odd.create(StrangeCreate(word="value"))
    assert raised.value.outcome == "applied"
    with clean.connect() as connection:
        assert connection.execute(text("SELECT word FROM strange")).scalar() == "value"


def test_an_unreadable_row_in_a_transaction_is_not_applied(
    odd: StrangeRepository, database: Database, clean: Engine
) -> None:
    row = odd.create(StrangeCreate(word="x"))
    store(clean, STORED["infinity"])
    with pytest.raises(UnreadableRowError) as raised:
        with database.transaction() as session:
            StrangeRepository(session).update(row.id, StrangeUpdate(word="y"))
    assert raised.value.outcome == "not_applied"
    with clean.connect() as connection:
        assert connection.execute(text("SELECT word FROM strange")).scalar() == "x"


@pytest.mark.usefixtures("awake")
def test_an_unreadable_row_on_an_engine_of_the_callers_was_applied(
    odd: StrangeRepository, proxy: WireProxy, clean: Engine
) -> None:
    row = odd.create(StrangeCreate(word="x"))
    store(clean, STORED["infinity"])
    engine = create_engine(proxy.url)
    with Database(engine).session() as session:
        with pytest.raises(UnreadableRowError) as raised:
            StrangeRepository(session).update(row.id, StrangeUpdate(word="y"))
    assert raised.value.outcome == "applied"
    engine.dispose()


@pytest.mark.parametrize(("word", "expected"), [("type", TypeError), ("attribute", AttributeError)])
def test_an_exception_of_a_column_types_bug_passes_unchanged(
    odd: StrangeRepository, word: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected, match=CANARY) as raised:
        odd.create(StrangeCreate(word=word))
    assert not isinstance(raised.value, RepositoryError)


def test_a_value_that_a_type_refuses_is_not_sent(odd: StrangeRepository, proxy: WireProxy) -> None:
    with proxy.watch() as seen, pytest.raises(InvalidDataError) as raised:
        odd.create(StrangeCreate(word="refused"))
    assert raised.value.outcome == "not_applied"
    assert CANARY not in f"{raised.value!r}"
    assert not seen.statements


_RETITLE = Change(typed(Task.title).to(func.concat(bindparam("new"))))  # of no type, so that the driver is what refuses


class RetitlingRepository(TaskRepository):
    def retitle(self, id: int, **parameters: Any) -> Task:
        return self._change(id, _RETITLE, parameters)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"new": CANARY + "\0"}, InvalidDataError),
        ({"new": CANARY + "\ud800"}, InvalidDataError),
        ({"new": type(CANARY, (), {})()}, InvalidDataError),
        ({}, UsageError),
    ],
)
def test_a_parameter_that_the_driver_refuses_is_not_sent(
    session: Session, proxy: WireProxy, parameters: dict[str, Any], expected: type[RepositoryError]
) -> None:
    with proxy.watch() as seen, pytest.raises(expected) as raised:
        RetitlingRepository(session).every_owner().retitle(1, **parameters)
    assert raised.value.outcome == "not_applied"
    assert CANARY not in f"{raised.value!r}"
    assert not seen.statements


def test_too_many_parameters_raise_a_program_error(session: Session, proxy: WireProxy) -> None:
    with proxy.watch() as seen, pytest.raises(ProgramError, match="too large to be sent") as raised:
        TaskRepository(session).every_owner().list(col(Task.id).in_(range(70_000)))
    assert raised.value.outcome == "not_applied"
    assert not seen.statements


def test_a_missing_table_says_to_run_init_db_and_a_missing_column_to_migrate(
    odd: StrangeRepository, clean: Engine
) -> None:
    store(clean, "ALTER TABLE strange DROP COLUMN word")
    with pytest.raises(SchemaMismatchError, match="migrate the table") as raised:
        odd.create(StrangeCreate(word=CANARY))
    assert (raised.value.sqlstate, raised.value.outcome) == ("42703", "not_applied")
    store(clean, "DROP TABLE strange")
    with pytest.raises(SchemaMismatchError, match="run init_db"):
        odd.list()


def test_fields_are_attributes_not_columns(odd: StrangeRepository, clean: Engine) -> None:
    store(clean, "ALTER TABLE strange ALTER mood_column SET NOT NULL")
    with pytest.raises(NotNullViolationError) as raised:
        odd.create(StrangeCreate(word="x"))
    assert raised.value.fields == ("mood",)
