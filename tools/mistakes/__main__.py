"""Write docs/mistakes.md: `python -m tools.mistakes`. It needs the five checkers, and runs an embedded PostgreSQL.

With `--run` what the checkers report stays as the page has it, as after a change of a message.
"""

import asyncio
import os
import sys

from backend.embedded import EmbeddedServer
from tools.checkers import CHECKERS, copies, reported, reported_mistakes
from tools.mistakes.page import PAGE, Reported, recorded, render
from tools.mistakes.run import run_all
from tools.mistakes.sources import every_mistake


def _ask_checkers() -> Reported:
    with copies() as folder:
        by_checker = {checker: reported_mistakes(reported(checker, folder)) for checker in CHECKERS}
    return {one.name: [checker for checker in CHECKERS if one.name in by_checker[checker]] for one in every_mistake()}


who = recorded() if "--run" in sys.argv else _ask_checkers()
with EmbeddedServer() as server:
    os.environ["DATABASE_URL"] = server.url
    outcomes = asyncio.run(run_all())
PAGE.write_text(render(outcomes, who, CHECKERS))
