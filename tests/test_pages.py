"""The code of the pages in docs/ does what they say: each asserts it, on tables of its own."""

import re
import subprocess
from pathlib import Path

import pytest

from backend import CRUDRepository
from tests.support.docs_examples import ROOT, blocks, run, script, write_files

PAGES = (
    *("entities", "sessions", "concurrency", "conditions", "querying", "bulk", "application-tests", "observability"),
    *("start", "tour", "owners", "errors", "async", "applications", "security", "recipes", "debugging"),
)

OTHERS = {"subclassing", "tutorial", "migrations", "mistakes"}
"""Pages whose code is run by a test of their own."""


def test_each_page_with_code_is_run() -> None:
    with_code = {page.stem for page in (ROOT / "docs").rglob("*.md") if blocks(str(page.relative_to(ROOT)))}
    assert with_code == {*PAGES, *OTHERS}


def test_each_call_beside_another_librarys_exists() -> None:
    page = (ROOT / "docs/coming-from.md").read_text()
    calls = set(re.findall(r"\bbooks\.(\w+)", page))
    assert {call for call in calls if not hasattr(CRUDRepository, call)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asserts_what_it_says(page: str, own_tables: str, tmp_path: Path) -> None:
    for files in ("docs/entities.md", f"docs/{page}.md"):
        write_files(files, tmp_path)
    run(["-c", script(f"docs/{page}.md")], tmp_path, own_tables)


def test_the_fixtures_of_the_page_serve_its_tests(own_tables: str, tmp_path: Path) -> None:
    for page in ("docs/entities.md", "docs/application-tests.md"):
        write_files(page, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], tmp_path, own_tables)


def test_the_entity_of_the_tutorial_passes_its_tests(own_tables: str, tmp_path: Path) -> None:
    write_files("docs/tutorial.md", tmp_path)
    settings = re.findall(r"^```ini\n(.*?)^```", (ROOT / "docs/tutorial.md").read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "pytest.ini").write_text(*settings)
    run(["-c", script("docs/tutorial.md")], tmp_path, own_tables)
    checked = run(["-m", "backend", "check", "--models", "expenses"], tmp_path, own_tables, capture_output=True)
    assert "advice   indexes" not in checked
    run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], tmp_path, own_tables)


def test_the_entity_of_the_tutorial_is_refused_as_it_says(own_tables: str, tmp_path: Path) -> None:
    write_files("docs/tutorial.md", tmp_path)
    models = tmp_path / "expenses/models.py"
    models.write_text(models.read_text().replace("Rule(min_length=1, max_length=100)", "Rule(min_length=1)"))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run(["-c", "import expenses.repository"], tmp_path, own_tables, capture_output=True)
    message = refused.value.stderr.decode().splitlines()[-1]
    assert f"```\n{message}\n```" in (ROOT / "docs/tutorial.md").read_text()


def test_alembic_migrates_as_the_page_says(own_tables: str, tmp_path: Path) -> None:
    run(["-m", "alembic", "init", "migrations"], tmp_path, own_tables, capture_output=True)
    for page in ("docs/entities.md", "docs/migrations.md"):
        write_files(page, tmp_path)
    template = tmp_path / "migrations/script.py.mako"
    template.write_text(
        template.read_text().replace("import sqlalchemy as sa", "import sqlalchemy as sa\nimport sqlmodel")
    )
    run(["-c", script("docs/migrations.md")], tmp_path, own_tables)
