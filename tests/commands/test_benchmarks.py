"""`python -m benchmarks` runs and prints its tables; what they say is a matter of the machine."""

import json
import subprocess
import sys
from pathlib import Path

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


def test_growth_writes_every_size(new_url: str, tmp_path: Path) -> None:
    arguments = ["growth", "--rounds", "2", "--rows", "300", "--url", new_url, "--out", str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    tables = {table["key"]: table["cells"] for table in json.loads((tmp_path / "growth.json").read_text())["tables"]}
    assert tables.keys() == {"rows", "rows-server", "owners", "owners-server"}
    assert list(tables["rows"]["get"]) == ["300 rows"]
    assert list(tables["owners-server"]["upsert_many of 100"]) == ["1 owner", "10 owners"]
    assert "## More owners: time of a call\n" in (tmp_path / "growth.md").read_text()
