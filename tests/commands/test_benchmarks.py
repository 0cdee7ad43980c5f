"""`python -m benchmarks` runs and prints its tables; what they say is a matter of the machine."""

import subprocess
import sys

import pytest

from tests.support.cli import ROOT

TABLES = {
    "calls": ["| create | 1 (", "| list of 100 | 1 ("],
    "conditions": ["| two of `col` | ", "| two of `typed` | ", "| a page of two of `col` | "],
    "prepare": ["| create | ", "| list of 100 | "],
    "pages": ["| rows of a stream |", "| 300 | ", "| first | ", "| last, its cursor | ", "| `page`, the last | "],
}


@pytest.mark.session_state("one of them prepares statements")
@pytest.mark.parametrize("what", TABLES)
def test_benchmarks_print_their_tables(new_url: str, what: str) -> None:
    arguments = [what, "--rounds", "2", "--rows", "300", "--url", new_url]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert [begin for begin in TABLES[what] if f"\n{begin}" not in f"\n{run.stdout}"] == []
