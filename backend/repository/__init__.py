"""SAYS it: the repository a team subclasses, sync and async.

_async       the text: every call and its contract
_sync        the same, generated from it
subclassing  what a subclass makes calls of its own with
definition   what a subclass is bound to, once per class
execution    one statement on a session: here a transaction is decided
"""

from backend.repository._async import AsyncCRUDRepository
from backend.repository._sync import CRUDRepository

__all__ = ["AsyncCRUDRepository", "CRUDRepository"]
