"""SAYS it: the repository a team subclasses, sync and async.

_async/     the contracts: the calls that read, those for subclasses, and the repository itself; _sync/ is generated
calls/      the calls, each one synchronous function, written once
bound       what a call runs on
metadata    what a repository class says of its model, built once per class
execution   one statement on a session: which transaction a call joins is decided here
"""

from backend.repository._async.crud import AsyncCRUDRepository
from backend.repository._sync.crud import CRUDRepository

__all__ = ["AsyncCRUDRepository", "CRUDRepository"]
