"""Talks to the database: engine, connections, sessions, transactions, retries, translation of errors.

_async             AsyncDatabase; _sync is generated from it: Database
engine             settings to engine, with defaults for Neon; nothing connects yet
addresses          DATABASE_URL as libpq's parameters
connecting         connects, with retries while the database wakes, and reads why the server refuses
backoff            the delays between two attempts
checkout           a connection leaves the pool alive and in the requested mode
forking            a forked child process uses no connection of its parent
sessions           the sessions that a database opens
transactions       a failed transaction is not committed, uncommitted writes are not lost silently
transaction_block  the block of `transaction()`
retrying           runs a transaction again, and finds out whether a lost COMMIT was applied
bridge             runs synchronous code for an asynchronous caller
effects            whether a statement may write
operations         what an error or a lost answer is about
failures           translates errors of psycopg and SQLAlchemy; sqlstates, messages, violations and frames serve it
schema             init_db
"""

from backend.database._async import AsyncDatabase
from backend.database._sync import Database
from backend.database.backoff import Retry
from backend.database.retrying.guard import Isolation
from backend.database.schema import init_db
from backend.database.transactions import UncommittedWritesWarning

__all__ = ["AsyncDatabase", "Database", "Isolation", "Retry", "UncommittedWritesWarning", "init_db"]
