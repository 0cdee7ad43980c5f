"""The generator of the synchronous twins: what it substitutes, and what it finds wrong with a tree."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tools.generate_sync import ROOT, RULES, Rule, problems, to_sync, twins

SOURCE = "async def get() -> int:\n    return await found()\n"
TWIN = "def get() -> int:\n    return found()\n"

formats = pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed, which formats the twins")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project with one source in the package and one among the tests."""
    for name in ("backend/store/_async.py", "tests/store/_async/test_calls.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(SOURCE)
    return tmp_path


def of_twins(found: list[str]) -> list[str]:
    """The findings without those on rules: a small tree needs few of them."""
    return [one for one in found if not one.startswith("a rule that no source needs")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("async def f(): ...", "def f(): ..."),
        ("async with a as b:", "with a as b:"),
        ("async for a in b:", "for a in b:"),
        ("return await (await a).b()", "return (a).b()"),
        ("work: Callable[[T], Awaitable[dict[str, list[int]]]]", "work: Callable[[T], dict[str, list[int]]]"),
        ("@asynccontextmanager", "@contextmanager"),
        ("def __aenter__(self): ...", "def __enter__(self): ..."),
        ("def __aexit__(self): ...", "def __exit__(self): ..."),
        ("AsyncGenerator[AsyncSession]", "Generator[Session]"),
        ("AsyncCRUDRepository[Task, TaskCreate, TaskUpdate]", "CRUDRepository[Task, TaskCreate, TaskUpdate]"),
        ("takes an AsyncSession, or an AsyncEngine", "takes a Session, or an Engine"),
        ("from sqlmodel.ext.asyncio.session import AsyncSession", "from sqlmodel import Session"),
        ("from sqlalchemy.ext.asyncio import AsyncSession", "from sqlalchemy.orm import Session"),
        ("from sqlalchemy.ext.asyncio import AsyncEngine", "from sqlalchemy import Engine"),
        ("async_run_on_session(create_async_engine())", "run_on_session(create_engine())"),
        ("from backend.repository._async import a", "from backend.repository._sync import a"),
    ],
)
def test_text_becomes_synchronous(text: str, expected: str) -> None:
    assert to_sync(text, set()) == expected


@pytest.mark.parametrize("text", ["an asynchronous caller waits", "asyncio_mode", "is_async = True", "awaited"])
def test_other_words_are_left_as_they_are(text: str) -> None:
    assert to_sync(text, set()) == text


def test_synchronous_text_needs_no_rule() -> None:
    used: set[Rule] = set()
    assert to_sync(TWIN, used) == TWIN
    assert used == set()


def test_the_rules_that_a_text_needs_are_noted() -> None:
    used: set[Rule] = set()
    to_sync(SOURCE, used)
    assert {rule.pattern for rule in used} == {r"\basync (def|with|for) ", r"\bawait "}


def test_sources_are_found_by_their_names(tree: Path) -> None:
    (tree / "backend/store/plain.py").write_text(SOURCE)
    found = {str(source.relative_to(tree)): str(twin.relative_to(tree)) for source, twin in twins(tree).items()}
    assert found == {
        "backend/store/_async.py": "backend/store/_sync.py",
        "tests/store/_async/test_calls.py": "tests/store/_sync/test_calls.py",
    }


@formats
def test_a_twin_says_what_it_is_generated_from(tree: Path) -> None:
    problems(tree, write=True)
    first, _, rest = (tree / "backend/store/_sync.py").read_text().partition("\n")
    assert first == "# Generated from backend/store/_async.py by `python -m tools.generate_sync`: edit that one."
    assert rest.strip() == TWIN.strip()


@formats
def test_a_twin_is_formatted(tree: Path) -> None:
    (tree / "backend/store/_async.py").write_text("import sys\nimport os\nx = {  'a':os, 'b':sys }\n")
    problems(tree, write=True)
    expected = 'import os\nimport sys\n\nx = {"a": os, "b": sys}\n'
    assert (tree / "backend/store/_sync.py").read_text().endswith(expected)


@formats
def test_an_import_that_only_the_source_needs_is_left_out(tree: Path) -> None:
    text = "from collections.abc import Awaitable, Callable\n\nx: Callable[[], Awaitable[int]]\n"
    (tree / "backend/store/_async.py").write_text(text)
    problems(tree, write=True)
    expected = "from collections.abc import Callable\n\nx: Callable[[], int]\n"
    assert (tree / "backend/store/_sync.py").read_text().endswith(expected)


@formats
def test_written_twins_are_fresh(tree: Path) -> None:
    problems(tree, write=True)
    assert of_twins(problems(tree, write=False)) == []


@formats
def test_a_missing_twin_is_found_and_not_written(tree: Path) -> None:
    found = of_twins(problems(tree, write=False))
    assert [one.partition(",")[0] for one in found] == [
        "missing: backend/store/_sync.py",
        "missing: tests/store/_sync/test_calls.py",
    ]
    assert not (tree / "backend/store/_sync.py").exists()


@formats
@pytest.mark.parametrize("changed", ["backend/store/_async.py", "backend/store/_sync.py"])
def test_a_change_on_either_side_makes_the_twin_stale(tree: Path, changed: str) -> None:
    problems(tree, write=True)
    with (tree / changed).open("a") as file:
        file.write("x = 1\n")
    assert of_twins(problems(tree, write=False)) == ["stale: backend/store/_sync.py, run python -m tools.generate_sync"]


@formats
@pytest.mark.parametrize("source", ["backend/store/_async.py", "tests/store/_async/test_calls.py"])
def test_a_twin_whose_source_is_gone_is_found(tree: Path, source: str) -> None:
    problems(tree, write=True)
    (tree / source).unlink()
    assert of_twins(problems(tree, write=False)) == [f"without a source: {source.replace('_async', '_sync')}"]


@formats
def test_a_rule_that_no_source_needs_is_found(tree: Path) -> None:
    problems(tree, write=True)
    found = problems(tree, write=False)
    assert f"a rule that no source needs: {RULES[2].pattern}" in found
    assert f"a rule that no source needs: {RULES[0].pattern}" not in found


@formats
def test_the_twins_and_rules_of_this_project_are_fresh() -> None:
    assert problems(ROOT, write=False) == []
