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
from tests.support.docs_examples import ROOT, blocks, run

README = (ROOT / "README.md").read_text()
BLOCKS = blocks("README.md")
ITS_CALLS = """
from backend import Database, init_db

with Database() as db, db.session() as session:
    init_db(db)
    mine, others = (BookRepository(session).owned_by(owner) for owner in ("ada", "grace"))
    book = mine.create(BookCreate(title="Notes", pages=66))
    assert (book.user_id, book.revision) == ("ada", 1)
    assert others.get(book.id) is None
    changed = mine.update(book.id, BookUpdate(pages=None), expected=1)
    assert (changed.title, changed.pages, changed.revision) == ("Notes", None, 2)
"""


ITS_REPORTS = """
from backend import Database, init_db
from backend.tasks import TaskCreate

with Database() as db, db.session() as session:
    init_db(db)
    mine, others = (TaskReports(session).owned_by(owner) for owner in ("ada", "grace"))
    task = mine.create(TaskCreate(title="Write", completed=True))
    assert mine.open_count_by_day() == []
    assert not mine.reopen(task.id).completed
    assert [count for _, count in mine.open_count_by_day()] == [1]
    assert others.open_count_by_day() == []
"""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0][:40])
def test_each_block_is_python(block: str) -> None:
    compile(block, "README.md", "exec")


def test_the_readers_own_entity_works(own_tables: str, tmp_path: Path) -> None:
    run(["-c", BLOCKS[1] + ITS_CALLS], tmp_path, own_tables)


def test_the_reports_of_a_subclass_work(own_tables: str, tmp_path: Path) -> None:
    run(["-c", BLOCKS[2] + ITS_REPORTS], tmp_path, own_tables)


def test_every_page_for_maintainers_is_listed() -> None:
    folder = ROOT / "docs/maintainers"
    listed = set(re.findall(r"^\| \[([\w-]+)\]\(\S+\) \|", (folder / "README.md").read_text(), re.MULTILINE))
    assert {page.stem for page in folder.glob("*.md")} - listed == {"README"}


def test_the_first_block_runs(server: Server, clean: Engine) -> None:
    environment = {**os.environ, "DATABASE_URL": server.url}
    subprocess.run([sys.executable, "-W", "error", "-c", BLOCKS[0]], check=True, env=environment, cwd=ROOT)
    with Database(clean).session() as session:
        titles = [(task.title, task.completed) for task in TaskRepository(session).owned_by("user-123").list()]
    assert titles == [("Buy food, done", True), ("Pack", False), ("Travel", False)]
