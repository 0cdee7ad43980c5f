"""A forked child uses none of its parent's connections, and ends none of them.

The load takes a second; `FORK_LOAD_S` makes it longer.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from backend.tasks import TaskRepository
from tests.conftest import Server
from tests.support.cli import ROOT
from tests.support.forks import CHILDREN

pytestmark = pytest.mark.session_state("an engine of the caller's prepares statements by default")

_LOAD_S = os.environ.get("FORK_LOAD_S", "1")
_OWN = {"own call": "done", "own transaction": "done", "own run": "done"}

of_each_engine = pytest.mark.parametrize("engine", ["own", "given"])


def forked(server: Server, engine: str, scenario: str) -> Any:
    command = [sys.executable, "-W", "ignore::DeprecationWarning"]  # of a fork beside threads, from 3.12
    command += ["-m", "tests.support.forks", server.url, engine, scenario, _LOAD_S]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@of_each_engine
@pytest.mark.parametrize("scenario", ["load", "async_load"])
def test_children_under_load_share_no_connection(clean: Engine, server: Server, engine: str, scenario: str) -> None:
    seen = forked(server, engine, scenario)
    processes = [seen["parent"], *seen["children"]]
    assert "hung" not in processes
    print(engine, scenario, "calls", [one["calls"] for one in processes])
    assert [one["foreign"] for one in processes] == [0] * (CHILDREN + 1)
    assert all(one["calls"] for one in processes)
    pids = [pid for one in processes for pid in one["pids"]]
    assert len(pids) == len(set(pids))
    assert not {*seen["filled"]} & {pid for one in seen["children"] for pid in one["pids"]}
    assert seen["ended"] == []


@of_each_engine
def test_a_child_cannot_use_the_transaction_of_its_parent(clean: Engine, server: Server, engine: str) -> None:
    ways = ["transaction", "run", "session_begin", "plain_session", "bound"]
    refused = {"read": "UsageError", "write": "UsageError"}
    assert forked(server, engine, "held") == {**dict.fromkeys(ways, refused | _OWN), "left": {"commit": "UsageError"}}
    with Session(clean) as session:
        tasks = TaskRepository(session)
        assert tasks.owned_by("parent").count() == 2 * (len(ways) + 1)
        assert tasks.owned_by("child").count() == len(_OWN) * len(ways)


@of_each_engine
def test_an_async_child_cannot_use_the_transaction_of_its_parent(clean: Engine, server: Server, engine: str) -> None:
    assert forked(server, engine, "async_held") == {"read": "UsageError", "write": "UsageError", **_OWN}
    with Session(clean) as session:
        tasks = TaskRepository(session)
        assert (tasks.owned_by("parent").count(), tasks.owned_by("child").count()) == (2, 2)
