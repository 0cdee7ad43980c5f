# Generated from tests/neon/_async/test_neon_preparing.py by `python -m tools.generate_sync`: edit that one.
"""Neon's proxy gives every client a process id of its own: `auto` asks nothing and prepares nothing there."""

import pytest
from sqlalchemy import Engine

from backend import Database, Settings
from backend.tasks import TaskRepository
from tests.support.neon import DIRECT, POOLED, Neon


@pytest.mark.parametrize("host", [POOLED, DIRECT], ids=["pooled", "direct"])
def test_auto_asks_and_prepares_nothing(neon: Neon, clean: Engine, host: str) -> None:
    settings = Settings.from_url(neon.url_of(host)).model_copy(update={"prepare_threshold": "auto"})
    with Database(settings) as database, database.session() as session:
        with neon.watch() as seen:
            for _ in range(8):
                TaskRepository(session).owned_by("a").count()
    assert [one.sql for one in seen.statements if "pg_backend_pid" in one.sql] == []
    assert "prepare" not in {one.kind for one in seen.statements}


@pytest.mark.session_state("the statements are prepared")
def test_a_number_prepares(neon: Neon, clean: Engine) -> None:
    settings = Settings.from_url(neon.url).model_copy(update={"prepare_threshold": 2})
    with Database(settings) as database, database.session() as session:
        with neon.watch() as seen:
            for _ in range(4):
                TaskRepository(session).owned_by("a").count()
    assert sum(one.kind == "prepare" for one in seen.statements) == 1
