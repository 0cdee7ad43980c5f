"""WHOM to say it to: engine, sessions, checkout, transactions, schema, and the embedded server.

engine        settings to engine: Neon-aware defaults, nothing connects yet
connecting    a connection: again while the database wakes, and why where it is refused
delays        how often and how long to try
checkout      a connection leaves the pool alive, and in the mode that is asked for
failures      what driver and SQLAlchemy raise, as errors of this package: by phase, state and SQLSTATE
sqlstates     the class of each SQLSTATE
violations    which fields a violated constraint concerns
effects       whether a statement may write
sessions      the sessions that it opens
running       a transaction run again, and the fate of a lost commit
transactions  a failed transaction is not committed, an uncommitted write is not lost in silence
transaction_block  the block of `transaction()`
schema        init_db
embedded      a PostgreSQL that comes as a wheel, for the demo and the tests
_async        AsyncDatabase; _sync is generated from it: Database
"""

from backend.database._async import AsyncDatabase
from backend.database._sync import Database
from backend.database.backoff import Retry
from backend.database.retrying.guard import Isolation
from backend.database.schema import init_db
from backend.database.transactions import UncommittedWritesWarning

__all__ = ["AsyncDatabase", "Database", "Isolation", "Retry", "UncommittedWritesWarning", "init_db"]
