"""Which connections may prepare statements: the direct ones, which lead to one server process and through no pooler.

Behind a pooler in transaction mode a statement is prepared on one server connection and run on another: there it is
missing, or is another client's of the same name, for psycopg numbers them. A pooler gives each client an invented
process id as it connects. So a connection is direct if the process id that it was given is that of the process that
answers.
"""

from typing import Final

import psycopg
from sqlalchemy import Dialect, func, select

from backend.database.connections.neon import is_neon_host

AUTO_THRESHOLD: Final = 5
"""Runs after which a direct connection prepares a statement: psycopg's default."""


def compile_process_query(dialect: Dialect) -> bytes:
    """Return the SQL that asks for the id of the process that answers."""
    return str(select(func.pg_backend_pid()).compile(dialect=dialect)).encode()


def may_be_direct(connection: psycopg.ConnectionInfo) -> bool:
    """Return whether to ask: not on Neon, whose proxy invents the process id on the way to a compute too."""
    return not is_neon_host(connection.host)
