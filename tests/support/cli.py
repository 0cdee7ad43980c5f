"""`python -m backend` as processes of their own, in an empty folder, with nothing set beforehand."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 60.0


_MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""With these a child process measures its coverage."""


class CommandLine:
    """Starts `python -m backend` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The command's end, with these environment variables and none of this process."""
        with self.started(*arguments, **variables) as process:
            out, err = process.communicate(timeout=DEADLINE_S)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def started(self, *arguments: str, **variables: str) -> "AbstractContextManager[subprocess.Popen[str]]":
        """The command under way, its output on pipes; ended with the block."""
        return self.started_on(subprocess.PIPE, *arguments, **variables)

    @contextmanager
    def started_on(self, stdout: int, *arguments: str, **variables: str) -> "Generator[subprocess.Popen[str]]":
        """The command under way, its output on this descriptor; ended with the block."""
        environment = {"PATH": os.defpath, "HOME": str(self.folder), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error"}
        with interruptible():
            process = subprocess.Popen(
                [sys.executable, "-m", "backend", *arguments],
                cwd=self.folder,
                env={**environment, **_MEASURED, "PYTHONPATH": str(ROOT), **variables},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
            )
        with process:
            try:
                yield process
            finally:
                process.kill()


@contextmanager
def interruptible() -> Generator[None]:
    """This process and what it starts heed SIGINT, also where it was started in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def new_database(url: str, encoding: str = "UTF8") -> Generator[str]:
    """The URL of a new database on the server of a URL, for as long as the block."""
    name = sql.Identifier(f"cli_{secrets.token_hex(6)}")
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} ENCODING {} TEMPLATE template0 LOCALE 'C'")
        connection.execute(made.format(name, sql.Literal(encoding)))
        try:
            yield make_url(url).set(database=name.as_string().strip('"')).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
