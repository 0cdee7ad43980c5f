"""A pytest plugin for an application's tests, and the contract that its repositories keep.

    pytest_plugins = ["backend.testing"]  # in the conftest.py at the top

Fixtures: `session` and `async_session` are rolled back after the test; `db` and `async_db` commit, and the tables are
emptied. `round_trips()` counts. `RepositoryContract` checks a repository. `docs/application-tests.md` describes them.

_async/    the contract; _sync/ is generated
database   the server of a run, its tables, the sessions that are rolled back
fixtures   the fixtures
trips      counts round trips
values     rows as plain values
"""

import pytest

pytest.register_assert_rewrite("backend.testing._async", "backend.testing._sync", "backend.testing.values")

from backend.testing._async.contract import AsyncRepositoryContract  # noqa: E402 - its asserts are rewritten
from backend.testing._sync.contract import RepositoryContract  # noqa: E402 - as above
from backend.testing.fixtures import (  # noqa: E402 - as above
    async_db,
    async_session,
    database_metadata,
    database_url,
    db,
    session,
    shared_db,
)
from backend.testing.trips import RoundTrips, round_trips  # noqa: E402 - as above

__all__ = [
    "AsyncRepositoryContract",
    "RepositoryContract",
    "RoundTrips",
    "async_db",
    "async_session",
    "database_metadata",
    "database_url",
    "db",
    "round_trips",
    "session",
    "shared_db",
]
