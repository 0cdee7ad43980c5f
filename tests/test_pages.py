"""The code of the pages in docs/ does what they say: each asserts it, on tables of its own."""

from pathlib import Path

import pytest

from tests.support.docs_examples import run, script, write_files

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
