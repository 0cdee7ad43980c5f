"""The code of the documentation, run as a reader would: the files that pages name, then what a page does with them."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# (\S+\.py)\n")


def blocks(page: str) -> list[str]:
    """The page's Python, in the order of the page."""
    return _BLOCK.findall((ROOT / page).read_text())


def write_files(page: str, folder: Path) -> None:
    """Writes the page's blocks that begin with the name of a file, each to that file."""
    for block in blocks(page):
        if named := _FILE.match(block):
            file = folder / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block)


def script(page: str) -> str:
    """The page's other blocks, as one program."""
    return "\n".join(block for block in blocks(page) if not _FILE.match(block))


def run(arguments: list[str], folder: Path, url: str, *, capture_output: bool = False) -> str:
    """Runs Python on the files of a folder, each warning an error. Raises if it does not succeed.

    Returns what it printed, if that is captured.
    """
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-W", "error", *arguments]
    ran = subprocess.run(command, check=True, env=environment, cwd=folder, capture_output=capture_output)
    return (ran.stdout or b"").decode()
