"""Talks to the database: engine, connections, sessions, transactions, retries, translation of errors.

schema        init_db
_async        AsyncDatabase; _sync is generated from it: Database
engine        settings to engine, with defaults for Neon; nothing connects yet
addresses     DATABASE_URL as libpq's parameters
retrying      runs a transaction again, and finds out whether a lost COMMIT was applied
sessions      sessions and their transactions: a failed one is not committed, uncommitted writes are not lost silently
failures      translates errors of psycopg and SQLAlchemy
connections   connects, checks out, and uses no connection of a parent process
operations    what an error or a lost answer is about
bridge        runs synchronous code for an asynchronous caller

Each imports only from those below it.
"""

from backend.database._async import AsyncDatabase
from backend.database._sync import Database
from backend.database.connections.backoff import Retry
from backend.database.retrying.guard import Isolation
from backend.database.schema import init_db
from backend.database.sessions.warning import UncommittedWritesWarning

__all__ = ["AsyncDatabase", "Database", "Isolation", "Retry", "UncommittedWritesWarning", "init_db"]
