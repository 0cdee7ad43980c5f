"""Keeps the pool of an asynchronous engine in one event loop.

A pool wakes its waiters in the loop in which they wait. In another loop, calls succeed until one has to wait for a
connection, and then fail or hang. The engine's `dispose()` ends the relation: it makes a new pool.
"""

import asyncio
from typing import Final
from weakref import ReferenceType, WeakKeyDictionary, ref

from sqlalchemy import Engine, NullPool, Pool

from backend.errors import UsageError

_loops: Final = WeakKeyDictionary[Pool, ReferenceType[asyncio.AbstractEventLoop]]()


def require_own_loop(engine: Engine) -> None:
    """Raise `UsageError` if the pool of an asynchronous engine belongs to another event loop.

    An engine without a pool (`NullPool`) may be used in any loop.
    """
    if not engine.dialect.is_async or isinstance(engine.pool, NullPool):
        return
    loop = asyncio.get_running_loop()
    if _loops.setdefault(engine.pool, ref(loop))() is not loop:
        raise UsageError(
            "the database is used in a second event loop, and its pool belongs to the first: "
            "await close() before the loop changes, or make an AsyncDatabase in each loop"
        )
