"""The repository that a team subclasses, sync and async: builds a statement, runs it and returns the result.

_async/     the contracts: the calls that read, those for subclasses, and the repository itself; _sync/ is generated
calls/      the calls, each one synchronous function, written once
bound       what a call runs on
metadata    entity, statements and schemas of a repository class, built once
views       columns and statements of a view, built once
with_before statements of the calls that return the row before, built once
execution   runs one statement on a session, and decides in which transaction
"""

from backend.repository._async.crud import AsyncCRUDRepository
from backend.repository._async.reading import AsyncReads
from backend.repository._async.with_before import AsyncWithBefore
from backend.repository._sync.crud import CRUDRepository
from backend.repository._sync.reading import Reads
from backend.repository._sync.with_before import WithBefore

__all__ = ["AsyncCRUDRepository", "AsyncReads", "AsyncWithBefore", "CRUDRepository", "Reads", "WithBefore"]
