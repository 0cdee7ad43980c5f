"""`python -m backend demo | check | init`. An error is one line on stderr and exit code 1."""

import argparse
import sys
from collections.abc import Sequence

import backend.tasks
from backend import Database, init_db
from backend.commands.check import check
from backend.commands.demo import demo
from backend.errors import RepositoryError

_COMMANDS = {
    "demo": "walk tasks of two owners through their life, on DATABASE_URL or an embedded PostgreSQL",
    "check": "connect to DATABASE_URL and report server, latency, pool and tables",
    "init": "create the tables that are missing in DATABASE_URL",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m backend", description="Tools for a database of this project.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in _COMMANDS.items():
        commands.add_parser(name, help=help, description=help)
    command = parser.parse_args(arguments).command
    try:
        return {"demo": demo, "check": check, "init": _init}[command]()
    except RepositoryError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130


def _init() -> int:
    with Database() as database:
        init_db(database, backend.tasks.Task.metadata)
    sys.stdout.write("the tables exist\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
