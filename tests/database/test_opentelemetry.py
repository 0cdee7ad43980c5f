"""SQLAlchemy's engine events keep firing, on engines made here and on engines passed in.

OpenTelemetry's instrumentation of SQLAlchemy, which listens to them, sees each statement and no parameter.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # pyright: ignore[reportMissingTypeStubs]  # it has none
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import Engine
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio

from backend import AsyncDatabase, Database
from backend.tasks import AsyncTaskRepository, TaskCreate, TaskRepository, TaskUpdate
from tests.support.wire import WireProxy
from tests.support.wire.connection import Seen

STATEMENTS = ["INSERT", "SELECT", "UPDATE", "DELETE"]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans of every engine that is created from now on, by this package too."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = SQLAlchemyInstrumentor()
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)  # it names SQLAlchemy below 2.1
    yield exporter
    instrumentor.uninstrument()
    provider.shutdown()


def check(spans: InMemorySpanExporter, seen: Seen) -> None:
    """One span for each statement on the wire, and in no span an owner or a value."""
    finished = spans.get_finished_spans()
    spoken = [
        str(span.attributes["db.statement"])
        for span in finished
        if span.attributes and "db.statement" in span.attributes
    ]
    assert [sql.split()[0] for sql in spoken] == STATEMENTS
    sent = [one.sql.split()[0] for one in seen.statements]
    assert [word for word in sent if word not in ("BEGIN", "COMMIT")] == STATEMENTS
    assert "canary" not in "".join(span.to_json() for span in finished)


@pytest.mark.parametrize("is_passed_in", [False, True], ids=["made here", "passed in"])
def test_each_statement_is_a_span_without_parameters(
    clean: Engine, proxy: WireProxy, spans: InMemorySpanExporter, is_passed_in: bool
) -> None:
    own = sqlalchemy.create_engine(proxy.url) if is_passed_in else None
    with Database(proxy.url if own is None else own) as database:
        database.ping()
        spans.clear()
        with proxy.watch() as seen:
            with database.session() as session:
                tasks = TaskRepository(session).owned_by("canary")
                task = tasks.create(TaskCreate(title="canary"))
                assert tasks.get(task.id) == task
            with database.transaction() as session:
                tasks = TaskRepository(session).owned_by("canary")
                tasks.update(task.id, TaskUpdate(title="canary too"))
                tasks.delete(task.id)
        check(spans, seen)
    if own is not None:
        own.dispose()


@pytest.mark.parametrize("is_passed_in", [False, True], ids=["made here", "passed in"])
async def test_each_statement_of_an_asynchronous_engine_is_a_span(
    clean: Engine, proxy: WireProxy, spans: InMemorySpanExporter, is_passed_in: bool
) -> None:
    own = sqlalchemy_asyncio.create_async_engine(proxy.url) if is_passed_in else None
    async with AsyncDatabase(proxy.url if own is None else own) as database:
        await database.ping()
        spans.clear()
        with proxy.watch() as seen:
            async with database.session() as session:
                tasks = AsyncTaskRepository(session).owned_by("canary")
                task = await tasks.create(TaskCreate(title="canary"))
                assert await tasks.get(task.id) == task
            async with database.transaction() as session:
                tasks = AsyncTaskRepository(session).owned_by("canary")
                await tasks.update(task.id, TaskUpdate(title="canary too"))
                await tasks.delete(task.id)
        check(spans, seen)
    if own is not None:
        await own.dispose()
