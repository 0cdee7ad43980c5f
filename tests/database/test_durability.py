"""What a call returned is there, whatever happens to the process afterwards."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine

from backend import Database
from backend.tasks import TaskCreate, TaskRepository
from tests.conftest import Server

_CREATE_AND_WAIT = """
import sys
from backend import Database
from backend.tasks import TaskCreate, TaskRepository
session = Database(sys.argv[1]).session()
print(TaskRepository(session).owned_by("a").create(TaskCreate(title="kept")).id, flush=True)
sys.stdin.read()
"""


def test_a_created_row_outlives_a_process_that_is_killed(server: Server, clean: Engine) -> None:
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", _CREATE_AND_WAIT, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    ) as process:
        assert process.stdout is not None
        id = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
    with Database(clean).session() as session:
        task = TaskRepository(session).owned_by("a").get_one(id)
    assert task.title == "kept"


def test_a_row_of_an_uncommitted_transaction_is_gone(clean: Engine) -> None:
    session = Database(clean).session()
    session.begin()
    TaskRepository(session).owned_by("a").create(TaskCreate(title="lost"))
    session.rollback()
    assert TaskRepository(session).every_owner().count() == 0
