"""Sessions and their transactions.

sessions        the sessions that a database opens
state           what is known of a session's transaction: one record
listeners       keeps the record up to date: one table of listeners to SQLAlchemy's sessions, imported with this package
warning         the warning of lost writes
transactions    joins and ends a transaction, without hiding that a statement of it failed
_async, _sync   the context manager of one transaction, and the roll back of what raises
"""

from backend.database.sessions.listeners import LISTENERS

__all__ = ["LISTENERS"]
