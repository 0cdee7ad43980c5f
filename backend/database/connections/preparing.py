"""Which sessions may prepare statements: those of one server process, which no pooler changes between two uses.

Behind a pooler in transaction mode a statement is prepared on one server connection and run on another: there it is
missing, or is another client's of the same name, for psycopg numbers them. A pooler gives each client a process id of
its own as it connects; so a session whose first process id is that of the process that answers is direct.
"""

from typing import Final

import psycopg
from sqlalchemy import Dialect, func, select

from backend.database.connections.neon import is_neon_host

AUTO_THRESHOLD: Final = 5
"""Runs after which a direct session prepares a statement: psycopg's default."""


def ask_process(dialect: Dialect) -> bytes:
    """Return the SQL that asks for the process that answers."""
    return str(select(func.pg_backend_pid()).compile(dialect=dialect)).encode()


def may_be_direct(session: psycopg.ConnectionInfo) -> bool:
    """Return whether to ask: Neon's proxy gives each client a process id of its own, to its computes too."""
    return not is_neon_host(session.host)
