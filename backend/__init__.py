"""A typed repository layer for SQLModel on PostgreSQL.

The floors, lowest first; a module imports only from its own floor or from a lower one:

    errors, settings   names and values, no I/O
    columns            fields that most models have: keys, times, versions
    entity/            WHAT an entity is: model, schemas, columns, checked when a repository class is defined
    embedded/          a PostgreSQL that comes as a wheel, for the demo and the tests
    input/             data in: instances of schemas to column values
    statements/        WHAT to say: SQL as values, and the scope that restricts it to one owner; no I/O
    results/           rows out: entities, views, pages of them
    database/          WHOM to say it to: engine, sessions, transactions, retries, translation of errors
    repository/        SAYS it: the repositories that a team subclasses
    tasks/             the first entity
    commands/          python -m backend demo | check | init
    testing/           a pytest plugin for applications, and the contract of a repository

`database` imports nothing from `input`, `statements` and `results`, nor they from it.
"""

from backend.columns import creation_time, generated_key, generated_uuid_key, number_version, time_version
from backend.database import AsyncDatabase, Database, Isolation, Retry, UncommittedWritesWarning, init_db
from backend.input.patch import Patch
from backend.repository import AsyncCRUDRepository, AsyncReads, AsyncWithBefore, CRUDRepository, Reads, WithBefore
from backend.results.cursors import LAST_PAGE, CursorPage
from backend.results.pages import Page
from backend.results.upserted import Updated, Upserted, UpsertedWithBefore
from backend.results.views import shows
from backend.settings import Settings
from backend.statements.change import Change
from backend.statements.conditions import Condition, Where, if_given
from backend.statements.locks import Lock
from backend.statements.ordering import Order
from backend.statements.typed import typed

__all__ = [
    "AsyncCRUDRepository",
    "AsyncDatabase",
    "AsyncReads",
    "AsyncWithBefore",
    "CRUDRepository",
    "Change",
    "Condition",
    "CursorPage",
    "Database",
    "Isolation",
    "LAST_PAGE",
    "Lock",
    "Order",
    "Page",
    "Patch",
    "Reads",
    "Retry",
    "Settings",
    "UncommittedWritesWarning",
    "Updated",
    "Upserted",
    "UpsertedWithBefore",
    "Where",
    "WithBefore",
    "creation_time",
    "generated_key",
    "generated_uuid_key",
    "if_given",
    "init_db",
    "number_version",
    "shows",
    "time_version",
    "typed",
]
