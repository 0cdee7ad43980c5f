"""A call calls no more Python functions than it did: the cost of a call in a number that repeats exactly."""

import re
import subprocess
import sys

from tests.support.cli import ROOT

Counts = dict[str, tuple[int, int]]

BOUNDS: dict[tuple[int, int], Counts] = {
    (3, 11): {
        "create": (47, 243),
        "get_one": (39, 230),
        "update": (48, 245),
        "toggle_complete": (41, 236),
        "delete": (38, 231),
        "update_where": (104, 353),
        "exists": (37, 219),
        "first": (44, 240),
        "first with a condition": (73, 316),
        "list of 20": (44, 393),
        "list of 20 as a view": (66, 252),
        "page of 20": (46, 397),
    },
    (3, 12): {
        "create": (46, 238),
        "get_one": (39, 226),
        "update": (47, 240),
        "toggle_complete": (41, 232),
        "delete": (38, 227),
        "update_where": (99, 347),
        "exists": (37, 215),
        "first": (44, 236),
        "first with a condition": (73, 315),
        "list of 20": (44, 389),
        "list of 20 as a view": (65, 247),
        "page of 20": (45, 392),
    },
}
"""Of the package's functions and of all, from a version of Python on. 3.12 has no functions for comprehensions.

`python -m benchmarks functions`, 27 November 2026, SQLAlchemy 2.1.9, psycopg 3.3.9; how to move them:
docs/maintainers/benchmarks.md.
"""


LIBRARIES = 1.05
"""How many more functions of all are called where another version of a library is installed."""


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
        if counts[0] > bounds[name][0] or counts[1] > bounds[name][1] * LIBRARIES
    } == {}
