"""A call calls no more Python functions than it did: the cost of a call in a number that repeats exactly."""

import re
import subprocess
import sys

from tests.support.cli import ROOT

Counts = dict[str, tuple[int, int]]

BOUNDS: dict[tuple[int, int], Counts] = {
    (3, 11): {
        "create": (55, 256),
        "get_one": (40, 235),
        "update": (55, 259),
        "toggle_complete": (42, 241),
        "delete": (38, 234),
        "exists": (35, 217),
        "first": (43, 238),
        "first with a condition": (67, 372),
        "list of 20": (81, 467),
        "list of 20 as a view": (103, 326),
        "page of 20": (79, 468),
    },
    (3, 12): {
        "create": (53, 250),
        "get_one": (40, 231),
        "update": (53, 253),
        "toggle_complete": (42, 237),
        "delete": (38, 230),
        "exists": (35, 213),
        "first": (43, 234),
        "first with a condition": (67, 361),
        "list of 20": (81, 463),
        "list of 20 as a view": (103, 322),
        "page of 20": (78, 463),
    },
}
"""Of the package's functions and of all, from a version of Python on. 3.12 has no functions for comprehensions.

`python -m benchmarks functions`, 27 November 2026, SQLAlchemy 2.1.9, psycopg 3.3.9; how to move them:
docs/maintainers/benchmarks.md.
"""


def test_a_call_calls_no_more_functions_than_its_bound(new_url: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "functions", "--url", new_url]  # without the listeners of tests
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    counted = {
        name: (int(own), int(every)) for name, own, every in re.findall(r"\| (.+) \| (\d+) \| (\d+) \|", run.stdout)
    }
    bounds = BOUNDS[max(version for version in BOUNDS if version <= sys.version_info[:2])]
    assert counted.keys() == bounds.keys()
    assert {
        name: (counts, bounds[name])
        for name, counts in counted.items()
        if any(count > bound for count, bound in zip(counts, bounds[name], strict=True))
    } == {}
