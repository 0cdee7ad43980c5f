"""A typed repository layer for SQLModel on PostgreSQL.

The floors, each importing only from itself and those above it in this list:

    errors, settings   names and values, no I/O
    statements/        WHAT to say: bindings, conditions, statements, entities from rows; pure
    database/          WHOM to say it to: engine, sessions, transactions, schema, embedded server
    repository/        SAYS it: the repositories that a team subclasses
    tasks/             the first entity
    __main__           python -m backend demo | check | init
"""

from backend.database import AsyncDatabase, Database, Isolation, Retry, UncommittedWritesWarning, init_db
from backend.repository import AsyncCRUDRepository, CRUDRepository
from backend.settings import Settings
from backend.statements.locks import Lock
from backend.statements.statements import Change

__all__ = [
    "AsyncCRUDRepository",
    "AsyncDatabase",
    "CRUDRepository",
    "Change",
    "Database",
    "Isolation",
    "Lock",
    "Retry",
    "Settings",
    "UncommittedWritesWarning",
    "init_db",
]
