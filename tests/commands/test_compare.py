"""`python -m benchmarks.compare` makes every call with every contender that is installed, on tiny sizes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import ROOT

SIZES = ["--rows", "300", "--bulk", "20", "--rounds", "2", "--batch", "1", "--delays", "0.5", "--workers", "1,2"]
OURS = ["psycopg", "repository, new session", "async repository, new session"]
CALLS = [
    "create",
    "get",
    "update",
    "upsert",
    "list of 100",
    "page",
    "transaction of ten writes",
    "create_many",
    "stream",
]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks.compare", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.session_state("a part of the run prepares statements")
def test_compare_writes_every_table(new_url: str, tmp_path: Path) -> None:
    made = run(
        *SIZES,
        "--seconds",
        "0.01",
        "--contenders",
        ";".join(OURS),
        "--calls",
        ";".join(CALLS),
        "--url",
        new_url,
        "--out",
        str(tmp_path),
    )
    assert made.returncode == 0, made.stderr
    (path,) = tmp_path.glob("*.json")
    found = json.loads(path.read_text())
    assert found["contenders"] == OURS
    assert found["notes"] == []
    tables = {table["key"]: table["cells"] for table in found["tables"]}
    assert {"calls", "prepared", "bulk", "stream", "trips", "delay-0.5", "threads-get", "memory"} <= set(tables)
    assert all(set(row) == set(OURS) for row in tables["threads-get"].values())
    assert tables["trips"]["create"]["repository, new session"]["value"] == 1
    assert "| create | 1.00 (1.00 to 1.00)" in path.with_suffix(".md").read_text()


def test_compare_refuses_an_unknown_name() -> None:
    refused = run("--contenders", "psycopg; Hibernate")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "unknown: ['Hibernate']" in refused.stderr
