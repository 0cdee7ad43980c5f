"""The README's code does what it says, prints what it shows, and takes the lines and round trips that it names."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Engine

import backend
from backend import AsyncDatabase, Database, tasks
from backend.tasks import TaskCreate, TaskRepository, TaskUpdate
from tests.conftest import Server
from tests.support.docs_examples import ROOT, blocks
from tests.support.wire import WireProxy

README = (ROOT / "README.md").read_text()
IN_A_SESSION, IN_THREE_LINES, REFUSED, SYNCHRONOUS, ASYNCHRONOUS = blocks("README.md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NUMBERS = {"one": 1, "three": 3, "five": 5}


def done(block: str, **names: Any) -> dict[str, Any]:
    """Runs a block of the README with these names, and returns what it has named."""
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - what a reader would run
    return names


def in_words(pattern: str) -> int:
    """The number that the README names, in digits or as a word."""
    (found,) = re.findall(pattern, README)
    return int(found) if found.isdigit() else NUMBERS[found]


def code_lines(block: str) -> int:
    return len([line for line in block.splitlines() if line.strip()])


def test_the_readme_is_shorter_than_150_lines() -> None:
    assert len(README.splitlines()) < 150


def test_both_ways_change_the_task_in_as_many_lines_and_round_trips_as_said(proxy: WireProxy, clean: Engine) -> None:
    with Database(proxy.url) as db:
        with db.session() as session:
            task = TaskRepository(session).owned_by("ada").create(TaskCreate(title="Write"))
        names: dict[str, Any] = {
            "owner": "ada",
            "id": task.id,
            "data": TaskUpdate(title="Read"),
            "seen": task.updated_at,
        }
        change = done(IN_A_SESSION)["change"]
        with proxy.watch() as of_session:
            changed = change(db.engine, **names)
        assert (changed.title, changed.updated_at > task.updated_at) == ("Read", True)
        for other in ({"owner": "grace"}, {}):
            with pytest.raises((LookupError, RuntimeError)):
                change(db.engine, **names | other)
        names |= {"seen": changed.updated_at, "data": TaskUpdate(completed=True)}
        with proxy.watch() as of_repository:
            found = done(IN_THREE_LINES, db=db, TaskRepository=TaskRepository, **names)
    assert (found["task"].title, found["task"].completed) == ("Read", True)
    assert code_lines(IN_A_SESSION) == in_words(r"## (\d+) lines, or three")
    assert code_lines(IN_THREE_LINES) == 3
    assert of_session.round_trips == in_words(r"session of SQLModel, in (\w+) round trips")
    assert of_repository.round_trips == in_words(r"With a repository, in (\w+)[, ]")


def test_an_error_is_printed_as_shown(server: Server, clean: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with Database(clean).session() as session:
        mine = TaskRepository(session).owned_by("ada")
        task = mine.create(TaskCreate(title="Write"))
        mine.update(task.id, TaskUpdate(title="Read"))
        done(
            REFUSED,
            mine=mine,
            id=task.id,
            data=TaskUpdate(title="Sing"),
            seen=task.updated_at,
        )
    (shown,) = re.findall(r"^```text\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert capsys.readouterr().out == shown


async def test_both_twins_work(server: Server, clean: Engine) -> None:
    names = {name: getattr(module, name) for module in (backend, tasks) for name in module.__all__}
    assert done(SYNCHRONOUS, **names)["pack"](Database(clean)) == 1
    async with AsyncDatabase(server.url) as db:
        assert await done(ASYNCHRONOUS, **names)["pack"](db) == 2


def test_the_badges_say_what_the_project_says() -> None:
    shown = {path.stem: path.read_text() for path in (ROOT / "docs/assets").glob("*.svg")}
    assert f"{PROJECT['requires-python'].removeprefix('>=')} or newer" in shown["python"]
    assert f">{PROJECT['license']}<" in shown["licence"]
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert re.search(r"strict = (true|True)", (ROOT / "mypy.ini").read_text())
    assert 'typeCheckingMode = "strict"' in (ROOT / "pyproject.toml").read_text()
    assert "mypy and pyright, strict" in shown["typed"]


def test_the_entity_is_as_long_as_the_readme_says() -> None:
    lines = [line for line in blocks("docs/entities.md")[0].splitlines() if line.strip()]
    own = [line for line in lines if re.match(r"    (title|text):", line)]
    assert len(own) == 6  # in the table and in both schemas
    assert "class AsyncEntryRepository(" in lines
    assert len(lines) - len(own) == in_words(r"takes (\d+) lines besides its fields")


def test_the_chart_shows_what_the_run_has_measured() -> None:
    run: Mapping[str, Any] = json.loads((ROOT / "docs/benchmarks/cpython-3.11.json").read_text())
    tables = {table["key"]: table["cells"] for table in run["tables"]}
    shown = set(re.findall(r"<text[^>]*>([^<]*)</text>", (ROOT / "docs/benchmarks/front-page.svg").read_text()))
    peers = ("repository, new session", "async repository, new session", "SQLModel", "Advanced Alchemy", "FastCRUD")
    for call in ("create", "get", "update", "delete", "list of 20"):
        values = {f"{tables['calls'][call][who]['value']:.0f}" for who in (*peers, "Django")}
        values |= {f"{tables['trips'][call][who]['value']:.0f}" for who in (*peers, "Django")}
        assert values - shown == set()
    assert {text for text in shown if run["facts"]["CPython"] in text} != set()
