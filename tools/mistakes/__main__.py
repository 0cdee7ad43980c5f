"""Write docs/mistakes.md: `python -m tools.mistakes`. It needs the five checkers, and runs an embedded PostgreSQL."""

import asyncio
import os

from backend.embedded import EmbeddedServer
from tools.checkers import CHECKERS, copies, reported, reported_mistakes
from tools.mistakes.page import PAGE, render
from tools.mistakes.run import run_all
from tools.mistakes.sources import every_mistake

with copies() as folder:
    by_checker = {checker: reported_mistakes(reported(checker, folder)) for checker in CHECKERS}
with EmbeddedServer() as server:
    os.environ["DATABASE_URL"] = server.url
    outcomes = asyncio.run(run_all())
who = {one.name: [checker for checker in CHECKERS if one.name in by_checker[checker]] for one in every_mistake()}
PAGE.write_text(render(outcomes, who, CHECKERS))
for one in every_mistake():
    print(one.name, {checker: by_checker[checker].get(one.name, "-") for checker in CHECKERS}, outcomes[one.name])
