"""The code of the pages in docs/ does what they say: each asserts it, on tables of its own."""

import ast
from pathlib import Path

import pytest

from tests.support.docs_examples import blocks, run, script, write_files

PAGES = ("entities", "sessions", "concurrency", "conditions", "querying", "bulk", "application-tests", "observability")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asserts_what_it_says(page: str, own_tables: str, tmp_path: Path) -> None:
    write_files("docs/entities.md", tmp_path)
    run(["-c", script(f"docs/{page}.md")], tmp_path, own_tables)


def test_the_fixtures_of_the_page_serve_its_tests(own_tables: str, tmp_path: Path) -> None:
    for page in ("docs/entities.md", "docs/application-tests.md"):
        write_files(page, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], tmp_path, own_tables)


def test_an_entity_takes_at_most_25_lines_besides_its_own_fields() -> None:
    journal = blocks("docs/entities.md")[0]
    own = {"title", "text"}
    fields = [node for node in ast.walk(ast.parse(journal)) if isinstance(node, ast.AnnAssign)]
    own_lines = {node.lineno for node in fields if ast.unparse(node.target) in own}
    lines = [line for number, line in enumerate(journal.splitlines(), 1) if line.strip() and number not in own_lines]
    assert len(own_lines) == 6  # in the table and in both schemas
    assert "class AsyncEntryRepository(" in lines
    assert len(lines) <= 25
