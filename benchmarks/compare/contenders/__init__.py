"""The contenders by name, each opened as its documentation shows.

by_psycopg, by_core            by hand
by_repository                  this project, sync and async, on an open session and with one per call
by_sqlmodel, by_django,
by_advanced_alchemy, by_fastcrud   the peers; of those that are not installed the report says so
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec
from typing import Final, TypeAlias

from benchmarks.compare.calls import Contender, Target

Opener: TypeAlias = Callable[[Target], AbstractContextManager[Contender]]

BASELINE: Final = "psycopg"
"""The contender with which all are compared."""

_PLACES: Final = {
    "psycopg": ("by_psycopg", "objects", "psycopg"),
    "psycopg, rows": ("by_psycopg", "rows", "psycopg"),
    "Core": ("by_core", "on_open_connection", "sqlalchemy"),
    "Core, pool": ("by_core", "from_pool", "sqlalchemy"),
    "repository": ("by_repository", "on_open_session", "backend"),
    "repository, new session": ("by_repository", "on_new_sessions", "backend"),
    "async repository": ("by_repository", "on_open_async_session", "backend"),
    "async repository, new session": ("by_repository", "on_new_async_sessions", "backend"),
    "SQLModel": ("by_sqlmodel", "opened", "sqlmodel"),
    "Advanced Alchemy": ("by_advanced_alchemy", "opened", "advanced_alchemy"),
    "FastCRUD": ("by_fastcrud", "opened", "fastcrud"),
    "Django": ("by_django", "opened", "django"),
}
"""Module, function, and the package that it needs."""

NAMES: Final = tuple(_PLACES)
MISSING: Final = tuple(name for name, (_, _, needed) in _PLACES.items() if find_spec(needed) is None)
"""Those whose package is not installed."""


def opener(name: str) -> Opener:
    """Return what opens this contender."""
    module, function, _ = _PLACES[name]
    found: Opener = getattr(import_module(f"benchmarks.compare.contenders.{module}"), function)
    return found
