"""The README's code does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend import Database
from backend.tasks import TaskRepository
from tests.conftest import Server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0][:40])
def test_each_block_is_python(block: str) -> None:
    compile(block, "README.md", "exec")


def test_the_first_block_runs(server: Server, clean: Engine) -> None:
    environment = {**os.environ, "DATABASE_URL": server.url}
    subprocess.run([sys.executable, "-W", "error", "-c", BLOCKS[0]], check=True, env=environment, cwd=ROOT)
    with Database(clean).session() as session:
        titles = [(task.title, task.completed) for task in TaskRepository(session).owned_by("user-123").list()]
    assert titles == [("Buy food, done", True), ("Pack", False), ("Travel", False)]
