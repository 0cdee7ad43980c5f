"""docs/mistakes.md says what each mistake does. What the checkers say of it, `nox -s checkers` compares."""

import json
import os
import subprocess
import sys

from tools.checkers import CHECKERS, ROOT
from tools.mistakes.page import PAGE, recorded, render


def test_the_page_says_what_each_mistake_does(own_tables: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tools.mistakes.run"],
        env={**os.environ, "DATABASE_URL": own_tables}, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    outcomes = json.loads(ran.stdout)
    assert render(outcomes, recorded(), CHECKERS) == PAGE.read_text()
